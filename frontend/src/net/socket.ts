import type { Answer, Command, Failure, Frame, Hello, Push } from './frames'

/** What the connection is doing. `ended` is final until open() is called again; its code says why. */
export type Link =
  | { is: 'connecting'; tries: number }
  | { is: 'open' }
  | { is: 'waiting'; tries: number }
  | { is: 'ended'; code: number }

/** A command failed: refused by the server (its code), or the connection ended before the answer (`lost`). */
export class CommandError extends Error {
  constructor(
    readonly code: string,
    readonly failure?: Failure,
  ) {
    super(code)
  }
}

export type SocketOptions = {
  url: string
  /** Gives a valid access token; `fresh` asks for a new one. Rejects when the person must sign in again. */
  token: (fresh: boolean) => Promise<string>
  onHello: (hello: Hello) => void
  onPush: (push: Push) => void
  onLink: (link: Link) => void
  /** The last seq of every followed conversation, for pongs. */
  positions: () => Record<string, number>
  WebSocket?: typeof WebSocket
  random?: () => number
}

const protocol = 'aihub.v1'
const unauthenticated = 4401
const expired = 4403
const firstDelay = 300
const longestDelay = 15_000
const connectWithin = 10_000
/** How much later than announced a ping may come before the connection counts as dead. */
const pingGrace = 12_000

/**
 * One authenticated connection that comes back by itself. It knows frames, not conversations: whoever uses it follows
 * them again in onHello. Closing it never stops an answer.
 */
export class Socket {
  private ws: WebSocket | undefined
  private link: Link = { is: 'ended', code: 1000 }
  private tries = 0
  private retried = false // the last end for want of authentication was already answered with a fresh token
  private fresh = false
  private nextID = 1
  private waiting = new Map<number, { resolve: (a: Answer) => void; reject: (e: CommandError) => void }>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private watchdog: ReturnType<typeof setTimeout> | undefined
  private pingEvery = 25_000
  /** When the server was last heard. */
  heardAt = Date.now()

  constructor(private readonly o: SocketOptions) {}

  /** Connects, or connects again after the connection ended. */
  open() {
    if (this.ws || this.timer) return
    globalThis.addEventListener?.('online', this.hurry)
    globalThis.document?.addEventListener('visibilitychange', this.hurry)
    this.retried = false
    this.connect()
  }

  /** Ends the connection, until open() is called. */
  close() {
    globalThis.removeEventListener?.('online', this.hurry)
    globalThis.document?.removeEventListener('visibilitychange', this.hurry)
    this.drop()
    this.become({ is: 'ended', code: 1000 })
  }

  /** Sends a command and resolves with its answer. It is never queued: without a connection it rejects at once. */
  request(command: Command): Promise<Answer> {
    if (this.link.is !== 'open') return Promise.reject(new CommandError('lost'))
    return this.transmit(command)
  }

  /** Renews the token of the live connection. */
  async renew() {
    const token = await this.o.token(true)
    await this.request({ t: 'auth', token })
  }

  private transmit(command: Command): Promise<Answer> {
    const id = this.nextID++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.ws?.send(JSON.stringify({ ...command, id }))
    })
  }

  private connect() {
    this.become({ is: 'connecting', tries: this.tries })
    const ws = new (this.o.WebSocket ?? WebSocket)(this.o.url, protocol)
    this.ws = ws
    this.watch(connectWithin)
    ws.onopen = () => this.ws === ws && void this.introduce(ws)
    ws.onmessage = (e) => this.ws === ws && typeof e.data === 'string' && this.receive(e.data)
    // An orphaned socket may still report its end; only the current one counts.
    ws.onclose = (e) => this.ws === ws && this.ended(e.code)
  }

  private async introduce(ws: WebSocket) {
    try {
      const token = await this.o.token(this.fresh)
      if (this.ws !== ws) return
      this.fresh = false
      const hello = await this.transmit({ t: 'auth', token })
      if (this.ws !== ws || hello.t !== 'hello') return
      this.tries = 0
      this.retried = false
      this.pingEvery = hello.ping_ms
      this.watch(this.pingEvery + pingGrace)
      this.become({ is: 'open' })
      this.o.onHello(hello)
    } catch (e) {
      if (this.ws !== ws) return
      // A refused frame is followed by a close code, which decides. Failing to get a token is decided here.
      if (e instanceof CommandError) return
      this.drop()
      if (isSignedOut(e)) this.become({ is: 'ended', code: unauthenticated })
      else this.retryLater()
    }
  }

  private receive(data: string) {
    this.heardAt = Date.now()
    this.watch(this.pingEvery + pingGrace)
    let frame: Frame
    try {
      frame = JSON.parse(data)
    } catch {
      return
    }
    if (typeof frame.id === 'number') {
      const asked = this.waiting.get(frame.id)
      this.waiting.delete(frame.id)
      if (frame.t === 'err') asked?.reject(new CommandError(frame.code, frame))
      else asked?.resolve(frame as Answer)
      return
    }
    switch (frame.t) {
      case 'ping':
        this.ws?.send(JSON.stringify({ t: 'pong', pos: this.o.positions() }))
        return
      case 'auth.soon':
        this.renew().catch(() => {}) // if it fails the server closes with 4403, and that is handled there
        return
      case 'drain':
        return // the close that follows is an ordinary reconnect
      default:
        this.o.onPush(frame as Push)
    }
  }

  private ended(code: number) {
    this.drop()
    if ((code === unauthenticated || code === expired) && !this.retried) {
      this.retried = true
      this.fresh = true
      this.connect()
    } else if (code >= 4400 && code < 4500) {
      this.become({ is: 'ended', code })
    } else {
      this.retryLater()
    }
  }

  private retryLater() {
    const cap = Math.min(longestDelay, firstDelay * 2 ** this.tries++)
    // Jitter over the upper half: a server that restarts is not met by everyone at once.
    const delay = cap / 2 + (this.o.random ?? Math.random)() * (cap / 2)
    this.become({ is: 'waiting', tries: this.tries })
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.connect()
    }, delay)
  }

  /** The network or the person came back: don't wait out the delay. */
  private hurry = () => {
    if (!this.timer || globalThis.document?.hidden) return
    clearTimeout(this.timer)
    this.timer = undefined
    this.tries = 0
    this.connect()
  }

  /** Arms the watchdog: a connection that is silent for so long is replaced. Half-open connections report nothing. */
  private watch(ms: number) {
    clearTimeout(this.watchdog)
    this.watchdog = setTimeout(() => {
      this.drop()
      this.retryLater()
    }, ms)
  }

  /** Lets go of the current connection, whatever its state, and of everything that waits for its answers. */
  private drop() {
    clearTimeout(this.timer)
    clearTimeout(this.watchdog)
    this.timer = undefined
    const ws = this.ws
    this.ws = undefined
    if (ws && ws.readyState <= 1) ws.close(1000)
    const waiting = [...this.waiting.values()]
    this.waiting.clear()
    for (const w of waiting) w.reject(new CommandError('lost'))
  }

  private become(link: Link) {
    this.link = link
    this.o.onLink(link)
  }
}

/** Whether an error of the token source says that the person must sign in again. */
function isSignedOut(e: unknown): boolean {
  return typeof e === 'object' && e !== null && 'status' in e && (e.status === 401 || e.status === 403)
}
