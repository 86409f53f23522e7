import { Pencil, Plus } from 'lucide-react'
import { go } from '../console/place'
import { money } from '../monitor/time'
import { Button } from '../shared/ui'
import { Item, Items } from './Item'
import { Sheet } from './parts'
import type { Model } from './rest'
import { hasDraft } from './useEdit'
import { useRows } from './useRows'
import { words } from './words'

/** The catalogue of models that people choose from, with what each costs. */
export default function Models() {
  const a = words()
  const rows = useRows<Model>('/models')
  const open = (id: string) => go(`/admin/models/${id}`, new URLSearchParams())
  return (
    <Sheet
      title={a.pages.models}
      help={a.modelsHelp}
      action={
        <Button onClick={() => open('new')}>
          <Plus size={15} aria-hidden />
          {a.modelNew}
        </Button>
      }
    >
      <Items
        of={rows}
        empty={a.modelsEmpty}
        nameOf={(r) => r.name}
        pathOf={(r) => `/models/${r.id}`}
        removeHelp={a.modelRemoveHelp}
      >
        {(r, removal) => (
          <Item
            key={r.id}
            path={`/admin/models/${r.id}`}
            name={r.name}
            about={
              <>
                <span>{a.llmProviders[r.provider]}</span>
                <span className="wrap-anywhere">{r.model}</span>
                <span>
                  {r.price
                    ? a.priceShort(
                        money(r.price.input, r.price.currency ?? ''),
                        money(r.price.output, r.price.currency ?? ''),
                      )
                    : a.priceUnknown}
                </span>
              </>
            }
            active={r.state === 'active'}
            draft={hasDraft(`/models/${r.id}`)}
            menu={[
              { label: a.modelEdit, icon: <Pencil size={15} aria-hidden />, run: () => open(r.id) },
              'line',
              removal,
            ]}
          />
        )}
      </Items>
    </Sheet>
  )
}
