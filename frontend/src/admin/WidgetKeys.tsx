import { Pencil, Plus } from 'lucide-react'
import { go } from '../console/place'
import { Button } from '../shared/ui'
import { Item, Items } from './Item'
import { Sheet } from './parts'
import type { WidgetKey } from './rest'
import { hasDraft } from './useEdit'
import { useRows } from './useRows'
import { words } from './words'

/** The keys under which the distributor's own sites have the widget. */
export default function WidgetKeys() {
  const a = words()
  const rows = useRows<WidgetKey>('/widget-keys')
  const open = (id: string) => go(`/admin/widget-keys/${id}`, new URLSearchParams())
  return (
    <Sheet
      title={a.pages['widget-keys']}
      help={a.widgetsHelp}
      action={
        <Button onClick={() => open('new')}>
          <Plus size={15} aria-hidden />
          {a.widgetNew}
        </Button>
      }
    >
      <Items
        of={rows}
        empty={a.widgetsEmpty}
        nameOf={(r) => r.name}
        pathOf={(r) => `/widget-keys/${r.id}`}
        removeHelp={a.widgetRemoveHelp}
      >
        {(r, removal) => (
          <Item
            key={r.id}
            path={`/admin/widget-keys/${r.id}`}
            name={r.name}
            about={
              <>
                <span className="wrap-anywhere">{a.widgetOrigins(r.origins ?? [])}</span>
                {r.identity === 'required' && <span>{a.identityShort}</span>}
              </>
            }
            active={r.state === 'active'}
            draft={hasDraft(`/widget-keys/${r.id}`)}
            menu={[
              { label: a.widgetEdit, icon: <Pencil size={15} aria-hidden />, run: () => open(r.id) },
              'line',
              removal,
            ]}
          />
        )}
      </Items>
    </Sheet>
  )
}
