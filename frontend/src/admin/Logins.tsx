import { Pencil, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { go, slug } from '../console/place'
import { t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Delete } from './Delete'
import { Item, Items } from './Item'
import { Copyable, Empty, Loading, Problem, Sheet } from './parts'
import type { LoginProvider } from './rest'
import { hasDraft } from './useEdit'
import { useRows } from './useRows'
import { words } from './words'

/** The address to which providers send people back; it has to be registered with each. */
export function Redirect() {
  return <Copyable label={words().loginRedirect} value={`${location.origin}/auth/oidc/${slug}/callback`} />
}

/** The OpenID Connect providers at which people may sign in. */
export default function Logins() {
  const a = words()
  const { rows, problem, reload, more } = useRows<LoginProvider>('/login-providers')
  const [leaving, setLeaving] = useState<LoginProvider>()
  const open = (id: string) => go(`/admin/logins/${id}`, new URLSearchParams())
  return (
    <Sheet
      title={a.pages.logins}
      help={a.loginsHelp}
      action={
        <Button onClick={() => open('new')}>
          <Plus size={15} aria-hidden />
          {a.loginNew}
        </Button>
      }
    >
      <Problem text={problem} retry={rows ? undefined : () => void reload()} />
      {!rows && !problem && <Loading />}
      {rows?.length === 0 && <Empty>{a.loginsEmpty}</Empty>}
      {rows && rows.length > 0 && (
        <Items>
          {rows.map((r) => (
            <Item
              key={r.id}
              path={`/admin/logins/${r.id}`}
              name={r.name}
              about={<span className="wrap-anywhere">{r.issuer}</span>}
              active={r.state === 'active'}
              draft={hasDraft(`/login-providers/${r.id}`)}
              menu={[
                { label: a.loginEdit, icon: <Pencil size={15} aria-hidden />, run: () => open(r.id) },
                'line',
                { label: t.remove, icon: <Trash2 size={15} aria-hidden />, run: () => setLeaving(r), bad: true },
              ]}
            />
          ))}
        </Items>
      )}
      {more && (
        <Button className="mt-4" onClick={more}>
          {t.loadMore}
        </Button>
      )}
      <div className="mt-8 max-w-2xl">
        <Redirect />
      </div>
      {leaving && (
        <Delete
          path={`/login-providers/${leaving.id}`}
          name={leaving.name}
          help={a.loginRemoveHelp}
          onClose={() => setLeaving(undefined)}
          onDone={() => {
            setLeaving(undefined)
            void reload()
          }}
        />
      )}
    </Sheet>
  )
}
