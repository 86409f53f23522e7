import { ArrowUp, BookmarkMinus, BookmarkPlus, ListFilter, Search, X } from 'lucide-react'
import { memo, useEffect, useMemo, useRef, useState } from 'react'
import { VList, type VListHandle } from 'virtua'
import { slug } from '../console/place'
import { w } from '../console/words'
import type { Session } from '../net/frames'
import { Button, IconButton } from '../shared/ui'
import { counts, type Filter, matches, needOf, noFilter, risksOf, type View } from './board'
import { NeedGlyph, OwnerBadge } from './Glyph'
import { mask } from './mask'
import * as store from './store'
import { useMonitor } from './store'
import { clock, span } from './time'
import * as views from './views'

const tabs: View[] = ['all', 'risk', 'waiting', 'mine']

/** The ids that the list shows, from top to bottom. */
export function useListed(filter: Filter): readonly string[] {
  const board = useMonitor((s) => s.board)
  const now = useMonitor((s) => s.now)
  const { view, channel, text } = filter
  return useMemo(() => {
    const f = { view, channel, text }
    return board.order.filter((c) => {
      const s = board.sessions.get(c)
      return s ? matches(s, f, store.myID(), now) : board.held && view === 'all' && !channel && !text
    })
  }, [board, now, view, channel, text])
}

export function SessionList({
  filter,
  open,
  listed,
}: {
  filter: Filter
  open: string | undefined
  listed: readonly string[]
}) {
  const { board, current, asOf, cursor, now, live } = useMonitor()
  const list = useRef<VListHandle>(null)
  const n = counts(board, store.myID(), now)
  const me = store.myID()

  // The row that the keyboard is on stays in view, and exists: the focus of the list names it.
  useEffect(() => {
    const at = cursor === undefined ? -1 : listed.indexOf(cursor)
    if (at >= 0) list.current?.scrollToIndex(at, { align: 'nearest' })
  }, [cursor, listed])

  return (
    <section
      aria-label={w.sessions}
      className="flex h-full min-h-0 flex-col bg-bg"
      onPointerEnter={(e) => e.pointerType === 'mouse' && store.holdList(true)}
      onPointerLeave={(e) => {
        if (e.pointerType === 'mouse' && !e.currentTarget.contains(document.activeElement)) store.holdList(false)
      }}
      onFocus={() => store.holdList(true)}
      onBlur={(e) => {
        if (!e.currentTarget.contains(e.relatedTarget) && !e.currentTarget.matches(':hover')) store.holdList(false)
      }}
    >
      <div className="flex h-12 shrink-0 items-center gap-2 px-4">
        <h2 className="flex-1 truncate text-sm font-semibold tracking-tight tabular-nums">{w.sessionsCount(n.all)}</h2>
        <Freshness current={current} asOf={asOf} waiting={live.link.is === 'connecting' && n.all === 0} />
      </div>
      <div className="flex shrink-0 flex-wrap gap-0.5 px-2.5 pb-2.5">
        {tabs.map((v) => (
          <button
            key={v}
            type="button"
            aria-pressed={filter.view === v}
            onClick={() => store.setFilter({ ...filter, view: v })}
            className="inline-flex min-h-7 items-center gap-1 rounded-full px-2 text-xs hover:bg-surface-2 text-muted hover:text-fg aria-pressed:bg-soft aria-pressed:font-medium aria-pressed:text-fg pointer-coarse:min-h-11"
          >
            {w.views[v]}
            <span className="tabular-nums">{n[v]}</span>
          </button>
        ))}
      </div>
      <div className="flex shrink-0 items-center gap-1 border-y border-line px-3">
        <SearchBox filter={filter} />
        <label className="relative flex items-center text-muted hover:text-fg" title={w.channels}>
          <span className="sr-only">{w.channels}</span>
          <ListFilter size={15} aria-hidden className={filter.channel ? 'text-accent' : ''} />
          <select
            value={filter.channel}
            onChange={(e) => store.setFilter({ ...filter, channel: e.target.value })}
            className="min-h-9 w-8 cursor-pointer appearance-none bg-transparent text-transparent pointer-coarse:min-h-11 pointer-coarse:w-11 [&:not(:focus-visible)]:outline-none -ml-4 pl-4"
          >
            <option value="" className="bg-surface text-fg">
              {w.anyChannel}
            </option>
            {Object.entries(w.channel).map(([key, name]) => (
              <option key={key} value={key} className="bg-surface text-fg">
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Views filter={filter} />
      {board.fresh.length > 0 && (
        <button
          type="button"
          onClick={() => {
            store.showFresh()
            list.current?.scrollToIndex(0)
          }}
          className="flex min-h-8 shrink-0 items-center justify-center gap-1.5 border-b border-line bg-soft text-xs font-medium text-fg hover:underline pointer-coarse:min-h-11"
        >
          <ArrowUp size={13} aria-hidden />
          {w.fresh(board.fresh.length)}
        </button>
      )}
      {listed.length === 0 ? (
        <Empty filter={filter} any={n.all > 0} current={current} />
      ) : (
        <VList
          ref={list}
          id="sessions"
          role="listbox"
          aria-label={w.sessions}
          tabIndex={0}
          aria-activedescendant={cursor && listed.includes(cursor) ? rowID(cursor) : undefined}
          onFocus={() => cursor === undefined && store.setCursor(listed[0])}
          className={`min-h-0 flex-1 outline-none transition-[filter,opacity] group/list ${current ? '' : 'opacity-60 grayscale'}`}
        >
          {listed.map((conv, i) => (
            <Row
              key={conv}
              session={board.sessions.get(conv)}
              conv={conv}
              at={i}
              of={listed.length}
              on={cursor === conv}
              open={open === conv}
              me={me}
              now={now}
            />
          ))}
        </VList>
      )}
      <LiveCounts all={n.all} risk={n.risk} waiting={n.waiting} />
    </section>
  )
}

const rowID = (conv: string) => `row-${conv}`

/** Whether the list is true now, or since when it may not be. */
function Freshness({ current, asOf, waiting }: { current: boolean; asOf: number; waiting: boolean }) {
  if (current)
    return (
      <span className="flex items-center gap-1.5 text-xs text-ok">
        <span className="size-1.5 rounded-full bg-current" aria-hidden />
        {w.realtime}
      </span>
    )
  return (
    <span className="text-xs font-medium text-warn tabular-nums">
      {waiting ? w.waitingFor : w.dataFrom(clock(asOf, true))}
    </span>
  )
}

/** The filters that the person keeps on this device. */
function Views({ filter }: { filter: Filter }) {
  const [kept, setKept] = useState(() => views.load(slug))
  const known = kept.some((f) => views.same(f, filter))
  const worth = !views.same(filter, noFilter)
  if (kept.length === 0 && !worth) return null
  const nameOf = (f: Filter) =>
    [f.view === 'all' ? '' : w.views[f.view], f.channel && (w.channel[f.channel] ?? f.channel), f.text]
      .filter(Boolean)
      .join(' · ')
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-1 border-b border-line px-2.5 py-1.5">
      {kept.map((f) => (
        <button
          key={JSON.stringify(f)}
          type="button"
          aria-pressed={views.same(f, filter)}
          onClick={() => store.setFilter(views.same(f, filter) ? noFilter : f)}
          className="max-w-full truncate rounded-full border border-line px-2 text-xs leading-6 text-muted hover:text-fg aria-pressed:border-accent aria-pressed:text-fg pointer-coarse:min-h-11"
        >
          {nameOf(f)}
        </button>
      ))}
      {worth && (
        <IconButton label={known ? w.dropView : w.keepView} onClick={() => setKept(views.toggle(slug, filter))}>
          {known ? <BookmarkMinus size={14} aria-hidden /> : <BookmarkPlus size={14} aria-hidden />}
        </IconButton>
      )}
    </div>
  )
}

function SearchBox({ filter }: { filter: Filter }) {
  return (
    <div className="flex min-w-0 flex-1 items-center gap-2 text-muted">
      <Search size={14} aria-hidden className="shrink-0" />
      <input
        id="filter"
        type="search"
        aria-label={w.filter}
        placeholder={w.filter}
        value={filter.text}
        onChange={(e) => store.setFilter({ ...filter, text: e.target.value })}
        onKeyDown={(e) => {
          if (e.key !== 'Escape') return
          e.preventDefault()
          store.setFilter({ ...filter, text: '' })
          e.currentTarget.blur()
        }}
        className="min-h-9 min-w-0 flex-1 bg-transparent text-[13px] text-fg outline-none placeholder:text-muted max-sm:text-base pointer-coarse:min-h-11 [&::-webkit-search-cancel-button]:hidden"
      />
      {filter.text && (
        <IconButton label={w.clearFilter} onClick={() => store.setFilter({ ...filter, text: '' })} className="size-7">
          <X size={13} aria-hidden />
        </IconButton>
      )}
    </div>
  )
}

function Empty({ filter, any, current }: { filter: Filter; any: boolean; current: boolean }) {
  const narrowed = filter.view !== 'all' || filter.channel !== '' || filter.text !== ''
  if (!current && !any) return <div className="flex-1" />
  return (
    <div className="grid flex-1 place-items-center px-6 text-center">
      <div>
        <p className="font-medium">{any || narrowed ? w.noMatch : w.empty}</p>
        {narrowed ? (
          <Button className="mt-3 min-h-8" onClick={() => store.setFilter(noFilter)}>
            {w.clearFilter}
          </Button>
        ) : (
          <p className="mt-1 text-muted text-balance">{w.emptyHelp}</p>
        )}
      </div>
    </div>
  )
}

type RowProps = {
  session: Session | undefined
  conv: string
  at: number
  of: number
  on: boolean
  open: boolean
  me: string
  now: number
}

/** One session: its need, who it is, the last word, for how long, and who attends. */
const Row = memo(function Row({ session: s, conv, at, of, on, open, me, now }: RowProps) {
  const need = s ? needOf(s, now) : 'idle'
  const name = s ? w.need[need] : w.gone
  const risk = s && need === 'risk' ? risksOf(s)[0] : undefined
  const reason = risk && (w.riskWords[risk] ?? risk)
  const mine = s?.owner.kind === 'human' && s.owner.id === me
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the list are handled for the whole screen
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its row
    <div
      id={rowID(conv)}
      role="option"
      aria-selected={open}
      aria-setsize={of}
      aria-posinset={at + 1}
      onClick={() => s && store.open(conv)}
      className={`flex h-14 cursor-pointer gap-2.5 border-b border-line/60 px-4 pt-2 ${open ? 'bg-soft' : on ? 'bg-surface-2' : 'hover:bg-surface-2/60'} ${on ? 'shadow-[inset_2px_0_0_var(--accent)] group-focus-visible/list:ring-2 group-focus-visible/list:ring-accent group-focus-visible/list:ring-inset' : ''} ${s ? '' : 'opacity-50'}`}
    >
      <span className="pt-0.5">
        <NeedGlyph need={need} name={name} />
      </span>
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-2">
          <span className="min-w-0 flex-1 truncate font-semibold">{s ? mask(store.nameOf(s)) : w.gone}</span>
          {s?.owner.kind === 'human' && (
            <OwnerBadge
              owner={s.owner}
              mine={mine}
              label={mine ? w.attendedByMe : w.attended(s.owner.name || w.someone)}
            />
          )}
          {s && <span className="shrink-0 text-xs text-muted tabular-nums">{span(now - Date.parse(s.since))}</span>}
        </span>
        <span className="mt-0.5 flex items-center gap-2 text-muted">
          <span className="min-w-0 flex-1 truncate">{s ? mask(s.last_text) : ''}</span>
          {reason && <span className="max-w-[60%] shrink-0 truncate text-xs font-medium text-bad">{reason}</span>}
          {!reason && need === 'waiting' && (
            <span className="shrink-0 text-xs font-medium text-warn">{w.views.waiting}</span>
          )}
          {!reason && need !== 'waiting' && s && s.channel !== 'portal' && (
            <span className="shrink-0 text-xs">{w.channel[s.channel] ?? s.channel}</span>
          )}
        </span>
      </span>
    </div>
  )
})

/** Tells screen readers how many need somebody, at most every ten seconds. */
function LiveCounts({ all, risk, waiting }: { all: number; risk: number; waiting: number }) {
  const text = w.summary(all, risk, waiting)
  const [said, setSaid] = useState(text)
  const latest = useRef(text)
  latest.current = text
  useEffect(() => {
    const timer = setInterval(() => setSaid(latest.current), 10_000)
    return () => clearInterval(timer)
  }, [])
  return (
    <div role="status" className="sr-only">
      {said}
    </div>
  )
}
