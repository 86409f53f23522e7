import { EllipsisVertical } from 'lucide-react'
import type { ReactNode } from 'react'
import { t } from '../shared/i18n'
import { Menu, type MenuItem } from '../shared/ui'
import { Link } from './Link'
import { Badge } from './parts'
import { words } from './words'

/** The list of a page's rows. */
export function Items({ children }: { children: ReactNode }) {
  return <ul className="divide-y divide-line rounded-xl border border-line">{children}</ul>
}

/** A row: its name leads to where it is changed, the menu holds what else can be done. */
export function Item({
  path,
  name,
  about,
  active,
  draft,
  menu,
}: {
  path: string
  name: string
  about: ReactNode
  active: boolean
  /** Something typed and not saved waits behind the name. */
  draft: boolean
  menu: MenuItem[]
}) {
  const a = words()
  return (
    <li className="flex items-center gap-3 py-2 pr-2 pl-4">
      <div className="min-w-0 flex-1">
        <Link path={path} className="font-medium wrap-anywhere hover:underline">
          {name}
        </Link>
        <div className="mt-0.5 flex flex-wrap gap-x-3 gap-y-1 text-muted tabular-nums">{about}</div>
      </div>
      <div className="flex flex-wrap justify-end gap-1.5">
        {draft && <Badge look="warn">{a.draft}</Badge>}
        <Badge look={active ? 'ok' : 'muted'}>{active ? a.inUse : a.notInUse}</Badge>
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
