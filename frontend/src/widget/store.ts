import { useEffect, useState } from 'react'
import type { Chat } from '../chat/chat'
import { Live, type LiveState, type Pending } from '../chat/live'
import { ApiError, type Page, type Summary } from '../net/api'
import { config } from './config'
import { emit, hear, tell } from './host'
import * as session from './session'
import { speak } from './texts'

export type State = {
  readonly open: boolean
  /** It covers a phone's whole screen. */
  readonly full: boolean
  /** What is asked before the conversation goes on. */
  readonly asking: 'consent' | 'fields' | undefined
  /** Why nobody can be talked to now. */
  readonly closed: { why: 'identity' | 'unavailable'; until?: string } | undefined
  readonly entering: boolean
  readonly wrong: string | undefined
  readonly draft: string
  readonly conv: string | undefined
  /** How many wait for a person until it is this one's turn; 1 is next. */
  readonly place: number | undefined
  readonly live: LiveState
  /** Grows with every change of what all texts depend on. */
  readonly language: number
}

/** How many of the conversation's messages have been seen. */
let seen = 0
/** The conversation that was begun here: nothing in it is history, however fast the answer came. */
let begun: string | undefined
/** The messages that are history, or of which the page around has heard. */
const told = new Set<string>()
let unread = 0
/** The page around wants a notice even if the key asks for no consent. */
let notice = false
let waiting: string | undefined
let typedAt = 0

/** There is a session, and its connection is kept up. */
let entered = false
let live = newLive()

function newLive(): Live {
  const made: Live = new Live({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws?k=${config.key}`,
    token: session.token,
    onChange: (l) => {
      if (made !== live) return // another person's, who is gone
      const before = state
      become({ live: l })
      watch(before, state)
    },
    onConversation: (pending, conv) => {
      if (made !== live || state.conv !== undefined || pending.conv !== undefined) return
      begun = conv
      const before = state
      become({ conv })
      watch(before, state)
    },
    onActivity: () => {},
    onHello: () => {
      if (made === live) tellWhere()
    },
  })
  return made
}

/** Lets go of the person there was. */
function leave() {
  const old = live
  live = newLive()
  old.close()
  entered = false
  seen = 0
  begun = undefined
  told.clear()
  become({ conv: undefined, live: live.current })
}

let state: State = {
  open: false,
  full: false,
  asking: undefined,
  closed: config.identity ? { why: 'identity' } : undefined,
  entering: false,
  wrong: undefined,
  draft: '',
  conv: undefined,
  place: undefined,
  live: live.current,
  language: 0,
}
const watchers = new Set<() => void>()

function become(change: Partial<State>) {
  state = { ...state, ...change }
  for (const f of watchers) f()
}

export function useWidget(): State {
  const [s, set] = useState(state)
  useEffect(() => {
    const changed = () => set(state)
    watchers.add(changed)
    changed()
    return () => {
      watchers.delete(changed)
    }
  }, [])
  return s
}

export const chatOf = (s: State): Chat | undefined => (s.conv ? s.live.chats[s.conv] : undefined)
export const isOver = (chat: Chat | undefined) => chat?.state === 'encerrada' || chat?.state === 'closed'

// What the page around hears of.

function watch(before: State, now: State) {
  const was = chatOf(before)
  const chat = chatOf(now)
  if (before.live.link !== now.live.link && now.live.link.is === 'ended') ended(now.live.link.code)
  if (!chat || was === chat) return
  const finished = chat.messages.filter((m) => m.role !== 'user' && m.id !== chat.open?.msg)
  const followed = was?.loaded && was.conv === chat.conv
  // Several events may come in one change. A person is there before they write, and has written before they leave.
  const handed = followed && was.owner.epoch !== chat.owner.epoch
  const handoff = () => emit('handoff', { to: chat.owner.kind, name: chat.owner.name })
  if (handed && chat.owner.kind === 'human') handoff()
  for (const m of finished) {
    if (told.has(m.id)) continue
    told.add(m.id)
    if (!followed && chat.conv !== begun) continue
    emit('message', { from: m.role === 'agent' ? 'human' : 'ai', at: m.at })
    if (m.run?.state === 'failed') emit('error', { code: m.run.code })
  }
  if (handed && chat.owner.kind !== 'human') handoff()
  if (now.open || !was?.loaded) seen = finished.length
  const news = Math.max(0, finished.length - seen)
  if (news !== unread) {
    unread = news
    emit('unread', news)
  }
}

function ended(code: number) {
  entered = false
  emit('error', { code: code === 4401 || code === 4403 ? 'unauthenticated' : 'closed' })
  if (code !== 4401 && code !== 4403) become({ closed: { why: 'unavailable' } })
  else if (config.identity || session.identified()) become({ closed: { why: 'identity' } })
  else leave() // the visitor is forgotten; the next message begins anew
}

// Coming in.

/** Whether the visitor must agree to something first. */
function consentFirst(): boolean {
  const version = config.consent?.version ?? (notice ? 'notice' : undefined)
  return version !== undefined && session.agreedTo() !== version
}

const fieldsFirst = () => config.fields.length > 0 && !session.hasAnswered() && !session.identified()

/** Opens the session and the last conversation. What keeps it from that is in the state then. */
async function enter(fields?: Record<string, string>): Promise<boolean> {
  become({ entering: true, wrong: undefined })
  try {
    if (fields) await session.answer(fields)
    const token = await session.token()
    live.open()
    entered = true
    if (state.conv === undefined) {
      const page = (await (await session.call('GET', '/conversations?limit=1', token)).json()) as Page<Summary>
      const last = page.items[0]
      if (last && last.state === 'open' && waiting === undefined) {
        become({ conv: last.id })
        live.follow(last.id)
      }
    }
    become({ entering: false, asking: undefined, closed: undefined })
    return true
  } catch (e) {
    become({ entering: false })
    refused(e)
    return false
  }
}

function refused(e: unknown) {
  const code = e instanceof ApiError ? e.code : 'internal'
  emit('error', { code })
  if (e instanceof ApiError && e.code === 'bad_field') {
    const field = /field (\w+)/.exec((e as ApiError & { detail?: string }).detail ?? '')?.[1]
    become(field ? { asking: 'fields', wrong: field } : { asking: 'consent' })
  } else if (code === 'unauthenticated' || code === 'token_expired') {
    if (config.identity || session.identified()) become({ closed: { why: 'identity' } })
  } else {
    const { reset_at, retry_ms } = e as session.Refusal
    const until = reset_at ?? (retry_ms ? new Date(Date.now() + retry_ms).toISOString() : undefined)
    become({ closed: { why: 'unavailable', ...(until ? { until } : {}) } })
  }
}

function began() {
  if (consentFirst()) become({ asking: 'consent' })
  else if (session.known() && !entered && !state.entering) void enter()
}

export function agree() {
  session.agree(config.consent?.version ?? 'notice')
  become({ asking: undefined })
  if (session.known()) void enter()
  else sendWaiting()
}

export function refuse() {
  waiting = undefined
  tell({ t: 'close' })
}

/** Takes the answers to what the key asks, and sends the message that was waiting for them. */
export async function answer(fields: Record<string, string>) {
  if (await enter(fields)) sendWaiting()
}

export function backToChat() {
  become({ asking: undefined, draft: waiting ?? state.draft, wrong: undefined })
  waiting = undefined
}

function sendWaiting() {
  const text = waiting
  waiting = undefined
  if (text !== undefined) void send(text)
}

export function retry() {
  become({ closed: undefined })
  if (session.known()) void enter()
}

// Talking.

export const setDraft = (draft: string) => become({ draft })

export async function send(text: string) {
  become({ draft: '' })
  if (consentFirst() || fieldsFirst()) {
    waiting = text
    become({ asking: consentFirst() ? 'consent' : 'fields' })
    return
  }
  if (!entered) {
    waiting = text
    if (!(await enter())) {
      become({ draft: text })
      waiting = undefined
      return
    }
    waiting = undefined
  }
  live.send({ conv: isOver(chatOf(state)) ? undefined : state.conv, text })
}

export const stop = (run: string) => live.stop(run).catch(() => {})
export const resend = (p: Pending) => live.retry(p.cid)
export const discard = (p: Pending) => live.discard(p.cid)

/** Asks the question of a failed answer again. */
export function again(question: { id: string; text: string }) {
  if (!state.conv) return
  if (live.can('regen')) live.regenerate(state.conv, question.id)
  else live.send({ conv: state.conv, text: question.text })
}

/** Asks for the rest of an answer that was cut short. */
export const goOn = (answer: string) => state.conv && live.regenerate(state.conv, answer, undefined, true)

/** Tells a person on the other end that this one writes; a model does not care. */
export function typing() {
  if (!state.conv || chatOf(state)?.owner.kind !== 'human' || Date.now() - typedAt < 3000) return
  typedAt = Date.now()
  live.typing(state.conv)
}

export function startAnew() {
  seen = 0
  become({ conv: undefined, closed: undefined })
}

export async function erase() {
  const conv = state.conv
  if (!conv) return
  await session.call('DELETE', `/conversations/${conv}`, await session.token())
  live.leave(conv)
  startAnew()
}

export async function download() {
  const r = await session.call('GET', `/conversations/${state.conv}/transcript?format=md`, await session.token())
  const url = URL.createObjectURL(await r.blob())
  const a = document.createElement('a')
  a.href = url
  a.download = 'conversa.md'
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** Says what the visitor thinks of the conversation; true when it was kept. */
export async function rate(score: number, comment: string): Promise<boolean> {
  try {
    await session.call('PUT', `/conversations/${state.conv}/rating`, await session.token(), { score, comment })
    return true
  } catch {
    return false // they can press again
  }
}

export const canRate = () => live.can('rate')

/** Asks for the place among those who wait for a person; it changes as others are served. */
export async function askPlace() {
  const conv = state.conv
  try {
    const r = await session.call('GET', `/conversations/${conv}`, await session.token())
    const { queue_place: place } = (await r.json()) as { queue_place?: number }
    if (conv === state.conv) become({ place })
  } catch {
    // without a place it only says that one waits
  }
}

/** Whether a person can be asked for. */
export const canCall = (s: State) => live.can('call') && chatOf(s)?.owner.kind === 'ai' && !isOver(chatOf(s))

export async function callPerson() {
  if (state.conv) await live.request({ t: 'call', conv: state.conv }).catch(() => {}) // the owner on screen is the true one
}

export const close = () => tell({ t: 'close' })

// What the page around says. It comes from outside: every part is checked.

export function start() {
  hear((m) => {
    switch (m.t) {
      case 'open':
        notice = m.notice === true
        become({ open: true, full: m.full === true })
        watch({ ...state, conv: undefined }, state)
        began()
        return
      case 'close':
        become({ open: false })
        return
      case 'identify':
        if (typeof m.token === 'string') identify(m.token)
        return
      case 'context':
        placed(m)
        return
      case 'locale':
        if (typeof m.locale === 'string') void translate(m.locale)
        return
      case 'theme':
        document.documentElement.dataset.theme = m.theme === 'dark' || m.theme === 'light' ? m.theme : 'system'
        return
      case 'ask':
        if (typeof m.text === 'string' && m.text.trim()) void send(m.text.trim())
        return
      case 'end':
        leave()
        void session.end().then(() => tell({ t: 'ended' }))
    }
  })
}

/** Takes what the page around says of where the visitor is: as much of it as the server takes. */
function placed(m: { page: string; title: string; data?: string | undefined }) {
  const data: Record<string, string> = {}
  try {
    for (const [name, value] of Object.entries(JSON.parse(m.data ?? '{}') as object).slice(0, 20))
      if (name && /^(string|number|boolean)$/.test(typeof value)) data[line(name, 40)] = line(String(value), 200)
  } catch {
    // nothing that can be told
  }
  session.setWhere({ page: String(m.page), title: line(String(m.title), 200), data })
  if (state.live.link.is === 'open') tellWhere()
}

const line = (text: string, most: number) => [...text.replace(/[\s\p{Cc}]+/gu, ' ')].slice(0, most).join('')

function tellWhere() {
  if (live.can('context') && session.where.page) live.request({ t: 'context', ...session.where }).catch(() => {})
}

async function translate(locale: string) {
  await speak(locale.toLowerCase().startsWith('en') ? 'en' : 'pt-BR')
  become({ language: state.language + 1 })
}

function identify(jwt: string) {
  const other = session.identify(jwt)
  session.warnOfEnd(() => emit('token_expiring'))
  if (!other && entered) return // the next renewal uses it
  if (other) leave()
  become({ closed: undefined })
  if (state.open && !consentFirst()) void enter()
}
