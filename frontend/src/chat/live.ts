import type { Answer, Command, Failure, Hello, MessageView, Push, Quota, Snap } from '../net/frames'
import { CommandError, type Link, Socket, type SocketOptions } from '../net/socket'
import { sha256 } from '../shared/bytes'
import { language } from '../shared/i18n'
import { type Chat, type Input, newChat, reduce } from './chat'

/** A message that the server has not confirmed yet. `cid` makes sending it again harmless. */
export type Pending = {
  readonly cid: string
  readonly conv: string | undefined
  readonly text: string
  readonly parent?: string
  readonly model?: string
  /** Set for a further answer to a question: the question; with goOn, the answer of which it is the rest. */
  readonly regen?: string
  readonly goOn?: true
  readonly at: number
  readonly state: 'sending' | 'waiting' | 'accepted' | 'failed'
  readonly run?: string
  readonly failure?: Failure
}

/** Everything live, as one value that never changes in place. */
export type LiveState = {
  readonly link: Link
  readonly hello: Hello | undefined
  readonly quota: readonly Quota[]
  readonly chats: Readonly<Record<string, Chat>>
  readonly missing: Readonly<Record<string, boolean>>
  readonly pending: readonly Pending[]
  readonly typing: Readonly<Record<string, { name: string; until: number }>>
  /** Whether somebody of the staff watches a conversation, where the person is told. */
  readonly watched: Readonly<Record<string, boolean>>
  /** The answer that ended last while this connection listened. */
  readonly ended: { readonly conv: string; readonly msg: string } | undefined
}

export type LiveOptions = Pick<SocketOptions, 'url' | 'token' | 'WebSocket' | 'random'> & {
  onChange: (state: LiveState) => void
  /** A message without a conversation got one. */
  onConversation: (pending: Pending, conv: string) => void
  /** Something changed that lists show: a new message, a title, a state. */
  onActivity: (conv: string) => void
  /** The connection is there, for the first time or again. */
  onHello?: (hello: Hello) => void
  /** A frame that is about something else than a conversation's log. */
  onOther?: (push: Push) => void
  /** Reads the newest messages in full, for those that came cut. */
  full?: (conv: string) => Promise<MessageView[]>
  /** Keeps what waits to be sent across a reload. */
  keep?: { load: () => Pending[]; save: (p: readonly Pending[]) => void }
  /** Runs a function at the next frame of the screen. */
  schedule?: (run: () => void) => void
}

/** How many conversations are followed at once; the oldest is left. */
const followedMost = 4
const typingFor = 6_000

/**
 * The conversations a person follows, kept true over one socket: it follows again after a reconnect from the last
 * place, asks for what is missing, proves finished answers by their digest, and sends again what was not confirmed.
 * Frames are folded in batches, once per frame of the screen, so that a fast answer costs no more than a slow one.
 */
export class Live {
  private state: LiveState
  private readonly socket: Socket
  private inbox: { conv: string; input: Input }[] = []
  private scheduled = false
  private asking = new Set<string>()
  private followed: string[] = []

  constructor(private readonly o: LiveOptions) {
    this.state = {
      link: { is: 'connecting', tries: 0 },
      hello: undefined,
      quota: [],
      chats: {},
      missing: {},
      pending: (o.keep?.load() ?? []).map((p) => (p.state === 'failed' ? p : { ...p, state: 'waiting' })),
      typing: {},
      watched: {},
      ended: undefined,
    }
    this.socket = new Socket({
      ...o,
      onHello: (hello) => this.arrived(hello),
      onPush: (push) => this.receive(push),
      onLink: (link) => this.become({ link }),
      positions: () => this.positions(),
    })
  }

  private positions(): Record<string, number> {
    this.flush()
    const loaded = this.followed.flatMap((c) => this.state.chats[c] ?? []).filter((c) => c.loaded)
    return Object.fromEntries(loaded.map((c) => [c.conv, c.seq]))
  }

  get current(): LiveState {
    return this.state
  }

  /** When the server was last heard. */
  get heardAt(): number {
    return this.socket.heardAt
  }

  open() {
    this.socket.open()
  }

  /** Ends the connection. Answers that are being written go on. */
  close() {
    this.socket.close()
  }

  /** Whether the server has a feature. */
  can(feature: string): boolean {
    return this.state.hello?.feat.includes(feature) ?? false
  }

  /** Follows a conversation from now on. */
  follow(conv: string) {
    this.followed = [...this.followed.filter((c) => c !== conv), conv]
    if (this.state.missing[conv]) this.become({ missing: { ...this.state.missing, [conv]: false } })
    if (!this.state.chats[conv]) this.become({ chats: { ...this.state.chats, [conv]: newChat(conv) } })
    while (this.followed.length > followedMost) this.leave(this.followed[0]!)
    if (!this.asking.has(conv) && !this.state.chats[conv]?.loaded) void this.subscribe(conv)
  }

  /** Stops following; what is known of the conversation is dropped, because it would grow stale. */
  leave(conv: string) {
    this.followed = this.followed.filter((c) => c !== conv)
    const { [conv]: _, ...chats } = this.state.chats
    this.become({ chats })
    this.request({ t: 'unsub', conv }).catch(() => {})
  }

  /** Sends a message now, or as soon as there is a connection. */
  send(message: { conv: string | undefined; text: string; parent?: string; model?: string }) {
    this.submit({ ...message, cid: newCID(), at: Date.now(), state: 'sending' })
  }

  /** Asks for a further answer to a question, or for the rest of an answer. */
  regenerate(conv: string, msg: string, model?: string, goOn?: true) {
    this.submit({
      cid: newCID(),
      conv,
      text: '',
      regen: msg,
      at: Date.now(),
      state: 'sending',
      ...(model ? { model } : {}),
      ...(goOn ? { goOn } : {}),
    })
  }

  /** Tries a refused or waiting message again, as the same message. */
  retry(cid: string) {
    const p = this.state.pending.find((x) => x.cid === cid)
    if (p) void this.transmit(p)
  }

  discard(cid: string) {
    this.setPending(this.state.pending.filter((p) => p.cid !== cid))
  }

  stop(run: string): Promise<Answer> {
    return this.request({ t: 'stop', run })
  }

  /** Tells the others that the person writes; who calls it limits how often. */
  typing(conv: string) {
    if (this.can('typing')) this.request({ t: 'typing', conv }).catch(() => {})
  }

  /** Sends any command; rejects with a CommandError. */
  request(command: Command): Promise<Answer> {
    return this.socket.request(command)
  }

  /** Changes a chat by something that is not on the wire. */
  local(conv: string, input: Input) {
    this.fold([{ conv, input }])
  }

  private submit(p: Pending) {
    this.setPending([...this.state.pending, p])
    void this.transmit(p)
  }

  private async transmit(p: Pending) {
    const failed = (failure: Failure) => this.changePending(p.cid, { state: 'failed', failure })
    this.changePending(p.cid, { state: this.state.link.is === 'open' ? 'sending' : 'waiting', failure: undefined })
    const model = p.model ? { model: p.model } : {}
    try {
      const ok = await this.request(
        p.regen
          ? { t: p.goOn ? 'continue' : 'regen', cid: p.cid, msg: p.regen, ...model }
          : {
              t: 'send',
              cid: p.cid,
              text: p.text,
              locale: language,
              ...model,
              ...(p.conv ? { conv: p.conv } : {}),
              ...(p.parent !== undefined ? { parent: p.parent } : {}),
            },
      )
      if (ok.t !== 'ok') return
      const conv = ok.conv ?? p.conv
      this.changePending(p.cid, { state: 'accepted', conv, ...(ok.run ? { run: ok.run } : {}) })
      if (conv && !p.conv) {
        // The server follows the new conversation for this socket from its first message on.
        if (!this.followed.includes(conv)) this.followed.push(conv)
        if (!this.state.chats[conv]) {
          const chat = { ...newChat(conv), title: ok.title ?? '' }
          this.become({ chats: { ...this.state.chats, [conv]: chat } })
        }
        this.o.onConversation(p, conv)
        // A duplicate's first sending may have begun on another connection, which this one does not hear.
        if (ok.dup) void this.subscribe(conv)
      }
      this.settle(conv)
      if (conv) this.o.onActivity(conv)
    } catch (e) {
      if (!(e instanceof CommandError)) throw e
      if (e.code === 'lost') this.changePending(p.cid, { state: 'waiting' })
      else if (e.failure) failed(e.failure)
    }
  }

  /** Forgets what was pending and is in the log now. */
  private settle(conv: string | undefined) {
    const chat = conv ? this.state.chats[conv] : undefined
    if (!chat) return
    const arrived = (p: Pending) =>
      p.conv === chat.conv &&
      (p.regen
        ? p.run !== undefined && chat.messages.some((m) => m.run?.id === p.run)
        : chat.messages.some((m) => m.cid === p.cid))
    if (this.state.pending.some(arrived)) this.setPending(this.state.pending.filter((p) => !arrived(p)))
  }

  private arrived(hello: Hello) {
    this.become({ hello, ...(hello.quota ? { quota: hello.quota } : {}) })
    this.asking.clear()
    for (const conv of this.followed) void this.subscribe(conv)
    for (const p of this.state.pending) if (p.state !== 'failed') void this.transmit(p)
    this.o.onHello?.(hello)
  }

  private async subscribe(conv: string) {
    if (this.asking.has(conv)) return
    this.asking.add(conv)
    try {
      this.flush()
      const chat = this.state.chats[conv]
      const resumable = chat?.loaded && chat.ep !== '' && chat.need !== 'snapshot'
      const since = resumable ? { since: { ep: chat.ep, seq: chat.seq } } : {}
      const answer = await this.request({ t: 'sub', conv, ...since })
      this.asking.delete(conv)
      if (answer.t === 'snap' || answer.t === 'resumed') this.enqueue(conv, answer)
      if (answer.t === 'snap') void this.complete(answer)
    } catch (e) {
      this.asking.delete(conv)
      // Without a connection the next hello asks again.
      if (!(e instanceof CommandError) || e.code === 'lost') return
      if (e.failure?.retry)
        setTimeout(() => this.followed.includes(conv) && this.subscribe(conv), e.failure.retry_ms ?? 1000)
      else this.become({ missing: { ...this.state.missing, [conv]: true } })
    }
  }

  /** Fetches the texts that a snapshot holds only the beginnings of. */
  private async complete(snap: Snap) {
    if (!this.o.full || !snap.messages.some((m) => m.cut)) return
    try {
      const messages = await this.o.full(snap.conv)
      this.flush()
      this.local(snap.conv, { t: 'full', messages })
    } catch {
      // The beginnings stay; the next snapshot tries again.
    }
  }

  private receive(push: Push) {
    switch (push.t) {
      case 'ev':
        this.enqueue(push.conv, push)
        return
      case 'snap':
        this.enqueue(push.conv, push)
        void this.complete(push)
        return
      case 'quota':
        this.become({ quota: push.quota })
        return
      case 'typing': {
        const entry = { name: push.by.name ?? '', until: Date.now() + typingFor }
        this.become({ typing: { ...this.state.typing, [push.conv]: entry } })
        setTimeout(() => {
          if (this.state.typing[push.conv] !== entry) return
          const { [push.conv]: _, ...typing } = this.state.typing
          this.become({ typing })
        }, typingFor)
        return
      }
      case 'watched':
        this.become({ watched: { ...this.state.watched, [push.conv]: push.on } })
        return
      default:
        this.o.onOther?.(push)
    }
  }

  private enqueue(conv: string, input: Input) {
    this.inbox.push({ conv, input })
    if (this.scheduled) return
    this.scheduled = true
    ;(this.o.schedule ?? nextFrame)(() => this.flush())
  }

  private flush() {
    this.scheduled = false
    const batch = this.inbox
    this.inbox = []
    if (batch.length > 0) this.fold(batch)
  }

  private fold(batch: { conv: string; input: Input }[]) {
    const chats: Record<string, Chat> = { ...this.state.chats }
    let quota = this.state.quota
    let writing = this.state.typing
    const ended: { conv: string; msg: string }[] = []
    const active = new Set<string>()
    for (const { conv, input } of batch) {
      const before = chats[conv]
      if (!before) continue
      const after = reduce(before, input)
      chats[conv] = after
      if (after === before || input.t !== 'ev') continue
      if (input.k === 'msg') writing = without(writing, conv, input.by?.name)
      if (input.k === 'run.end') {
        if (input.msg) ended.push({ conv, msg: input.msg })
        if (input.quota) quota = input.quota
      }
      if (input.k !== 'delta') active.add(conv)
    }
    this.become({ chats, quota, typing: writing, ended: ended.at(-1) ?? this.state.ended })
    for (const { conv } of batch) {
      this.settle(conv)
      if (this.state.chats[conv] && this.state.chats[conv]?.need !== 'nothing') void this.subscribe(conv)
    }
    for (const { conv, msg } of ended) void this.prove(conv, msg)
    for (const conv of active) this.o.onActivity(conv)
  }

  /** Compares an answer with its digest; one that differs is fetched again. */
  private async prove(conv: string, msg: string) {
    const message = this.state.chats[conv]?.messages.find((m) => m.id === msg)
    const sha = message?.run?.sha
    if (!message || !sha) return
    const own = await sha256(message.text)
    const now = this.state.chats[conv]?.messages.find((m) => m.id === msg)
    if (own !== undefined && own !== sha && now?.text === message.text) this.local(conv, { t: 'mismatch' })
  }

  private changePending(cid: string, change: Partial<Pending>) {
    this.setPending(this.state.pending.map((p) => (p.cid === cid ? { ...p, ...change } : p)))
  }

  private setPending(pending: readonly Pending[]) {
    this.become({ pending })
    this.o.keep?.save(pending)
  }

  private become(change: Partial<LiveState>) {
    this.state = { ...this.state, ...change }
    this.o.onChange(this.state)
  }
}

/** A name for a message. (crypto.randomUUID is missing where a page is not served securely.) */
function newCID(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** Who writes in which conversation, without somebody whose message has come. */
function without(typing: LiveState['typing'], conv: string, name = ''): LiveState['typing'] {
  if (typing[conv]?.name !== name) return typing
  const { [conv]: _, ...others } = typing
  return others
}

/** The next frame; a hidden page draws none, so there a timer stands in. */
function nextFrame(run: () => void) {
  let done = false
  const once = () => {
    if (done) return
    done = true
    run()
  }
  requestAnimationFrame(once)
  setTimeout(once, 150)
}
