import type { LiveChange, Session } from '../net/frames'

/** How much a session needs a person, the most urgent first. */
export type Need = 'risk' | 'waiting' | 'active' | 'idle'
const urgency: Record<Need, number> = { risk: 0, waiting: 1, active: 2, idle: 3 }

/** How long after its last sign of life a session counts as idle. */
const idleAfter = 5 * 60_000

/** Every live session of the tenant, and the order in which the list shows them. */
export type Board = {
  readonly sessions: ReadonlyMap<string, Session>
  /** Sessions from top to bottom. While the list is held, ended ones keep their place here. */
  readonly order: readonly string[]
  /** Somebody has the pointer or the focus in the list: nothing moves under their hand. */
  readonly held: boolean
  /** Sessions that came while the list was held; they are not in the order yet. */
  readonly fresh: readonly string[]
}

export const emptyBoard: Board = { sessions: new Map(), order: [], held: false, fresh: [] }

/** A session that somebody of the staff has taken needs nobody else; one that waits for them says so by waiting. */
export function needOf(s: Session, now: number): Need {
  if (s.owner.kind !== 'human' && risksOf(s).length > 0) return 'risk'
  if (s.owner.kind === 'queue') return 'waiting'
  return s.state === 'away' || now - Date.parse(s.last_at) > idleAfter ? 'idle' : 'active'
}

/** What is wrong with a session, besides that its participant waits for a person. */
export const risksOf = (s: Session) => (s.owner.kind === 'queue' ? s.risk.filter((r) => r !== 'asked_human') : s.risk)

/** The board with exactly these sessions: what the server says now, whatever was here before. */
export function fromSnapshot(board: Board, sessions: readonly Session[], now: number): Board {
  return settle({ ...board, sessions: new Map(sessions.map((s) => [s.conv, s])) }, now)
}

/** The board after changes, in their order. */
export function applyChanges(board: Board, changes: readonly LiveChange[], now: number): Board {
  if (changes.length === 0) return board
  const sessions = new Map(board.sessions)
  for (const c of changes) {
    if (c.k === 'put') sessions.set(c.session.conv, c.session)
    else sessions.delete(c.conv)
  }
  return settle({ ...board, sessions }, now)
}

/** Holds the order, or lets it go. */
export function hold(board: Board, held: boolean, now: number): Board {
  if (board.held === held) return board
  return held ? { ...board, held } : arrange({ ...board, held }, now)
}

/** Sorts the list by need, takes in what came meanwhile and drops what has ended. */
export function arrange(board: Board, now: number): Board {
  const keyed = [...board.sessions.values()].map((s) => ({ s, urgency: urgency[needOf(s, now)] }))
  // Within a need by age, which no message changes: a list that shuffles with every word can't be read.
  keyed.sort((a, b) => a.urgency - b.urgency || compare(a.s.since, b.s.since) || compare(a.s.conv, b.s.conv))
  return { ...board, order: keyed.map((k) => k.s.conv), fresh: [] }
}

function settle(board: Board, now: number): Board {
  if (!board.held) return arrange(board, now)
  const placed = new Set(board.order)
  const came = new Set(board.fresh)
  const fresh = [
    ...board.fresh.filter((c) => board.sessions.has(c)),
    ...[...board.sessions.keys()].filter((c) => !placed.has(c) && !came.has(c)),
  ]
  return { ...board, fresh }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

export type View = 'all' | 'risk' | 'waiting' | 'mine'
export type Filter = { view: View; channel: string; text: string }
export const noFilter: Filter = { view: 'all', channel: '', text: '' }

const inView: Record<Exclude<View, 'all'>, (s: Session, me: string, now: number) => boolean> = {
  risk: (s, _, now) => needOf(s, now) === 'risk',
  waiting: (s) => s.owner.kind === 'queue',
  mine: (s, me) => s.owner.kind === 'human' && s.owner.id === me,
}

/** Whether a session passes the filter; `me` is the person who looks. */
export function matches(s: Session, f: Filter, me: string, now: number): boolean {
  if (f.view !== 'all' && !inView[f.view](s, me, now)) return false
  if (f.channel && s.channel !== f.channel) return false
  return (
    f.text === '' ||
    fold(`${s.participant.name} ${s.last_text} ${s.owner.name ?? ''} ${s.tags.join(' ')}`).includes(fold(f.text))
  )
}

/** How many sessions each view has. */
export function counts(board: Board, me: string, now: number): Record<View, number> {
  const n = { all: 0, risk: 0, waiting: 0, mine: 0 }
  for (const s of board.sessions.values()) {
    n.all++
    for (const view of ['risk', 'waiting', 'mine'] as const) if (inView[view](s, me, now)) n[view]++
  }
  return n
}

/** The next session in a list from the current one; without one, the first or the last. */
export function step(list: readonly string[], current: string | undefined, by: 1 | -1): string | undefined {
  const at = current === undefined ? -1 : list.indexOf(current)
  if (at < 0) return by > 0 ? list[0] : list.at(-1)
  return list[Math.min(list.length - 1, Math.max(0, at + by))]
}

/** Text for comparing: without case and accents. */
const fold = (s: string) =>
  s
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()
