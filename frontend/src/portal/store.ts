import { create } from 'zustand'
import { Live, type LiveState, type Pending } from '../chat/live'
import { Api, ApiError, type Me, type Portal, type Summary } from '../net/api'
import type { Command, Feedback } from '../net/frames'
import { CommandError } from '../net/socket'
import { language, t } from '../shared/i18n'
import { moveDraft } from './drafts'

export type Toast = { text: string; action?: { label: string; run: () => void } }

export type AppState = {
  readonly phase: 'loading' | 'missing' | 'failed' | 'login' | 'ready'
  readonly portal: Portal | undefined
  readonly me: Me | undefined
  /** The session ended while the person was at work: they sign in again without leaving the page. */
  readonly expired: boolean
  readonly conv: string | undefined
  readonly list: readonly Summary[]
  readonly listCursor: string | undefined
  readonly listLoaded: boolean
  readonly live: LiveState
  readonly model: string | undefined
  readonly toast: Toast | undefined
  readonly readAloud: boolean
}

const slug = document.documentElement.dataset.slug ?? ''
const base = location.pathname.startsWith(`/p/${slug}`) ? `/p/${slug}` : ''
export const api = new Api(slug)
api.onSignedOut = () => {
  if (useApp.getState().phase === 'ready') useApp.setState({ expired: true })
}

/** How long a deletion can be undone. */
const undoFor = 10_000

const live = new Live({
  url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
  token: (fresh) => api.token(fresh),
  onChange: (state) => {
    useApp.setState({ live: state })
  },
  onConversation: (pending, conv) => {
    // The person may have moved on to another conversation meanwhile.
    if (useApp.getState().conv !== undefined || pending.conv !== undefined) return
    moveDraft(draftOf(undefined), draftOf(conv))
    open(conv, true)
  },
  full: async (conv) => (await api.messages(conv)).items,
  onActivity: (conv) => {
    refreshListSoon()
    tabs?.postMessage({ list: conv })
  },
  keep: {
    load: () => JSON.parse(sessionStorage.getItem(`pending:${slug}`) ?? '[]') as Pending[],
    save: (p) => sessionStorage.setItem(`pending:${slug}`, JSON.stringify(p)),
  },
})

export const useApp = create<AppState>(() => ({
  phase: 'loading',
  portal: undefined,
  me: undefined,
  expired: false,
  conv: undefined,
  list: [],
  listCursor: undefined,
  listLoaded: false,
  live: live.current,
  model: localStorage.getItem(`model:${slug}`) ?? undefined,
  toast: undefined,
  readAloud: localStorage.getItem('read-aloud') === '1',
}))

// Tabs tell each other that the list has changed; the conversations themselves come over each tab's own connection.
const tabs = 'BroadcastChannel' in globalThis ? new BroadcastChannel(`aihub:${slug}`) : undefined
if (tabs) {
  tabs.onmessage = ({ data }: MessageEvent<News>) => {
    if (data.signedOut) location.assign(address(undefined))
    else if (data.vote) live.local(data.vote.conv, data.vote.of)
    else refreshListSoon()
  }
}
type Vote = { t: 'feedback'; msg: string; feedback: Feedback | undefined }
type News = { list?: string; signedOut?: true; vote?: { conv: string; of: Vote } }

/** Loads the portal and, if the browser is signed in, the person. */
export async function start() {
  window.addEventListener('popstate', () => show(routeOf(location.pathname)))
  window.addEventListener('pagehide', () => removal?.now())
  useApp.setState({ phase: 'loading' })
  const signedIn = api.known ? api.token() : undefined // at the same time: on a slow line each question costs
  signedIn?.catch(() => {})
  try {
    useApp.setState({ portal: await api.portal() })
  } catch (e) {
    useApp.setState({ phase: e instanceof ApiError && e.status === 404 ? 'missing' : 'failed' })
    return
  }
  if (!signedIn) {
    useApp.setState({ phase: 'login' })
    return
  }
  try {
    await signedIn
    await enter()
  } catch (e) {
    useApp.setState({ phase: e instanceof ApiError && e.status === 401 ? 'login' : 'failed' })
  }
}

export async function login(email: string, password: string) {
  await api.login(email, password)
  const before = useApp.getState().me
  if (before) {
    // Another person on the same screen must neither see nor send what the first one left.
    live.close()
    const me = await api.me()
    if (me.user.id !== before.user.id) {
      sessionStorage.clear()
      location.assign(address(undefined))
      return
    }
  }
  await enter()
}

export async function logout() {
  live.close()
  sessionStorage.clear()
  await api.logout().catch(() => {})
  tabs?.postMessage({ signedOut: true } satisfies News)
  location.assign(address(undefined))
}

async function enter() {
  live.open()
  const me = await api.me()
  useApp.setState({ me, phase: 'ready', expired: false })
  show(routeOf(location.pathname))
  void refreshList()
}

/** Agrees to the notice; where that could not be noted it is shown again. */
export async function agree(version: string) {
  const me = useApp.getState().me!
  useApp.setState({ me: { ...me, consents: [...me.consents, { version, at: new Date().toISOString() }] } })
  try {
    await api.consent(version, language)
  } catch (e) {
    useApp.setState({ me })
    say(errorText(e))
    // The notice may have changed meanwhile.
    if (e instanceof ApiError && e.code === 'conflict') useApp.setState({ portal: await api.portal() })
  }
}

export function setModel(model: string) {
  localStorage.setItem(`model:${slug}`, model)
  useApp.setState({ model })
}

/** The model the person chose, if the plan still has it. */
function chosenModel(): string | undefined {
  const { model, me } = useApp.getState()
  return me?.models.some((m) => m.key === model) ? model : undefined
}

/** The name under which what is written for a conversation is kept. */
export const draftOf = (conv: string | undefined) => `${slug}:${conv ?? 'new'}`

export const reconnect = () => live.open()

// Which conversation is shown is the address.

export function open(conv: string | undefined, replace = false) {
  history[replace ? 'replaceState' : 'pushState'](null, '', address(conv))
  show(conv)
}

export const address = (conv: string | undefined) => (conv ? `${base}/c/${conv}` : base || '/')

function routeOf(path: string): string | undefined {
  return /\/c\/([^/]+)$/.exec(path)?.[1]
}

function show(conv: string | undefined) {
  useApp.setState({ conv })
  if (conv) live.follow(conv)
}

// The list of conversations.

let listTimer: ReturnType<typeof setTimeout> | undefined

function refreshListSoon() {
  clearTimeout(listTimer)
  listTimer = setTimeout(() => void refreshList(), 300)
}

export async function refreshList() {
  try {
    const page = await api.conversations()
    const fresh = new Set(page.items.map((s) => s.id))
    const last = page.items.at(-1)?.updated_at ?? ''
    // Pages that were loaded after the first one stay.
    const rest = useApp.getState().list.filter((s) => !fresh.has(s.id) && s.updated_at < last)
    const more = rest.length > 0 ? useApp.getState().listCursor : (page.next_cursor ?? undefined)
    useApp.setState({ list: visible([...page.items, ...rest]), listCursor: more, listLoaded: true })
  } catch {
    // The list as it is stays; the next activity or reconnect tries again.
  }
}

export async function moreOfList() {
  const cursor = useApp.getState().listCursor
  if (!cursor) return
  const page = await api.conversations(cursor)
  const known = new Set(useApp.getState().list.map((s) => s.id))
  const added = page.items.filter((s) => !known.has(s.id))
  useApp.setState((s) => ({ list: visible([...s.list, ...added]), listCursor: page.next_cursor ?? undefined }))
}

const visible = (list: readonly Summary[]) => list.filter((s) => s.id !== removal?.conv)

export async function rename(conv: string, title: string) {
  const before = useApp.getState().list
  useApp.setState({ list: before.map((s) => (s.id === conv ? { ...s, title } : s)) })
  live.local(conv, { t: 'rename', title })
  try {
    await api.rename(conv, title)
    tabs?.postMessage({ list: conv })
  } catch (e) {
    useApp.setState({ list: before })
    say(errorText(e))
  }
}

let removal: { conv: string; now: () => void } | undefined

/** Deletes a conversation, after the time in which it can be undone. */
export function remove(conv: string) {
  removal?.now()
  const before = useApp.getState().list
  const carryOut = () => {
    clearTimeout(timer)
    removal = undefined
    useApp.setState({ toast: undefined })
    api.remove(conv).then(
      () => tabs?.postMessage({ list: conv }),
      (e) => {
        say(errorText(e))
        void refreshList()
      },
    )
  }
  const timer = setTimeout(carryOut, undoFor)
  removal = { conv, now: carryOut }
  useApp.setState({ list: before.filter((s) => s.id !== conv) })
  if (useApp.getState().conv === conv) open(undefined)
  say(t.removed, {
    label: t.undo,
    run: () => {
      clearTimeout(timer)
      removal = undefined
      useApp.setState({ toast: undefined })
      void refreshList()
    },
  })
}

let toastTimer: ReturnType<typeof setTimeout> | undefined

export function say(text: string, action?: Toast['action']) {
  clearTimeout(toastTimer)
  useApp.setState({ toast: { text, ...(action ? { action } : {}) } })
  toastTimer = setTimeout(() => useApp.setState({ toast: undefined }), action ? undoFor : 4000)
}

export async function exportChat(conv: string, format: 'md' | 'json') {
  try {
    save(await api.transcript(conv, format), `conversa.${format}`)
  } catch (e) {
    say(errorText(e))
  }
}

/** Hands a file to the person. */
export function save(file: Blob, name: string) {
  const url = URL.createObjectURL(file)
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

// Talking.

/** Sends a message; `parent` is what it goes on from, where that is not the newest message. */
export function send(text: string, parent?: string) {
  const { conv } = useApp.getState()
  const model = chosenModel()
  live.send({ conv, text, ...(parent !== undefined ? { parent } : {}), ...(model ? { model } : {}) })
}

export function regenerate(conv: string, question: string, model = chosenModel()) {
  live.regenerate(conv, question, model)
}

/** Asks for the rest of an answer that was cut short. */
export const goOn = (conv: string, answer: string) => live.regenerate(conv, answer, chosenModel(), true)

/** Asks for a person, gives the conversation back to the AI, or closes it; a refusal is told. */
export const callPerson = (conv: string) => command({ t: 'call', conv })
export const backToAI = (conv: string, epoch: number) => command({ t: 'release', conv, epoch })
export const endChat = (conv: string) => command({ t: 'end', conv })

async function command(c: Command) {
  try {
    await live.request(c)
  } catch (e) {
    const code = e instanceof CommandError && e.code !== 'lost' ? e.code : 'offline'
    say(t.errors[code] ?? t.errors.other)
  }
}

export const retry = (cid: string) => live.retry(cid)
export const discard = (cid: string) => live.discard(cid)
export const stop = (run: string) => live.stop(run).catch(() => {})
export const choose = (conv: string, parent: string, msg: string) => live.local(conv, { t: 'choose', parent, msg })

export const can = (feature: string) => live.can(feature)

let typedAt = 0

/** Tells a person on the other end that this one writes; a model does not care. */
export function typing(conv: string) {
  if (live.current.chats[conv]?.owner.kind !== 'human' || Date.now() - typedAt < 3000) return
  typedAt = Date.now()
  live.typing(conv)
}

/** Loads earlier messages. The first pages of the server repeat what the snapshot brought; they are passed over. */
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
    say(errorText(e))
  }
}

export async function feedback(conv: string, msg: string, value: Feedback | undefined) {
  const before = live.current.chats[conv]?.messages.find((m) => m.id === msg)?.feedback
  const show = (feedback: Feedback | undefined) => {
    const of: Vote = { t: 'feedback', msg, feedback }
    live.local(conv, of)
    tabs?.postMessage({ vote: { conv, of } } satisfies News)
  }
  show(value)
  try {
    await api.feedback(msg, value?.vote ?? 'none', value?.reason)
    if (value?.reason) say(t.feedbackThanks)
  } catch (e) {
    show(before)
    say(errorText(e))
  }
}

/** Says what the person thinks of a conversation that has ended. */
export async function rate(conv: string, score: number, comment: string): Promise<boolean> {
  try {
    await api.rate(conv, score, comment)
    say(t.feedbackThanks)
    return true
  } catch (e) {
    say(errorText(e))
    return false
  }
}

export function setReadAloud(on: boolean) {
  localStorage.setItem('read-aloud', on ? '1' : '0')
  useApp.setState({ readAloud: on })
}

/** A refusal in the person's words. */
export function errorText(e: unknown): string {
  if (!(e instanceof ApiError)) return t.errors.other
  return t.errors[e.code] ?? t.errors.other
}
