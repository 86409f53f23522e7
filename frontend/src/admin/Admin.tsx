import { BellRing, BookOpen, Eye, KeyRound } from 'lucide-react'
import { type ComponentType, useEffect, useRef } from 'react'
import { usePlace } from '../console/place'
import { Alerts } from './Alerts'
import { Article } from './Article'
import { Knowledge } from './Knowledge'
import { Link } from './Link'
import { Login } from './Login'
import { Logins } from './Logins'
import { Supervision } from './Supervision'
import { words } from './words'

type Name = keyof ReturnType<typeof words>['pages']
type Page = { name: Name; icon: typeof BookOpen; List: ComponentType; Row?: ComponentType<{ id: string }> }

const pages: Page[] = [
  { name: 'knowledge', icon: BookOpen, List: Knowledge, Row: Article },
  { name: 'alerts', icon: BellRing, List: Alerts },
  { name: 'supervision', icon: Eye, List: Supervision },
  { name: 'logins', icon: KeyRound, List: Logins, Row: Login },
]

/** What the administrators of a distributor set: a page for each thing, under /admin. */
export default function Admin() {
  const a = words()
  const [, , name, id] = usePlace((p) => p.path).split('/')
  const { List, Row, ...page } = pages.find((p) => p.name === name) ?? pages[0]!
  const nav = useRef<HTMLElement>(null)
  // On a phone the pages stand in a row that is wider than the screen.
  useEffect(() => {
    nav.current?.querySelector(`[href$="/${page.name}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [page.name])
  return (
    <div className="flex h-full flex-col bg-surface md:flex-row">
      <nav
        ref={nav}
        aria-label={a.title}
        className="flex shrink-0 gap-1 overflow-x-auto border-line bg-bg p-2 max-md:border-b md:w-52 md:flex-col md:border-r md:p-3"
      >
        {pages.map(({ name, icon: Icon }) => (
          <Link
            key={name}
            path={`/admin/${name}`}
            current={name === page.name}
            className="flex min-h-9 shrink-0 items-center gap-2.5 rounded-lg px-2.5 font-medium whitespace-nowrap text-muted hover:bg-surface-2 hover:text-fg aria-[current]:bg-soft aria-[current]:text-fg pointer-coarse:min-h-11"
          >
            <Icon size={16} aria-hidden />
            {a.pages[name]}
          </Link>
        ))}
      </nav>
      <main className="min-h-0 min-w-0 flex-1 overflow-y-auto">
        <div className="mx-auto max-w-4xl px-4 py-6 md:px-8">
          {Row && id ? <Row key={id} id={id} /> : <List key={page.name} />}
        </div>
      </main>
    </div>
  )
}
