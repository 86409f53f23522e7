import { create } from 'zustand'
import type { Chat } from '../chat/chat'
import { Live, type LiveState } from '../chat/live'
import { go, usePlace } from '../console/place'
import { attract } from '../console/prefs'
import { saveFile } from '../console/saveFile'
import { api, errorText, hush, say, useConsole } from '../console/session'
import { w } from '../console/words'
import { ApiError } from '../net/api'
import type { Command, LiveChange, Push, Session, StaffEntry } from '../net/frames'
import { CommandError } from '../net/socket'
import * as b from './board'
import type { Reply } from './replies'
import { withEntry } from './timeline'

export type Person = {
  participant: { id: string; name: string; email: string; role: string }
  plan: string
  quota: { window: string; tokens_used: number; tokens_limit: number; messages_used: number; messages_limit: number }[]
  tags: string[]
  rating?: { score: number; comment: string; at: string }
  previous: { id: string; title: string; state: string; updated_at: string }[]
  /** Where a visitor is, as the site says. */
  context?: { page: string; title: string; data: { name: string; value: string }[] }
}

export type MonitorState = {
  readonly live: LiveState
  readonly board: b.Board
  /** The list is what the server says now; otherwise it is as old as `asOf`. */
  readonly current: boolean
  readonly asOf: number
  /** The row that the keyboard is on. */
  readonly cursor: string | undefined
  readonly staff: Readonly<Record<string, readonly StaffEntry[]>>
  readonly people: Readonly<Record<string, Person>>
  /** Conversations whose personal data the person has asked to see. */
  readonly revealed: ReadonlySet<string>
  readonly replies: readonly Reply[]
  readonly now: number
}

/** The list is redrawn at most four times a second, however many sessions change. */
const beat = 250
/** What comes so soon after a snapshot did not fit into it, and is no news. */
const calm = 2000
/** How long an end can be undone. */
const undoFor = 5000

const live = new Live({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
  token: (fresh) => api.token(fresh),
  onChange: (state) => {
    const open = state.link.is === 'open'
    const { current } = useMonitor.getState()
    useMonitor.setState({ live: state, ...(current && !open ? { current: false, asOf: live.heardAt } : {}) })
    if (state.link.is === 'ended' && (state.link.code === 4401 || state.link.code === 4403))
      useConsole.setState({ expired: true })
  },
  onConversation: () => {},
  onActivity: () => {},
  onHello: () => void watch(),
  onOther: (push) => receive(push),
})

export const useMonitor = create<MonitorState>(() => ({
  live: live.current,
  board: b.emptyBoard,
  current: false,
  asOf: Date.now(),
  cursor: undefined,
  staff: {},
  people: {},
  revealed: new Set(),
  replies: [],
  now: Date.now(),
}))

export const can = (feature: string) => live.can(feature)
export const myID = () => useConsole.getState().me?.user.id ?? ''

/** Connects, for as long as the section is shown; returns what ends it. */
export function connect(): () => void {
  live.open()
  const clock = setInterval(tick, 15_000)
  void loadReplies()
  follow(route().conv)
  const unsubscribe = usePlace.subscribe(() => follow(route().conv))
  return () => {
    unsubscribe()
    clearInterval(clock)
    follow(undefined)
    live.request({ t: 'unwatch' }).catch(() => {})
  }
}

export const reconnect = () => live.open()

// The list.

async function watch() {
  try {
    const snap = await live.request({ t: 'watch' })
    if (snap.t !== 'live') return
    changes = []
    const now = Date.now()
    calmUntil = now + calm
    useMonitor.setState((s) => ({ board: b.fromSnapshot(s.board, snap.sessions, now), current: true, now }))
  } catch (e) {
    if (e instanceof CommandError && e.code !== 'lost') {
      if (e.failure?.retry) setTimeout(() => void watch(), e.failure.retry_ms ?? 1000)
      else say(errorText(e), { bad: true })
    }
  }
}

let changes: LiveChange[] = []
let calmUntil = 0

function receive(push: Push) {
  if (push.t === 'staff') {
    const { conv, id, k, by, text, applied, at } = push
    // Who looks at the same time stands beside the conversation; here only others are news.
    if ((k === 'watch' || k === 'unwatch') && by.id === myID()) return
    const entry = { id, k, by, at, ...(text ? { text } : {}), ...(applied ? { applied } : {}) }
    useMonitor.setState((s) => ({ staff: { ...s.staff, [conv]: withEntry(s.staff[conv] ?? [], entry) } }))
  } else if (push.t === 'live' && push.k !== 'snap') {
    changes.push(push)
    if (changes.length === 1) setTimeout(flush, beat)
  }
}

function flush() {
  const now = Date.now()
  const before = useMonitor.getState().board
  const board = b.applyChanges(before, changes, now)
  const touched = new Set(changes.map((c) => (c.k === 'put' ? c.session.conv : c.conv)))
  changes = []
  useMonitor.setState({ board, now })
  for (const conv of touched) alarm(before.sessions.get(conv), board.sessions.get(conv), now)
}

/** Calls for attention when a session begins to need a person. */
function alarm(before: Session | undefined, after: Session | undefined, now: number) {
  if (!after || now < calmUntil) return
  const need = b.needOf(after, now)
  if ((need !== 'risk' && need !== 'waiting') || (before && b.needOf(before, now) === need)) return
  attract(w.notice[need](nameOf(after)), after.conv, () => open(after.conv))
}

function tick() {
  const now = Date.now()
  useMonitor.setState((s) => ({ now, board: s.board.held ? s.board : b.arrange(s.board, now) }))
}

export const holdList = (held: boolean) => useMonitor.setState((s) => ({ board: b.hold(s.board, held, Date.now()) }))
export const showFresh = () => useMonitor.setState((s) => ({ board: b.arrange(s.board, Date.now()) }))
export const setCursor = (cursor: string | undefined) => useMonitor.setState({ cursor })
export const nameOf = (s: Session | undefined) => s?.participant.name || w.anonymous

// Which session is open and what the list shows is the address.

export type Route = { conv: string | undefined; filter: b.Filter }

export function route(place = usePlace.getState()): Route {
  const view = place.query.get('view')
  return {
    conv: /^\/s\/([^/]+)$/.exec(place.path)?.[1],
    filter: {
      view: view === 'risk' || view === 'waiting' || view === 'mine' ? view : 'all',
      channel: place.query.get('channel') ?? '',
      text: place.query.get('q') ?? '',
    },
  }
}

export function setFilter(filter: b.Filter) {
  const query = new URLSearchParams()
  if (filter.view !== 'all') query.set('view', filter.view)
  if (filter.channel) query.set('channel', filter.channel)
  if (filter.text) query.set('q', filter.text)
  go(usePlace.getState().path, query, true)
  showFresh()
}

export function open(conv: string | undefined) {
  if (conv !== undefined) setCursor(conv)
  go(conv ? `/s/${conv}` : '/')
}

let followed: string | undefined

/** Follows the open conversation only: others would stream for nobody. */
function follow(conv: string | undefined) {
  if (conv === followed) return
  if (followed) {
    live.leave(followed)
    const { [followed]: _, ...staff } = useMonitor.getState().staff
    useMonitor.setState({ staff })
  }
  followed = conv
  if (!conv) return
  setCursor(conv)
  live.follow(conv)
  void loadPerson(conv)
}

// What REST knows beside the live connection. All of it is an extra: without it the screen still works.

async function loadPerson(conv: string) {
  try {
    const person = await api.get<Person>(`/monitor/sessions/${conv}`)
    useMonitor.setState((s) => ({ people: { ...s.people, [conv]: person } }))
  } catch (e) {
    if (!(e instanceof ApiError)) throw e
  }
}

async function loadReplies() {
  try {
    const page = await api.get<{ items: Reply[] }>('/canned-replies?limit=100')
    useMonitor.setState({ replies: page.items })
  } catch (e) {
    if (!(e instanceof ApiError)) throw e
  }
}

export async function saveReply(shortcut: string, text: string): Promise<boolean> {
  try {
    const reply = await api.authed<Reply>('POST', '/canned-replies', { shortcut, text })
    useMonitor.setState((s) => ({ replies: [...s.replies, reply] }))
    say(w.replySaved)
    return true
  } catch (e) {
    say(errorText(e), { bad: true })
    return false
  }
}

/** Gives a conversation a tag, or takes it away. */
export async function tag(conv: string, name: string, on: boolean) {
  try {
    const path = `/monitor/sessions/${conv}/tags/${encodeURIComponent(name)}`
    const { tags } = await api.authed<{ tags: string[] }>(on ? 'PUT' : 'DELETE', path)
    useMonitor.setState((s) => {
      const person = s.people[conv]
      return person ? { people: { ...s.people, [conv]: { ...person, tags } } } : {}
    })
  } catch (e) {
    say(errorText(e), { bad: true })
  }
}

/** Shows the personal data of a conversation; the server notes who looked before anything is shown. */
export async function reveal(conv: string) {
  try {
    await api.authed('POST', `/monitor/sessions/${conv}/reveal`)
    useMonitor.setState((s) => ({ revealed: new Set(s.revealed).add(conv) }))
    say(w.revealed)
  } catch (e) {
    say(errorText(e), { bad: true })
  }
}

export function conceal(conv: string) {
  useMonitor.setState((s) => ({ revealed: new Set([...s.revealed].filter((c) => c !== conv)) }))
}

export async function download(conv: string) {
  try {
    saveFile('conversa.md', await api.transcript(conv, 'md'))
  } catch (e) {
    say(errorText(e), { bad: true })
  }
}

/** Loads earlier messages. The first page of the server repeats what the snapshot brought; that is passed over. */
export async function loadOlder(conv: string) {
  const chat = live.current.chats[conv]
  if (!chat?.more) return
  try {
    let cursor = chat.older
    const known = new Set(chat.messages.map((m) => m.id))
    for (;;) {
      const page = await api.messages(conv, cursor)
      cursor = page.next_cursor ?? undefined
      if (cursor === undefined || page.items.some((m) => !known.has(m.id))) {
        live.local(conv, { t: 'older', messages: page.items.toReversed(), cursor })
        return
      }
    }
  } catch (e) {
    say(errorText(e), { bad: true })
  }
}

// Acting.

export const isClosed = (chat: Chat) => chat.state === 'closed' || chat.state === 'encerrada'

export type Rights = { reply: boolean; take: boolean; release: boolean; guide: boolean; end: boolean }
export const noRights: Rights = { reply: false, take: false, release: false, guide: false, end: false }

/** What the person may do with a conversation; the server has the last word. */
export function rights(chat: Chat): Rights {
  if (isClosed(chat)) return noRights
  const { owner } = chat
  const mine = owner.kind === 'human' && owner.id === myID()
  const others = owner.kind === 'human' && !mine
  const admin = useConsole.getState().me?.user.role === 'admin'
  return {
    reply: mine,
    take: owner.kind !== 'human',
    release: owner.kind === 'queue' || mine || (others && admin),
    guide: owner.kind === 'ai',
    end: !others || admin,
  }
}

/** Carries out a command and says why when it is refused; true when it was done. */
async function act(command: Command): Promise<boolean> {
  try {
    await live.request(command)
    return true
  } catch (e) {
    if (!(e instanceof CommandError)) throw e
    if (e.code === 'conv_human') say(w.held(e.failure?.owner?.name || w.someone), { bad: true })
    else say(e.code === 'conflict' ? w.conflict : errorText(e), { bad: true })
    return false
  }
}

/** Of two places that know the owner, the one that knows more of them. */
function epochOf(conv: string): number {
  const { board } = useMonitor.getState()
  const chat = live.current.chats[conv]
  return Math.max(chat?.loaded ? chat.owner.epoch : 0, board.sessions.get(conv)?.owner.epoch ?? 0)
}

export const take = (conv: string, note: string) => act({ t: 'take', conv, epoch: epochOf(conv), note })
/** Gives the conversation back; with `cut` the AI starts from the note alone. */
export const release = (conv: string, note: string, cut = false) =>
  act({ t: 'release', conv, epoch: epochOf(conv), ...(note ? { note } : {}), ...(cut ? { cut } : {}) })
export const stop = (run: string) => act({ t: 'stop', run })

/** Tells the AI or the colleagues; `now` makes the AI begin its answer anew with it. */
export async function whisper(conv: string, text: string, to: 'ai' | 'staff', now = false): Promise<boolean> {
  const done = await act({ t: 'whisper', conv, text, to, cid: crypto.randomUUID(), ...(now ? { now } : {}) })
  if (done) say(to === 'ai' ? w.sentWhisper : w.sentNote)
  return done
}

let ending: ReturnType<typeof setTimeout> | undefined

/** Ends a conversation, after the time in which it can be undone. */
export function end(conv: string, note: string, message: string) {
  clearTimeout(ending)
  ending = setTimeout(async () => {
    hush()
    if (message) live.send({ conv, text: message })
    await act({ t: 'end', conv, note })
  }, undoFor)
  say(w.ending, {
    ms: undoFor,
    action: {
      label: w.undo,
      run: () => {
        clearTimeout(ending)
        hush()
      },
    },
  })
}

export const send = (conv: string, text: string) => live.send({ conv, text })
export const retry = (cid: string) => live.retry(cid)
export const discard = (cid: string) => live.discard(cid)

let typedAt = 0

/** Tells the participant that somebody writes. */
export function typing(conv: string) {
  if (Date.now() - typedAt < 3000) return
  typedAt = Date.now()
  live.typing(conv)
}

export const drafts = new Map<string, string>()
