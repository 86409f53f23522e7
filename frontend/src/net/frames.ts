// The wire as types, after docs/protocol.md. Fields the client does not use are left out; unknown kinds are ignored.

export type Role = 'user' | 'assistant' | 'agent'
export type By = { kind: 'user' | 'ai' | 'agent'; id?: string; name?: string }
export type Owner = { kind: 'ai' | 'human' | 'queue'; id?: string; name?: string; epoch: number }
export type Usage = { in: number; out: number; estimated: boolean }
export type Quota = {
  window: 'minute' | 'day' | 'month'
  messages_used: number
  messages_limit: number
  tokens_used: number
  tokens_limit: number
  reset_at: string
}
export type RunState = 'accepted' | 'streaming' | 'complete' | 'stopped' | 'taken_over' | 'failed' | 'interrupted'
export type RunView = {
  id: string
  state: RunState
  code?: string
  finish?: string
  model?: string
  len: number
  sha?: string
  usage?: Usage
  /** It was cut short and can be continued. */
  continue?: boolean
}
/** An article of the distributor's knowledge that an answer refers to as [n]. */
export type Source = { n: number; id: string; title: string }
export type MessageView = {
  id: string
  role: Role
  text: string
  parent?: string
  cid?: string
  by: By
  at: string
  run?: RunView
  /** Only the beginning of a long text; all of it is at the REST interface. */
  cut?: boolean
  /** The model's, from the wire only: the server does not keep it. */
  reasoning?: string
  sources?: Source[]
  feedback?: Feedback
}
export type Feedback = { vote: 'up' | 'down'; reason?: string }

export type Place = { ep: string; seq: number }

export type Command =
  | { t: 'auth'; token: string }
  | { t: 'sub'; conv: string; since?: Place }
  | { t: 'unsub'; conv: string }
  | { t: 'send'; cid: string; text: string; conv?: string; parent?: string; model?: string; locale?: string }
  | { t: 'regen' | 'continue'; cid: string; msg: string; model?: string }
  | { t: 'stop'; run: string }
  | { t: 'typing'; conv: string }
  | { t: 'context'; page: string; title: string; data: Record<string, string> }
  | { t: 'watch' }
  | { t: 'unwatch' }
  | { t: 'take'; conv: string; epoch: number; note?: string }
  | { t: 'release'; conv: string; epoch: number; note?: string; cut?: boolean }
  | { t: 'call'; conv: string }
  | { t: 'whisper'; conv: string; text: string; to: 'ai' | 'staff'; now?: boolean; cid?: string }
  | { t: 'end'; conv: string; note?: string }

export type Hello = {
  t: 'hello'
  session: string
  user: { id: string; name: string; role: string }
  tenant: { id: string; slug: string; name: string }
  ping_ms: number
  max_bytes: number
  now: string
  quota?: Quota[]
  feat: string[]
}
export type Ok = {
  t: 'ok'
  conv?: string
  msg?: string
  run?: string
  seq?: number
  dup?: boolean
  queued?: boolean
  title?: string
  owner?: Owner
}
export type Failure = {
  t: 'err'
  code: string
  message: string
  retry: boolean
  retry_ms?: number
  reset_at?: string
  ref?: string
  /** Who holds the conversation, with conv_human. */
  owner?: Owner
}
export type Resumed = { t: 'resumed'; conv: string; ep: string; from: number; to: number; recovered: boolean }
export type OpenRun = {
  run: string
  msg: string
  parent?: string
  model?: string
  text: string
  off: number
  reasoning?: string
}
/** A message that waits for the answer before it, and the run that will answer it. */
export type Waiting = { run: string; msg: string }
export type Snap = {
  t: 'snap'
  conv: string
  ep: string
  seq: number
  title: string
  messages: MessageView[]
  open: OpenRun | null
  waiting?: Waiting
  owner: Owner
  state: string
  more: boolean
}

type EventHead = { t: 'ev'; conv: string; ep: string; from?: number; seq: number }
export type MsgEvent = EventHead & {
  k: 'msg'
  msg: string
  cid?: string
  role: Role
  parent?: string
  by?: By
  text?: string
  state?: 'queued'
  run?: string
  at?: string
}
export type RunStartEvent = EventHead & {
  k: 'run.start'
  run: string
  msg: string
  parent?: string
  model?: string
  at?: string
}
/** A piece of an answer's text, or of the model's reasoning, at its own offset. */
export type DeltaEvent = EventHead & { k: 'delta' | 'reasoning'; run: string; off: number; text?: string }
export type RunEndEvent = EventHead & {
  k: 'run.end'
  run: string
  msg?: string
  parent?: string
  state: RunState
  code?: string
  finish?: string
  len?: number
  sha?: string
  usage?: Usage
  continue?: boolean
  quota?: Quota[]
  sources?: Source[]
}
export type OwnerEvent = EventHead & { k: 'owner'; owner: Owner; at?: string }
export type ConvEvent = EventHead & { k: 'conv'; title?: string; state?: string; at?: string }
export type Ev = MsgEvent | RunStartEvent | DeltaEvent | RunEndEvent | OwnerEvent | ConvEvent

/** A conversation as the list of live ones shows it to the staff. */
export type Session = {
  conv: string
  channel: string
  participant: By
  owner: Owner
  state: 'answering' | 'waiting' | 'attended' | 'idle' | 'away'
  since: string
  last_at: string
  last_text: string
  tokens: number
  /** In millionths of the tenant's currency; null: no model of the conversation has a price. */
  cost: number | null
  first_token_ms: number
  page: string
  risk: string[]
  tags: string[]
  watchers: By[]
}
export type LiveSnap = { t: 'live'; k: 'snap'; sessions: Session[] }
export type LiveChange = { t: 'live'; k: 'put'; session: Session } | { t: 'live'; k: 'del'; conv: string }

/** What the staff tell each other about a conversation; its participant receives none of it. */
export type StaffEntry = {
  id: string
  k: 'whisper' | 'note' | 'watch' | 'unwatch'
  by: By
  text?: string
  /** Whether a whisper has reached an answer. */
  applied?: boolean
  at: string
}
export type Staff = { t: 'staff'; conv: string } & StaffEntry

export type Push =
  | Ev
  | Snap
  | { t: 'typing'; conv: string; by: By }
  | { t: 'watched'; conv: string; on: boolean }
  | { t: 'quota'; quota: Quota[] }
  | { t: 'ping' }
  | { t: 'drain'; in_ms?: number }
  | { t: 'auth.soon'; in_ms?: number }
  | LiveSnap
  | LiveChange
  | Staff

export type Answer = Hello | Ok | Failure | Resumed | Snap | LiveSnap
export type Frame = (Push | Answer) & { id?: number | string }
