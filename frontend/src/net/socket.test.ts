import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommandError, type Link, Socket } from './socket'

/** The browser's side of a connection, driven by the test. */
class FakeWebSocket {
  static all: FakeWebSocket[] = []
  readyState = 0
  sent: Record<string, unknown>[] = []
  onopen?: () => void
  onmessage?: (e: { data: string }) => void
  onclose?: (e: { code: number }) => void
  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeWebSocket.all.push(this)
  }
  send(data: string) {
    this.sent.push(JSON.parse(data))
  }
  close() {
    this.readyState = 3
  }
  async accept() {
    this.readyState = 1
    this.onopen?.()
    await vi.advanceTimersByTimeAsync(0)
  }
  async say(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) })
    await vi.advanceTimersByTimeAsync(0)
  }
  async hello() {
    await this.accept()
    await this.say({ t: 'hello', id: this.sent.at(-1)?.id, ping_ms: 25_000, feat: [] })
  }
  end(code: number) {
    this.readyState = 3
    this.onclose?.({ code })
  }
}

let links: Link['is'][]
let token: ReturnType<typeof vi.fn<(fresh: boolean) => Promise<string>>>
let hellos: number
let socket: Socket
const last = () => FakeWebSocket.all.at(-1)!

beforeEach(() => {
  vi.useFakeTimers()
  FakeWebSocket.all = []
  links = []
  hellos = 0
  token = vi.fn(async (fresh: boolean) => (fresh ? 'new' : 'old'))
  socket = new Socket({
    url: 'ws://hub.test/ws',
    token,
    onHello: () => hellos++,
    onPush: () => {},
    onLink: (l) => links.push(l.is),
    positions: () => ({ c_1: 7 }),
    WebSocket: FakeWebSocket as unknown as typeof WebSocket,
    random: () => 1,
  })
  socket.open()
})
afterEach(() => {
  socket.close()
  vi.useRealTimers()
})

describe('the socket', () => {
  it('authenticates with the first frame and never in the address', async () => {
    await last().hello()
    expect(last().sent[0]).toMatchObject({ t: 'auth', token: 'old' })
    expect(last().url).toBe('ws://hub.test/ws')
    expect(last().protocol).toBe('aihub.v1')
    expect(links.at(-1)).toBe('open')
    expect(hellos).toBe(1)
  })

  it('gives each command its own answer', async () => {
    await last().hello()
    const stop = socket.request({ t: 'stop', run: 'r_1' })
    const typing = socket.request({ t: 'typing', conv: 'c_1' })
    const [a, b] = last().sent.slice(-2)
    await last().say({ t: 'ok', id: b?.id, conv: 'c_1' })
    await last().say({ t: 'ok', id: a?.id, run: 'r_1' })
    await expect(stop).resolves.toMatchObject({ run: 'r_1' })
    await expect(typing).resolves.toMatchObject({ conv: 'c_1' })
  })

  it('rejects with the code of a refusal, and as lost when the connection ends', async () => {
    await last().hello()
    const refused = socket.request({ t: 'stop', run: 'r_1' }).catch((e) => e)
    await last().say({ t: 'err', id: last().sent.at(-1)?.id, code: 'not_found', message: '', retry: false })
    expect(await refused).toMatchObject({ code: 'not_found' })
    const lost = socket.request({ t: 'stop', run: 'r_1' }).catch((e) => e)
    last().end(1006)
    expect(await lost).toBeInstanceOf(CommandError)
    expect(await lost).toMatchObject({ code: 'lost' })
  })

  it('answers a ping with its positions', async () => {
    await last().hello()
    await last().say({ t: 'ping' })
    expect(last().sent.at(-1)).toEqual({ t: 'pong', pos: { c_1: 7 } })
  })

  it('comes back later and later, and at once when the network returns', async () => {
    await last().hello()
    for (const delay of [300, 600, 1200]) {
      const n = FakeWebSocket.all.length
      last().end(1006)
      await vi.advanceTimersByTimeAsync(delay - 1)
      expect(FakeWebSocket.all).toHaveLength(n)
      await vi.advanceTimersByTimeAsync(1)
      expect(FakeWebSocket.all).toHaveLength(n + 1)
    }
    const n = FakeWebSocket.all.length
    last().end(1006)
    window.dispatchEvent(new Event('online'))
    expect(FakeWebSocket.all).toHaveLength(n + 1)
  })

  it.each([4001, 4008, 4010, 4012, 4029, 1006, 1011])('comes back after %i', async (code) => {
    await last().hello()
    last().end(code)
    expect(links.at(-1)).toBe('waiting')
    await vi.advanceTimersByTimeAsync(300)
    expect(FakeWebSocket.all).toHaveLength(2)
  })

  it.each([4400, 4404, 4409, 4423, 4426])('stays away after %i', async (code) => {
    await last().hello()
    last().end(code)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(FakeWebSocket.all).toHaveLength(1)
    expect(links.at(-1)).toBe('ended')
  })

  it.each([4401, 4403])('tries once with a fresh token after %i, then ends', async (code) => {
    await last().hello()
    last().end(code)
    await last().accept()
    expect(last().sent[0]).toMatchObject({ t: 'auth', token: 'new' })
    last().end(code)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(FakeWebSocket.all).toHaveLength(2)
    expect(links.at(-1)).toBe('ended')
    socket.open()
    expect(FakeWebSocket.all).toHaveLength(3)
  })

  it('ends when the person must sign in again', async () => {
    token.mockRejectedValueOnce(Object.assign(new Error(), { status: 401 }))
    await last().accept()
    expect(links.at(-1)).toBe('ended')
  })

  it('renews its token before it ends, without a new connection', async () => {
    await last().hello()
    await last().say({ t: 'auth.soon', in_ms: 60_000 })
    expect(last().sent.at(-1)).toMatchObject({ t: 'auth', token: 'new' })
    expect(FakeWebSocket.all).toHaveLength(1)
  })

  it('replaces a connection that has gone silent', async () => {
    await last().hello()
    await vi.advanceTimersByTimeAsync(37_000)
    expect(links.at(-1)).toBe('waiting')
    await vi.advanceTimersByTimeAsync(300)
    expect(FakeWebSocket.all).toHaveLength(2)
  })
})
