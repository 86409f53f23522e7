import { KeyRound, Pencil, Plus } from 'lucide-react'
import { go } from '../console/place'
import { moment } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Item, Items } from './Item'
import { Sheet } from './parts'
import { type APIKey, change, refusal } from './rest'
import { hasDraft } from './useEdit'
import { useNames } from './useNames'
import { useRows } from './useRows'
import { words } from './words'

/** The keys with which programs talk, each as one person and at that person's quota. */
export default function Keys() {
  const a = words()
  const rows = useRows<APIKey>('/api-keys')
  const names = useNames()
  const open = (id: string) => go(`/admin/keys/${id}`, new URLSearchParams())
  const setState = async (r: APIKey) => {
    try {
      await change(`/api-keys/${r.id}`, { state: r.state === 'active' ? 'disabled' : 'active' })
      await rows.reload()
    } catch (e) {
      rows.setProblem(refusal(e))
    }
  }
  return (
    <Sheet
      title={a.pages.keys}
      help={a.keysHelp}
      action={
        <Button onClick={() => open('new')}>
          <Plus size={15} aria-hidden />
          {a.keyNew}
        </Button>
      }
    >
      <Items
        of={rows}
        empty={a.keysEmpty}
        nameOf={(r) => r.name}
        pathOf={(r) => `/api-keys/${r.id}`}
        removeHelp={a.keyRemoveHelp}
      >
        {(r, removal) => (
          <Item
            key={r.id}
            path={`/admin/keys/${r.id}`}
            name={r.name}
            about={
              <>
                <span>{a.keyEnds(r.last4)}</span>
                <span>{a.keyOf(names.get(r.user_id ?? '') ?? r.user_id ?? '')}</span>
                <span>{r.last_used_at ? a.keyUsed(moment(r.last_used_at)) : a.keyUnused}</span>
                {r.expires_at && <span>{a.keyUntil(moment(r.expires_at))}</span>}
              </>
            }
            active={r.state === 'active'}
            draft={hasDraft(`/api-keys/${r.id}`)}
            menu={[
              { label: a.keyEdit, icon: <Pencil size={15} aria-hidden />, run: () => open(r.id) },
              {
                label: r.state === 'active' ? a.keyOff : a.keyOn,
                icon: <KeyRound size={15} aria-hidden />,
                run: () => void setState(r),
              },
              'line',
              removal,
            ]}
          />
        )}
      </Items>
    </Sheet>
  )
}
