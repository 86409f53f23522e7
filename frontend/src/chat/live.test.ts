import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Ev, MessageView } from '../net/frames'
import { byteLength, sha256 } from '../shared/bytes'
import { Live, type LiveState, type Pending } from './live'

/** A server with one log per conversation, and a network that the test can break; it speaks docs/protocol.md. */
class World {
  logs = new Map<string, { ep: string; log: Ev[] }>()
  sockets = new Set<FakeWebSocket>()
  sent = new Map<string, { conv: string; msg: string; run: string; seq: number }>()
  calls = 0
  /** Loses this many of the next frames to clients. */
  lose = 0
  silent = false

  append(conv: string, e: Omit<Ev, 't' | 'conv' | 'ep' | 'seq'> & { k: Ev['k'] }): Ev {
    const { ep, log } = this.log(conv)
    const ev = { t: 'ev', conv, ep, seq: log.length + 1, ...e } as Ev
    log.push(ev)
    for (const s of this.sockets) if (s.follows.has(conv)) s.push(ev)
    return ev
  }

  log(conv: string) {
    const known = this.logs.get(conv) ?? { ep: `e-${conv}`, log: [] }
    this.logs.set(conv, known)
    return known
  }

  /** The store's view of a conversation. */
  messages(conv: string): MessageView[] {
    const out = new Map<string, MessageView>()
    const by = { kind: 'user' as const }
    for (const e of this.log(conv).log) {
      if (e.k === 'msg') out.set(e.msg, { id: e.msg, role: e.role, text: e.text ?? '', by, at: '', cid: e.cid ?? '' })
      if (e.k === 'run.start')
        out.set(e.msg, { id: e.msg, role: 'assistant', text: '', parent: e.parent ?? '', by, at: '' })
      const last = [...out.values()].at(-1)
      if (e.k === 'delta' && last) last.text += e.text
      if (e.k === 'run.end' && last) last.run = { id: e.run, state: e.state, len: e.len ?? 0, sha: e.sha ?? '' }
    }
    return [...out.values()]
  }

  answer(s: FakeWebSocket, c: Record<string, unknown>) {
    const id = c.id
    switch (c.t) {
      case 'auth':
        return s.push({ t: 'hello', id, ping_ms: 25_000, feat: ['branch', 'regen', 'queue'], max_bytes: 16384 })
      case 'sub': {
        const conv = String(c.conv)
        const { ep, log } = this.log(conv)
        const since = c.since as { ep: string; seq: number } | undefined
        s.follows.add(conv)
        if (since && since.ep === ep && since.seq <= log.length) {
          s.push({ t: 'resumed', id, conv, ep, from: since.seq + 1, to: log.length, recovered: true })
          for (const e of log.slice(since.seq)) s.push(e)
          return
        }
        const messages = this.messages(conv)
        const last = messages.at(-1)
        const open =
          last?.role === 'assistant' && !last.run
            ? { run: 'r', msg: last.id, text: last.text, off: byteLength(last.text) }
            : null
        s.push({
          t: 'snap',
          id,
          conv,
          ep: log.length ? ep : '',
          seq: log.length,
          title: 'T',
          messages,
          open,
          owner: { kind: 'ai', epoch: 1 },
          state: 'open',
          more: false,
        })
        return
      }
      case 'send': {
        const cid = String(c.cid)
        const before = this.sent.get(cid)
        if (before) return s.push({ t: 'ok', id, ...before, dup: true })
        this.calls++
        const conv = String(c.conv ?? `c_${cid}`)
        const msg = `m_${this.calls}`
        const seq = this.log(conv).log.length + 1
        const done = { conv, msg, run: 'r', seq }
        this.sent.set(cid, done)
        s.push({ t: 'ok', id, ...done, dup: false })
        s.follows.add(conv)
        this.append(conv, { k: 'msg', msg, cid, role: 'user', text: String(c.text) } as never)
      }
    }
  }

  cut(code = 1006) {
    for (const s of [...this.sockets]) s.end(code)
  }
}

let world: World

class FakeWebSocket {
  readyState = 0
  follows = new Set<string>()
  onopen?: () => void
  onmessage?: (e: { data: string }) => void
  onclose?: (e: { code: number }) => void
  constructor() {
    setTimeout(() => {
      if (this.readyState !== 0) return
      if (world.silent) return this.end(1006)
      this.readyState = 1
      world.sockets.add(this)
      this.onopen?.()
    }, 1)
  }
  send(data: string) {
    setTimeout(() => this.readyState === 1 && world.answer(this, JSON.parse(data)), 1)
  }
  push(frame: object) {
    if (world.lose > 0) {
      world.lose--
      return
    }
    const data = JSON.stringify(frame)
    setTimeout(() => this.readyState === 1 && this.onmessage?.({ data }), 1)
  }
  close() {
    this.readyState = 3
    world.sockets.delete(this)
  }
  end(code: number) {
    this.close()
    this.onclose?.({ code })
  }
}

let state: LiveState
let kept: readonly Pending[]
let conversations: string[]

function client(load: Pending[] = []): Live {
  const live = new Live({
    url: 'ws://hub.test/ws',
    token: async () => 'token',
    onChange: (s) => {
      state = s
    },
    onConversation: (_, conv) => conversations.push(conv),
    onActivity: () => {},
    keep: { load: () => load, save: (p) => (kept = p) },
    schedule: (run) => setTimeout(run, 2),
    WebSocket: FakeWebSocket as unknown as typeof WebSocket,
    random: () => 0,
  })
  live.open()
  return live
}

const settle = () => vi.advanceTimersByTimeAsync(1000)
const texts = (conv: string) => state.chats[conv]?.messages.map((m) => m.text)

beforeEach(() => {
  vi.useFakeTimers()
  world = new World()
  kept = []
  conversations = []
})
afterEach(() => vi.useRealTimers())

/** Writes an answer in pieces, as a run does. */
async function write(conv: string, pieces: string[], between: (i: number) => unknown = () => {}) {
  const msg = `a_${world.log(conv).log.length}`
  world.append(conv, { k: 'run.start', run: 'r', msg, parent: 'm_1' } as never)
  let text = ''
  for (const [i, piece] of pieces.entries()) {
    world.append(conv, { k: 'delta', run: 'r', off: byteLength(text), text: piece } as never)
    text += piece
    await between(i)
  }
  const sha = await sha256(text)
  world.append(conv, { k: 'run.end', run: 'r', msg, state: 'complete', len: byteLength(text), sha } as never)
}

describe('the live connection', () => {
  it('makes a conversation with the first message and shows its answer', async () => {
    const live = client()
    await settle()
    live.send({ conv: undefined, text: 'Olá' })
    expect(state.pending).toHaveLength(1)
    await settle()
    const conv = conversations[0]!
    await write(conv, ['Bom ', 'dia'])
    await settle()
    expect(state.pending).toEqual([])
    expect(kept).toEqual([])
    expect(texts(conv)).toEqual(['Olá', 'Bom dia'])
    expect(state.ended).toMatchObject({ conv, msg: state.chats[conv]?.messages.at(-1)?.id })
    live.close()
  })

  it('sends what was written without a connection once, however often it is cut', async () => {
    world.silent = true
    const live = client()
    live.send({ conv: undefined, text: 'Olá' })
    await settle()
    expect(state.pending).toMatchObject([{ state: 'waiting' }])
    world.silent = false
    world.lose = 2 // the answer to auth arrives, that to send does not
    await settle()
    for (let i = 0; i < 3; i++) {
      world.cut()
      await vi.advanceTimersByTimeAsync(20_000)
    }
    expect(world.calls).toBe(1)
    expect(state.pending).toEqual([])
    expect(texts(conversations[0]!)).toEqual(['Olá'])
    live.close()
  })

  it('sends again after a reload what was not confirmed', async () => {
    const live = client([{ cid: 'x', conv: undefined, text: 'Antes', at: 0, state: 'sending' }])
    await settle()
    expect(world.calls).toBe(1)
    expect(state.pending).toEqual([])
    live.close()
  })

  it('has every answer exactly, whatever the network does', async () => {
    vi.useRealTimers()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 20 }),
        fc.array(fc.constantFrom('cut', 'lose', 'wait', 'drain', 'new log', 'nothing'), {
          minLength: 20,
          maxLength: 20,
        }),
        async (pieces, troubles) => {
          vi.useFakeTimers()
          world = new World()
          conversations = []
          const live = client()
          await settle()
          live.send({ conv: undefined, text: 'Q' })
          await settle()
          const conv = conversations[0]!
          await write(conv, pieces, async (i) => {
            switch (troubles[i]) {
              case 'cut':
                return world.cut()
              case 'drain':
                return world.cut(4001)
              case 'lose':
                world.lose = 1
                return
              case 'new log':
                world.log(conv).ep += "'"
                for (const e of world.log(conv).log) e.ep = world.log(conv).ep
                return
              case 'wait':
                await vi.advanceTimersByTimeAsync(400)
            }
          })
          world.lose = 0
          // A lost last frame shows with the next event, or with the ping that carries positions.
          world.append(conv, { k: 'conv', title: 'Fim' } as never)
          await vi.advanceTimersByTimeAsync(60_000)
          expect(texts(conv)).toEqual(['Q', pieces.join('')])
          expect(state.chats[conv]).toMatchObject({ need: 'nothing', title: expect.any(String) })
          live.close()
          vi.useRealTimers()
        },
      ),
      { numRuns: 60 },
    )
  })

  it('fetches an answer again whose digest differs', async () => {
    const live = client()
    await settle()
    live.send({ conv: undefined, text: 'Q' })
    await settle()
    const conv = conversations[0]!
    world.append(conv, { k: 'run.start', run: 'r', msg: 'a', parent: 'm_1' } as never)
    world.append(conv, { k: 'delta', run: 'r', off: 0, text: 'cert0' } as never)
    // What reached the client is not what the store has.
    for (const e of world.log(conv).log) if (e.k === 'delta') world.log(conv).log[e.seq - 1] = { ...e, text: 'certo' }
    world.append(conv, {
      k: 'run.end',
      run: 'r',
      msg: 'a',
      state: 'complete',
      len: 5,
      sha: await sha256('certo'),
    } as never)
    // The digest is computed outside of the faked time.
    await vi.waitFor(() => expect(texts(conv)).toEqual(['Q', 'certo']))
    live.close()
  })

  it('tells a refusal to the message it refuses, and sends it again on request', async () => {
    const live = client()
    await settle()
    const answer = world.answer.bind(world)
    world.answer = (s, c) =>
      c.t === 'send' ? s.push({ t: 'err', id: c.id, code: 'llm_config', message: '', retry: false }) : answer(s, c)
    live.send({ conv: undefined, text: 'Q' })
    await settle()
    expect(state.pending).toMatchObject([{ state: 'failed', failure: { code: 'llm_config' } }])
    world.answer = answer
    live.retry(state.pending[0]!.cid)
    await settle()
    expect(state.pending).toEqual([])
    live.close()
  })

  it('says which conversations do not exist', async () => {
    const live = client()
    await settle()
    const answer = world.answer.bind(world)
    world.answer = (s, c) =>
      c.t === 'sub' ? s.push({ t: 'err', id: c.id, code: 'not_found', message: '', retry: false }) : answer(s, c)
    live.follow('c_x')
    await settle()
    expect(state.missing).toEqual({ c_x: true })
    live.close()
  })
})
