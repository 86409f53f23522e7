import { Pencil, Plus } from 'lucide-react'
import { go, slug } from '../console/place'
import { Button } from '../shared/ui'
import { Item, Items } from './Item'
import { Copyable, Sheet } from './parts'
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
  const rows = useRows<LoginProvider>('/login-providers')
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
      <Items
        of={rows}
        empty={a.loginsEmpty}
        nameOf={(r) => r.name}
        pathOf={(r) => `/login-providers/${r.id}`}
        removeHelp={a.loginRemoveHelp}
      >
        {(r, removal) => (
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
              removal,
            ]}
          />
        )}
      </Items>
      <div className="mt-8 max-w-2xl">
        <Redirect />
      </div>
    </Sheet>
  )
}
