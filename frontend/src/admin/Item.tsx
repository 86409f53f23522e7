import { EllipsisVertical, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { t } from '../shared/i18n'
import { Button, Menu, type MenuItem } from '../shared/ui'
import { Delete } from './Delete'
import { Link } from './Link'
import { Badge, Empty, Loading, Problem } from './parts'
import type { useRows } from './useRows'
import { words } from './words'

/** The rows of a page: what to do when there is none, further ones, and a question before one is deleted. */
export function Items<R extends { id: string }>({
  of: { rows, problem, reload, more },
  empty,
  nameOf,
  pathOf,
  removeHelp,
  removeTyped,
  removeErrors,
  children,
}: {
  of: ReturnType<typeof useRows<R>>
  empty: ReactNode
  nameOf: (row: R) => string
  /** Of the row at the server. */
  pathOf: (row: R) => string
  /** What is lost with a row. */
  removeHelp: string
  /** So much that the row's name has to be written. */
  removeTyped?: boolean
  removeErrors?: Record<string, string>
  /** A row as an Item; `removal` is for its menu. */
  children: (row: R, removal: MenuItem) => ReactNode
}) {
  const [leaving, setLeaving] = useState<R>()
  const removal = (row: R): MenuItem => ({
    label: t.remove,
    icon: <Trash2 size={15} aria-hidden />,
    run: () => setLeaving(row),
    bad: true,
  })
  return (
    <>
      <Problem text={problem} retry={rows ? undefined : () => void reload()} />
      {!rows && !problem && <Loading />}
      {rows?.length === 0 && <Empty>{empty}</Empty>}
      {rows && rows.length > 0 && (
        <ul className="divide-y divide-line rounded-xl border border-line">
          {rows.map((row) => children(row, removal(row)))}
        </ul>
      )}
      {more && (
        <Button className="mt-4" onClick={more}>
          {t.loadMore}
        </Button>
      )}
      {leaving && (
        <Delete
          path={pathOf(leaving)}
          name={nameOf(leaving)}
          help={removeHelp}
          typed={removeTyped}
          errors={removeErrors}
          onClose={() => setLeaving(undefined)}
          onDone={() => {
            setLeaving(undefined)
            void reload()
          }}
        />
      )}
    </>
  )
}

/** A row: its name leads to where it is changed, the menu holds what else can be done. */
export function Item({
  path,
  name,
  about,
  badge,
  active,
  states,
  draft,
  menu,
}: {
  path: string
  name: string
  about: ReactNode
  badge?: ReactNode
  /** Left out where rows have no state. */
  active?: boolean
  /** What it is called when it is active, and when not. */
  states?: readonly [on: string, off: string]
  /** Something typed and not saved waits behind the name. */
  draft: boolean
  menu: MenuItem[]
}) {
  const a = words()
  const [on, off] = states ?? [a.inUse, a.notInUse]
  return (
    <li className="flex items-center gap-3 py-2 pr-2 pl-4">
      <div className="min-w-0 flex-1">
        <Link path={path} className="font-medium wrap-anywhere hover:underline">
          {name}
        </Link>
        <div className="mt-0.5 flex flex-wrap gap-x-3 gap-y-1 text-muted tabular-nums">{about}</div>
      </div>
      <div className="flex flex-wrap justify-end gap-1.5">
        {badge}
        {draft && <Badge look="warn">{a.draft}</Badge>}
        {active !== undefined && <Badge look={active ? 'ok' : 'muted'}>{active ? on : off}</Badge>}
      </div>
      <Menu
        label={t.options(name)}
        trigger={<EllipsisVertical size={16} aria-hidden />}
        className="grid size-9 shrink-0 place-items-center rounded-lg text-muted hover:bg-surface-2 hover:text-fg pointer-coarse:size-11"
        items={menu}
      />
    </li>
  )
}
