import type { Ev, Feedback, MessageView, OpenRun, Owner, Resumed, RunEndEvent, Snap, Waiting } from '../net/frames'
import { byteLength, headBytes } from '../shared/bytes'

/** A message as it is shown. `bytes` is the length of `text` in UTF-8. */
export type Message = MessageView & { bytes: number }

/** Something that happened between messages: who answers has changed. */
export type Note = { id: string; after: string | undefined; owner: Owner; at?: string }

/** One conversation as the client knows it: the log up to `seq` of `ep`, folded. */
export type Chat = {
  readonly conv: string
  readonly ep: string
  readonly seq: number
  /** What must be asked of the server because the log did not continue what is here. */
  readonly need: 'nothing' | 'resume' | 'snapshot'
  readonly loaded: boolean
  readonly title: string
  readonly state: string
  readonly owner: Owner
  readonly messages: readonly Message[]
  /** The answer that is being written. */
  readonly open: { run: string; msg: string } | undefined
  /** The message whose turn comes after that. */
  readonly waiting: Waiting | undefined
  readonly notes: readonly Note[]
  /** Earlier messages exist on the server; `older` is the cursor to them once it is known. */
  readonly more: boolean
  readonly older: string | undefined
  /** Which of several answers (or edits) is shown, by the message they follow. */
  readonly chosen: Readonly<Record<string, string>>
}

/** What happens to a chat besides the frames of the wire. */
export type Local =
  | { t: 'older'; messages: MessageView[]; cursor: string | undefined }
  | { t: 'full'; messages: MessageView[] }
  | { t: 'choose'; parent: string; msg: string }
  | { t: 'rename'; title: string }
  | { t: 'feedback'; msg: string; feedback: Feedback | undefined }
  | { t: 'mismatch' }

export type Input = Ev | Snap | Resumed | Local

export function newChat(conv: string): Chat {
  return {
    conv,
    ep: '',
    seq: 0,
    need: 'nothing',
    loaded: false,
    title: '',
    state: 'open',
    owner: { kind: 'ai', epoch: 0 },
    messages: [],
    open: undefined,
    waiting: undefined,
    notes: [],
    more: false,
    older: undefined,
    chosen: {},
  }
}

/** The chat after one frame or local action. Pure: the same inputs give the same chat, whatever was lost or repeated. */
export function reduce(chat: Chat, input: Input): Chat {
  switch (input.t) {
    case 'snap':
      return fromSnap(chat, input)
    case 'resumed':
      return { ...chat, need: 'nothing' }
    case 'ev':
      return place(chat, input)
    case 'older': {
      const known = new Set(chat.messages.map((m) => m.id))
      const earlier = input.messages.filter((m) => !known.has(m.id)).map(toMessage)
      return {
        ...chat,
        messages: [...earlier, ...chat.messages],
        older: input.cursor,
        more: input.cursor !== undefined,
      }
    }
    case 'full': {
      const full = new Map(input.messages.map((m) => [m.id, m]))
      const messages = chat.messages.map((m) => (m.cut && full.has(m.id) ? toMessage(full.get(m.id)!) : m))
      return { ...chat, messages }
    }
    case 'choose':
      return { ...chat, chosen: { ...chat.chosen, [input.parent]: input.msg } }
    case 'rename':
      return { ...chat, title: input.title }
    case 'feedback':
      return update(chat, input.msg, (m) => ({ ...m, feedback: input.feedback }))
    case 'mismatch':
      return { ...chat, need: 'snapshot' }
  }
}

/** Applies an event if it continues the log that is here; the rule is in docs/protocol.md. */
function place(chat: Chat, e: Ev): Chat {
  const first = e.from ?? e.seq
  if (e.ep !== chat.ep) {
    if (chat.ep !== '' || first !== 1) return { ...chat, need: 'snapshot' }
    return apply({ ...chat, ep: e.ep, seq: e.seq, loaded: true }, e)
  }
  if (e.seq <= chat.seq) return chat
  if (first > chat.seq + 1) return chat.need === 'nothing' ? { ...chat, need: 'resume' } : chat
  return apply({ ...chat, seq: e.seq }, e)
}

function apply(chat: Chat, e: Ev): Chat {
  switch (e.k) {
    case 'msg': {
      const next = put(chat, {
        id: e.msg,
        role: e.role,
        text: e.text ?? '',
        bytes: byteLength(e.text ?? ''),
        by: e.by ?? { kind: 'user' },
        at: e.at ?? '',
        ...(e.cid ? { cid: e.cid } : {}),
        ...(e.parent ? { parent: e.parent } : {}),
      })
      return e.state === 'queued' && e.run ? { ...next, waiting: { run: e.run, msg: e.msg } } : next
    }
    case 'run.start': {
      const run = { id: e.run, state: 'streaming' as const, len: 0, ...(e.model ? { model: e.model } : {}) }
      const parent = e.parent ?? chat.messages.find((m) => m.id === e.msg)?.parent
      const next = put(chat, {
        id: e.msg,
        role: 'assistant',
        text: '',
        bytes: 0,
        by: { kind: 'ai' },
        at: e.at ?? '',
        run,
        ...(parent ? { parent } : {}),
      })
      return {
        ...next,
        open: { run: e.run, msg: e.msg },
        waiting: next.waiting?.run === e.run ? undefined : next.waiting,
      }
    }
    case 'delta': {
      if (chat.open?.run !== e.run) return { ...chat, need: 'snapshot' }
      const message = chat.messages.find((m) => m.id === chat.open?.msg)
      if (!message || e.off > message.bytes) return { ...chat, need: 'snapshot' }
      const before = e.off === message.bytes ? message.text : headBytes(message.text, e.off)
      const text = e.text ?? ''
      return update(chat, message.id, (m) => ({ ...m, text: before + text, bytes: e.off + byteLength(text) }))
    }
    case 'reasoning': {
      const message = chat.open?.run === e.run && chat.messages.find((m) => m.id === chat.open?.msg)
      if (!message || e.off > byteLength(message.reasoning ?? '')) return { ...chat, need: 'snapshot' }
      const reasoning = headBytes(message.reasoning ?? '', e.off) + (e.text ?? '')
      return update(chat, message.id, (m) => ({ ...m, reasoning }))
    }
    case 'run.end':
      return end(chat, e)
    case 'owner':
      return {
        ...chat,
        owner: e.owner,
        notes: [
          ...chat.notes,
          { id: `${e.ep}-${e.seq}`, after: chat.messages.at(-1)?.id, owner: e.owner, ...(e.at ? { at: e.at } : {}) },
        ],
      }
    case 'conv':
      return { ...chat, title: e.title ?? chat.title, state: e.state ?? chat.state }
    default:
      return chat // a kind of a later version
  }
}

function end(chat: Chat, e: RunEndEvent): Chat {
  const waited = chat.waiting?.run === e.run
  const waiting = waited ? undefined : chat.waiting
  // A message that was withdrawn while it waited gets no answer.
  if (!e.msg) return { ...chat, waiting }
  const known = chat.messages.find((m) => m.id === e.msg)
  if (!known && !waited) return { ...chat, need: 'snapshot' }
  const run = {
    id: e.run,
    state: e.state,
    len: e.len ?? 0,
    ...(known?.run?.model ? { model: known.run.model } : {}),
    ...(e.code ? { code: e.code } : {}),
    ...(e.finish ? { finish: e.finish } : {}),
    ...(e.sha ? { sha: e.sha } : {}),
    ...(e.usage ? { usage: e.usage } : {}),
    ...(e.continue ? { continue: true } : {}),
  }
  // One whose turn came to nothing ends without ever having begun.
  const begun = known ?? {
    id: e.msg,
    role: 'assistant' as const,
    text: '',
    bytes: 0,
    by: { kind: 'ai' as const },
    at: '',
    ...(e.parent ? { parent: e.parent } : {}),
  }
  return {
    ...put(chat, { ...begun, run, ...(e.sources ? { sources: e.sources } : {}) }),
    open: chat.open?.run === e.run ? undefined : chat.open,
    waiting,
    need: begun.bytes === (e.len ?? 0) ? chat.need : 'snapshot',
  }
}

function fromSnap(chat: Chat, s: Snap): Chat {
  // Reasoning is not kept by the server: what was seen of it stays.
  const reasoned = new Map(chat.messages.map((m) => [m.id, m.reasoning]))
  let messages = s.messages.map((m) => {
    const reasoning = reasoned.get(m.id)
    return reasoning ? { ...toMessage(m), reasoning } : toMessage(m)
  })
  // Earlier pages that were loaded stay, if the snapshot continues them.
  const joint = chat.messages.findIndex((m) => m.id === messages[0]?.id)
  const earlier = joint > 0 ? chat.messages.slice(0, joint) : []
  if (s.open) messages = withOpen(messages, s.open)
  return {
    ...chat,
    ep: s.ep,
    seq: s.seq,
    need: 'nothing',
    loaded: true,
    title: s.title,
    state: s.state,
    owner: s.owner,
    messages: [...earlier, ...messages],
    open: s.open ? { run: s.open.run, msg: s.open.msg } : undefined,
    waiting: s.waiting,
    notes: chat.notes,
    more: earlier.length > 0 ? chat.more : s.more,
    older: earlier.length > 0 ? chat.older : undefined,
  }
}

/** The answer being written, with all of its text so far: the stored one may lag behind. */
function withOpen(messages: Message[], open: OpenRun): Message[] {
  const run = { id: open.run, state: 'streaming' as const, len: open.off, ...(open.model ? { model: open.model } : {}) }
  const reasoning = { reasoning: open.reasoning ?? '' }
  if (!messages.some((m) => m.id === open.msg)) {
    const by = { kind: 'ai' as const }
    const parent = open.parent ? { parent: open.parent } : {}
    return [
      ...messages,
      { id: open.msg, role: 'assistant', text: open.text, bytes: open.off, by, at: '', run, ...parent, ...reasoning },
    ]
  }
  return messages.map((m) => (m.id === open.msg ? { ...m, text: open.text, bytes: open.off, run, ...reasoning } : m))
}

function toMessage(m: MessageView): Message {
  return { ...m, bytes: byteLength(m.text) }
}

/** Adds a message or replaces the one with its id; a new one is shown even if another branch was chosen before. */
function put(chat: Chat, message: Message): Chat {
  if (chat.messages.some((m) => m.id === message.id)) return update(chat, message.id, () => message)
  const { [message.parent ?? '']: _, ...chosen } = chat.chosen
  return { ...chat, messages: [...chat.messages, message], chosen }
}

function update(chat: Chat, id: string, change: (m: Message) => Message): Chat {
  // The message that changes is nearly always the last one.
  const i = chat.messages.findLastIndex((m) => m.id === id)
  if (i < 0) return chat
  const messages = chat.messages.slice()
  messages[i] = change(messages[i]!)
  return { ...chat, messages }
}
