import { Pencil, Plus } from 'lucide-react'
import { go } from '../console/place'
import { useConsole } from '../console/session'
import { Button } from '../shared/ui'
import { Item, Items } from './Item'
import { Badge, Sheet } from './parts'
import type { Plan } from './rest'
import { hasDraft } from './useEdit'
import { useRows } from './useRows'
import { useSubscriptions } from './useSubscriptions'
import { words } from './words'

/** How much the distributor's people may use: its plans, and which of them counts for whom. */
export default function Plans() {
  const a = words()
  const rows = useRows<Plan>('/plans')
  const subscriptions = useSubscriptions()
  const anyPlan = useConsole((s) => s.me?.plan.id !== '')
  const open = (id: string) => go(`/admin/plans/${id}`, new URLSearchParams())
  const ownDefault = rows.rows?.some((r) => r.default)
  return (
    <Sheet
      title={a.pages.plans}
      help={a.plansHelp}
      action={
        <Button onClick={() => open('new')}>
          <Plus size={15} aria-hidden />
          {a.planNew}
        </Button>
      }
    >
      <Items
        of={rows}
        empty={a.plansEmpty}
        nameOf={(r) => r.name}
        pathOf={(r) => `/plans/${r.id}`}
        removeHelp={a.planRemoveHelp}
        removeErrors={{ conflict: a.planInUse }}
      >
        {(r, removal) => (
          <Item
            key={r.id}
            path={`/admin/plans/${r.id}`}
            name={r.name}
            about={
              <>
                <span>{limitsText(r)}</span>
                {subscriptions && <span>{a.planPeople(subscriptions.filter((s) => s.plan_id === r.id).length)}</span>}
              </>
            }
            badge={r.default && <Badge look="ok">{a.planIsDefault}</Badge>}
            draft={hasDraft(`/plans/${r.id}`)}
            menu={[
              { label: a.planEdit, icon: <Pencil size={15} aria-hidden />, run: () => open(r.id) },
              'line',
              removal,
            ]}
          />
        )}
      </Items>
      {rows.rows && !ownDefault && (
        <p className="mt-4 text-muted">{anyPlan ? a.planDefaultOfOperator : a.planNoDefault}</p>
      )}
    </Sheet>
  )
}

/** What a plan allows, in one line. */
function limitsText(r: Plan): string {
  const a = words()
  const parts = (r.limits ?? []).flatMap((l) =>
    (['messages', 'tokens'] as const).flatMap((unit) => {
      const most = l[unit] ?? 0
      return most > 0 ? [a.limitShort(unit, l.window, most)] : []
    }),
  )
  return parts.length > 0 ? parts.join(' · ') : a.planUnlimited
}
