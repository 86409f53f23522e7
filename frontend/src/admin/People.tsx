import { Pencil, UserPlus, UserRoundCheck, UserRoundX } from 'lucide-react'
import { go, usePlace } from '../console/place'
import { useConsole } from '../console/session'
import { w } from '../console/words'
import { Button, type MenuItem } from '../shared/ui'
import { Filter } from './Filter'
import { Find } from './Find'
import { Item, Items } from './Item'
import { Badge, Sheet } from './parts'
import { roleNames } from './person'
import { change, refusal, type User } from './rest'
import { hasDraft } from './useEdit'
import { useRows } from './useRows'
import { words } from './words'

/** The distributor's people: who they are, what they may do, and whether they can come in. */
export default function People() {
  const a = words()
  const query = usePlace((p) => p.query)
  const filter = { q: query.get('q') ?? '', role: query.get('role') ?? '', state: query.get('state') ?? '' }
  const set = Object.entries(filter).filter(([, v]) => v)
  const narrow = (c: Partial<typeof filter>) =>
    go('/admin/people', new URLSearchParams(Object.entries({ ...filter, ...c }).filter(([, v]) => v)), true)
  const rows = useRows<User>(`/users?${new URLSearchParams(set)}`)

  const setState = async (r: User) => {
    try {
      await change(`/users/${r.id}`, { state: r.state === 'active' ? 'disabled' : 'active' })
      await rows.reload()
    } catch (e) {
      rows.setProblem(refusal(e, { conflict: a.lastAdmin }))
    }
  }
  return (
    <Sheet
      title={a.pages.people}
      help={a.peopleHelp}
      action={
        <Button onClick={() => go('/admin/people/new', new URLSearchParams())}>
          <UserPlus size={15} aria-hidden />
          {a.personNew}
        </Button>
      }
    >
      <div className="mb-3 flex flex-wrap items-end gap-2">
        <Find label={a.peopleFind} words={filter.q} onFind={(q) => narrow({ q })} />
        <Filter
          label={a.role}
          value={filter.role}
          options={{ '': a.anyRole, ...roleNames() }}
          onChange={(role) => narrow({ role })}
        />
        <Filter
          label={a.state}
          value={filter.state}
          options={{ '': a.anyState, active: a.personOn, disabled: a.personOff }}
          onChange={(state) => narrow({ state })}
        />
      </div>
      <Items
        of={rows}
        empty={set.length > 0 ? a.peopleNone : a.peopleEmpty}
        nameOf={(r) => r.name}
        pathOf={(r) => `/users/${r.id}`}
        removeHelp={a.personRemoveHelp}
        removeErrors={{ conflict: a.lastAdmin }}
        removeTyped
      >
        {(r, removal) => <Row key={r.id} row={r} onState={() => void setState(r)} removal={removal} />}
      </Items>
    </Sheet>
  )
}

function Row({ row: r, onState, removal }: { row: User; onState: () => void; removal: MenuItem }) {
  const a = words()
  const me = useConsole((s) => s.me?.user.id)
  const path = `/admin/people/${r.id}`
  const active = r.state === 'active'
  return (
    <Item
      path={path}
      name={r.name}
      about={
        <>
          <span>{w.roles[r.role] ?? r.role}</span>
          <span className="wrap-anywhere">{r.email}</span>
          {r.id === me && <span>{a.personMe}</span>}
          {r.external && <span>{a.personExternal}</span>}
          {!r.has_password && !r.external && <Badge look="warn">{a.personInvited}</Badge>}
        </>
      }
      active={active}
      states={[a.personOn, a.personOff]}
      draft={hasDraft(`/users/${r.id}`)}
      menu={[
        { label: a.personEdit, icon: <Pencil size={15} aria-hidden />, run: () => go(path, new URLSearchParams()) },
        {
          label: active ? a.personDisable : a.personEnable,
          icon: active ? <UserRoundX size={15} aria-hidden /> : <UserRoundCheck size={15} aria-hidden />,
          run: onState,
        },
        'line',
        removal,
      ]}
    />
  )
}
