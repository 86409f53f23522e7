import {
  BellRing,
  BookOpen,
  Boxes,
  Cable,
  ChartColumn,
  Eye,
  Gauge,
  KeyRound,
  MessageCircle,
  ScrollText,
  SquareTerminal,
  UsersRound,
} from 'lucide-react'
import { type ComponentType, lazy, Suspense, useEffect, useRef } from 'react'
import { usePlace } from '../console/place'
import { Link } from './Link'
import { Loading } from './parts'
import { words } from './words'

type Words = ReturnType<typeof words>
type Page = {
  name: keyof Words['pages']
  icon: typeof BookOpen
  List: ComponentType
  Row?: ComponentType<{ id: string }>
}

const groups: { name: keyof Words['groups']; pages: Page[] }[] = [
  {
    name: 'service',
    pages: [
      {
        name: 'knowledge',
        icon: BookOpen,
        List: lazy(() => import('./Knowledge')),
        Row: lazy(() => import('./Article')),
      },
      { name: 'alerts', icon: BellRing, List: lazy(() => import('./Alerts')) },
      { name: 'supervision', icon: Eye, List: lazy(() => import('./Supervision')) },
      {
        name: 'widget-keys',
        icon: MessageCircle,
        List: lazy(() => import('./WidgetKeys')),
        Row: lazy(() => import('./WidgetKey')),
      },
    ],
  },
  {
    name: 'ai',
    pages: [
      {
        name: 'llm-configs',
        icon: Cable,
        List: lazy(() => import('./LLMConfigs')),
        Row: lazy(() => import('./LLMConfig')),
      },
      { name: 'models', icon: Boxes, List: lazy(() => import('./Models')), Row: lazy(() => import('./Model')) },
    ],
  },
  {
    name: 'people',
    pages: [
      { name: 'people', icon: UsersRound, List: lazy(() => import('./People')), Row: lazy(() => import('./Person')) },
      { name: 'plans', icon: Gauge, List: lazy(() => import('./Plans')), Row: lazy(() => import('./Plan')) },
      { name: 'logins', icon: KeyRound, List: lazy(() => import('./Logins')), Row: lazy(() => import('./Login')) },
    ],
  },
  {
    name: 'account',
    pages: [
      { name: 'usage', icon: ChartColumn, List: lazy(() => import('./Usage')) },
      { name: 'keys', icon: SquareTerminal, List: lazy(() => import('./Keys')), Row: lazy(() => import('./Key')) },
      { name: 'audit', icon: ScrollText, List: lazy(() => import('./Audit')) },
    ],
  },
]

/** What the administrators of a distributor set: a page for each thing, under /admin. */
export default function Admin() {
  const a = words()
  const [, , name, id] = usePlace((p) => p.path).split('/')
  const group = groups.find((g) => g.pages.some((p) => p.name === name)) ?? groups[0]!
  const { List, Row, ...page } = group.pages.find((p) => p.name === name) ?? group.pages[0]!
  const nav = useRef<HTMLElement>(null)
  // On a phone a group's pages stand in a row that may be wider than the screen.
  useEffect(() => {
    nav.current?.querySelector(`li [href$="/${page.name}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [page.name])
  return (
    <div className="flex h-full flex-col bg-surface md:flex-row print:block print:h-auto">
      <nav
        ref={nav}
        aria-label={a.title}
        className="shrink-0 border-line bg-bg max-md:border-b md:w-52 md:overflow-y-auto md:border-r md:p-3 print:hidden"
      >
        <div className="flex justify-between border-line border-b px-2 md:hidden">
          {groups.map((g) => (
            <Link
              key={g.name}
              path={`/admin/${g.pages[0]!.name}`}
              current={g === group}
              className="flex min-h-11 items-center px-2.5 font-medium text-muted aria-[current]:text-fg aria-[current]:underline aria-[current]:underline-offset-8"
            >
              {a.groups[g.name]}
            </Link>
          ))}
        </div>
        {groups.map((g) => (
          <section key={g.name} aria-label={a.groups[g.name]} className={g === group ? '' : 'max-md:hidden'}>
            <h2 className="px-2.5 pt-4 pb-1 text-xs font-medium text-muted max-md:hidden">{a.groups[g.name]}</h2>
            <ul className="flex gap-1 overflow-x-auto max-md:p-2 md:flex-col">
              {g.pages.map(({ name, icon: Icon }) => (
                <li key={name} className="shrink-0">
                  <Link
                    path={`/admin/${name}`}
                    current={name === page.name}
                    className="flex min-h-9 items-center gap-2.5 rounded-lg px-2.5 font-medium whitespace-nowrap text-muted hover:bg-surface-2 hover:text-fg aria-[current]:bg-soft aria-[current]:text-fg pointer-coarse:min-h-11"
                  >
                    <Icon size={16} aria-hidden />
                    {a.pages[name]}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <main className="min-h-0 min-w-0 flex-1 overflow-y-auto print:overflow-visible">
        <div className="mx-auto max-w-4xl px-4 py-6 md:px-8 print:max-w-none print:p-0">
          <Suspense fallback={<Loading />}>{Row && id ? <Row key={id} id={id} /> : <List key={page.name} />}</Suspense>
        </div>
      </main>
    </div>
  )
}
