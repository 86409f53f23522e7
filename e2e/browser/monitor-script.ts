import type { Page, WebSocketRoute } from '@playwright/test'

type Fields = Record<string, unknown>
type Command = Fields & { t: string; id: number; conv: string }

export const me = { kind: 'human', id: '', name: 'Paula Ramos' }
export const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1000).toISOString()

/** A live session as the server lists it. */
export function session(conv: string, name: string, text: string, change: Fields = {}): Fields & { conv: string } {
  return {
    conv,
    channel: 'portal',
    participant: { kind: 'user', id: `u_${conv}`, name },
    owner: { kind: 'ai', epoch: 1 },
    state: 'idle',
    since: at(240),
    last_at: at(5),
    last_text: text,
    tokens: 1842,
    cost: 13_700, // millionths
    first_token_ms: 412,
    page: 'https://alfa.example/planos',
    risk: [],
    tags: [],
    watchers: [],
    ...change,
  }
}

/**
 * The server's side of the live connection, played by the test: what the screen does with a thousand sessions, a lost
 * connection or a race can be shown without waiting for one. Everything else of the page comes from the program.
 */
export class Script {
  readonly sent: Command[] = []
  readonly sessions = new Map<string, Fields & { conv: string }>()
  readonly snaps = new Map<string, Fields>()
  /** What a command is refused with, by its kind. */
  readonly refusals = new Map<string, Fields>()
  private ws: WebSocketRoute | undefined
  private seq = 10
  private staffSeq = 0
  private down = false

  static async on(page: Page): Promise<Script> {
    const script = new Script()
    await page.routeWebSocket(/\/ws$/, (ws) => script.accept(ws))
    return script
  }

  push(frame: Fields) {
    this.ws?.send(JSON.stringify(frame))
  }
  put(s: Fields & { conv: string }) {
    this.sessions.set(s.conv, s)
    this.push({ t: 'live', k: 'put', session: s })
  }
  del(conv: string) {
    this.sessions.delete(conv)
    this.push({ t: 'live', k: 'del', conv })
  }
  /** The next event of a conversation. */
  ev(conv: string, k: string, fields: Fields) {
    this.push({ t: 'ev', conv, ep: 'e', seq: ++this.seq, k, at: at(0), ...fields })
  }
  staff(conv: string, k: string, fields: Fields) {
    const seq = ++this.staffSeq
    this.push({ t: 'staff', conv, ep: 's', id: `w_${seq}`, seq, k, at: at(0), ...fields })
  }
  /** What a conversation holds when somebody begins to follow it. */
  conversation(conv: string, messages: Fields[], change: Fields = {}) {
    const owner = this.sessions.get(conv)?.owner
    this.snaps.set(conv, {
      ep: 'e',
      seq: this.seq,
      title: '',
      messages,
      open: null,
      owner,
      state: 'open',
      more: false,
      ...change,
    })
  }
  cut() {
    this.down = true
    void this.ws?.close({ code: 1001 })
  }
  up() {
    this.down = false
  }
  last(t: string): Command | undefined {
    return this.sent.findLast((c) => c.t === t)
  }

  private accept(ws: WebSocketRoute) {
    if (this.down) {
      void ws.close({ code: 1001 })
      return
    }
    this.ws = ws
    ws.onMessage((data) => this.answer(JSON.parse(String(data)) as Command))
  }

  private answer(c: Command) {
    this.sent.push(c)
    const refusal = this.refusals.get(c.t)
    if (refusal) {
      this.push({ t: 'err', id: c.id, message: '', retry: false, ...refusal })
      return
    }
    switch (c.t) {
      case 'auth':
        this.push({
          t: 'hello',
          id: c.id,
          v: 1,
          session: 's',
          ping_ms: 25_000,
          max_bytes: 16_384,
          now: at(0),
          feat: ['typing'],
        })
        return
      case 'pong':
        return
      case 'watch':
        this.push({ t: 'live', id: c.id, k: 'snap', sessions: [...this.sessions.values()] })
        return
      case 'sub': {
        const snap = this.snaps.get(c.conv)
        if (snap) this.push({ t: 'snap', id: c.id, conv: c.conv, ...snap })
        else this.push({ t: 'err', id: c.id, code: 'not_found', message: '', retry: false })
        return
      }
      default:
        this.push({ t: 'ok', id: c.id, conv: c.conv })
    }
  }
}
