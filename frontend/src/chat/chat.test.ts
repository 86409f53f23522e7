import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DeltaEvent, Ev, Snap } from '../net/frames'
import { byteLength } from '../shared/bytes'
import { type Chat, newChat, reduce } from './chat'
import { path } from './tree'

const conv = 'c_1'
const ep = 'e1'

/** A conversation's log as a server would write it: question, answer in pieces, end; times `turns`. */
function logOf(pieces: string[][]): { log: Ev[]; texts: string[] } {
  const log: Ev[] = []
  let seq = 0
  const at = '2026-11-24T12:00:00.000Z'
  pieces.forEach((answer, i) => {
    const run = `r_${i}`
    const msg = `m_a${i}`
    const after = i > 0 ? { parent: `m_a${i - 1}` } : {}
    const question = { msg: `m_q${i}`, cid: `cid${i}`, role: 'user' as const, text: `Q${i}`, at, ...after }
    log.push({ t: 'ev', conv, ep, seq: ++seq, k: 'msg', ...question })
    log.push({ t: 'ev', conv, ep, seq: ++seq, k: 'run.start', run, msg, parent: `m_q${i}`, at })
    let off = 0
    for (const text of answer) {
      log.push({ t: 'ev', conv, ep, seq: ++seq, k: 'delta', run, off, text })
      off += byteLength(text)
    }
    log.push({ t: 'ev', conv, ep, seq: ++seq, k: 'run.end', run, msg, state: 'complete', len: off })
  })
  return { log, texts: pieces.map((p) => p.join('')) }
}

/** Merges adjacent deltas of log[from..to], as a server does for a slow reader or a replay. */
function merge(log: Ev[], from: number, to: number): DeltaEvent | undefined {
  const part = log.slice(from, to + 1)
  const first = part[0]
  const last = part.at(-1)
  if (first?.k !== 'delta' || !last || !part.every((e) => e.k === 'delta' && e.run === first.run)) return undefined
  return { ...first, from: first.seq, seq: last.seq, text: part.map((e) => (e.k === 'delta' ? e.text : '')).join('') }
}

const fold = (chat: Chat, events: Ev[]) => events.reduce<Chat>(reduce, chat)
const answers = (chat: Chat) => chat.messages.filter((m) => m.role === 'assistant').map((m) => m.text)

const piece = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
const turns = fc.array(fc.array(piece, { maxLength: 12 }), { minLength: 1, maxLength: 3 })

describe('the log folded into a chat', () => {
  it('gives the exact texts', () => {
    const { log, texts } = logOf([['Bom ', 'dia, ', '😀!'], ['até']])
    const chat = fold(newChat(conv), log)
    expect(answers(chat)).toEqual(texts)
    expect(chat.open).toBeUndefined()
    expect(chat.need).toBe('nothing')
    expect(chat.messages.map((m) => m.run?.state)).toEqual([undefined, 'complete', undefined, 'complete'])
  })

  it('gives the exact texts whatever is repeated, merged, lost and resumed', () => {
    fc.assert(
      fc.property(turns, fc.infiniteStream(fc.nat()), (pieces, random) => {
        const { log, texts } = logOf(pieces)
        const draw = (n: number) => (random.next().value as number) % n
        let chat = newChat(conv)
        for (let guard = 0; chat.seq < log.length; guard++) {
          expect(guard).toBeLessThan(10_000)
          // After the start the server sends from where the client stands; before, it may send anything it has sent.
          const next = chat.seq
          const from = Math.max(0, next - draw(4))
          const roll = draw(4)
          if (roll === 0 && next + 2 < log.length && chat.ep) {
            chat = reduce(chat, log[next + 1 + draw(log.length - next - 1)]!) // one was lost
            if (chat.need === 'resume') {
              const to = log.length
              chat = reduce(chat, { t: 'resumed', conv, ep, from: chat.seq + 1, to, recovered: true })
            }
            expect(chat.need).toBe('nothing')
          } else if (roll === 1) {
            const merged = merge(log, from, Math.min(log.length - 1, from + 1 + draw(6)))
            if (merged && chat.ep) chat = reduce(chat, merged)
          } else {
            chat = reduce(chat, log[chat.ep ? from + draw(next - from + 1) : 0]!)
          }
        }
        expect(answers(chat)).toEqual(texts)
        expect(chat.open).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it('continues a snapshot at any place to the exact texts', () => {
    fc.assert(
      fc.property(turns, fc.nat(), (pieces, n) => {
        const { log, texts } = logOf(pieces)
        const cut = n % (log.length + 1)
        const before = fold(newChat(conv), log.slice(0, cut))
        const openMsg = before.messages.find((m) => m.id === before.open?.msg)
        const snap: Snap = {
          t: 'snap',
          conv,
          ep: cut === 0 ? '' : ep,
          seq: cut,
          title: 'T',
          // The stored text of an open answer lags behind; what was streamed is in `open`.
          messages: before.messages.map((m) => (m.id === openMsg?.id ? { ...m, text: '' } : m)),
          open: openMsg ? { run: before.open!.run, msg: openMsg.id, text: openMsg.text, off: openMsg.bytes } : null,
          owner: { kind: 'ai', epoch: 1 },
          state: 'open',
          more: false,
        }
        const chat = fold(reduce(newChat(conv), snap), log.slice(Math.max(0, cut - 2)))
        expect(answers(chat)).toEqual(texts)
      }),
    )
  })

  it('asks to resume after a gap and for a snapshot when the log is another one', () => {
    const { log } = logOf([['a', 'b', 'c']])
    const chat = fold(newChat(conv), log.slice(0, 3))
    expect(reduce(chat, log[4]!).need).toBe('resume')
    expect(reduce(chat, { ...log[3]!, ep: 'e2' }).need).toBe('snapshot')
    expect(reduce(newChat(conv), log[3]!).need).toBe('snapshot')
  })

  it('keeps reasoning apart from the text, through repeats, merges, a reload and a later snapshot', () => {
    const head = { t: 'ev' as const, conv, ep, run: 'r_0' }
    const log: Ev[] = [
      { ...head, seq: 1, k: 'msg', msg: 'm_q', role: 'user', text: 'Q' },
      { ...head, seq: 2, k: 'run.start', msg: 'm_a', parent: 'm_q' },
      { ...head, seq: 3, k: 'reasoning', off: 0, text: 'Ação' },
      { ...head, seq: 4, k: 'delta', off: 0, text: 'Sim' },
      { ...head, seq: 5, k: 'reasoning', off: 6, text: ', então 😀' },
      { ...head, seq: 6, k: 'run.end', msg: 'm_a', state: 'complete', len: 3 },
    ]
    const chat = fold(newChat(conv), log)
    expect(chat.messages[1]).toMatchObject({ text: 'Sim', reasoning: 'Ação, então 😀', bytes: 3 })
    expect(chat.need).toBe('nothing')
    const mid = fold(newChat(conv), log.slice(0, 4))
    const by = { kind: 'ai' as const }
    const stored = { id: 'm_a', role: 'assistant' as const, text: '', by, at: '' }
    const open = { run: 'r_0', msg: 'm_a', text: 'Sim', off: 3, reasoning: 'Ação' }
    const rest = { title: '', owner: { kind: 'ai' as const, epoch: 1 }, state: 'open', more: false }
    const snap: Snap = { t: 'snap', conv, ep, seq: 4, messages: [stored], open, ...rest }
    const reloaded = fold(reduce(newChat(conv), snap), log.slice(2))
    expect(reloaded.messages[0]).toMatchObject({ text: 'Sim', reasoning: 'Ação, então 😀' })
    expect(reduce(mid, { ...log[4]!, seq: 5, off: 7 } as Ev).need).toBe('snapshot')
    const later: Snap = { t: 'snap', conv, ep, seq: 6, messages: [{ ...stored, text: 'Sim' }], open: null, ...rest }
    expect(reduce(chat, later).messages.at(-1)).toMatchObject({ text: 'Sim', reasoning: 'Ação, então 😀' })
  })

  it('does not believe an answer whose length differs', () => {
    const { log } = logOf([['abc']])
    const end = log.at(-1)!
    const chat = fold(newChat(conv), log.slice(0, -1))
    expect(reduce(chat, { ...end, len: 4 } as Ev).need).toBe('snapshot')
  })

  it('begins the text anew when a run starts again', () => {
    const { log } = logOf([['abc']])
    const chat = fold(newChat(conv), log.slice(0, 3))
    const again = reduce(chat, { ...log[1]!, seq: 4 } as Ev)
    expect(answers(again)).toEqual([''])
    const delta: Ev = { t: 'ev', conv, ep, seq: 5, k: 'delta', run: 'r_0', off: 0, text: 'xyz' }
    expect(answers(reduce(again, delta))).toEqual(['xyz'])
  })

  it('keeps earlier pages through a snapshot that continues them', () => {
    const { log } = logOf([['a'], ['b']])
    const chat = fold(newChat(conv), log)
    const snap: Snap = {
      t: 'snap',
      conv,
      ep,
      seq: chat.seq,
      title: '',
      messages: chat.messages.slice(2),
      open: null,
      owner: { kind: 'ai', epoch: 1 },
      state: 'open',
      more: true,
    }
    expect(reduce(chat, snap).messages).toHaveLength(4)
    expect(reduce(newChat(conv), snap).more).toBe(true)
  })

  it('holds a message in the queue until its run starts, ends or is withdrawn', () => {
    const { log } = logOf([['a']])
    const queued: Ev = {
      t: 'ev',
      conv,
      ep,
      seq: 4,
      k: 'msg',
      msg: 'm_q2',
      role: 'user',
      text: 'Q2',
      parent: 'm_a0',
      state: 'queued',
      run: 'r_2',
    }
    const chat = fold(newChat(conv), [...log.slice(0, 3), queued])
    expect(chat.waiting).toEqual({ run: 'r_2', msg: 'm_q2' })
    const at = { t: 'ev' as const, conv, ep, seq: 5, run: 'r_2' }
    expect(reduce(chat, { ...at, k: 'run.start', msg: 'm_a2', parent: 'm_q2' }).waiting).toBeUndefined()
    const withdrawn = reduce(chat, { ...at, k: 'run.end', state: 'stopped' })
    expect(withdrawn).toMatchObject({ waiting: undefined, need: 'nothing', open: { run: 'r_0' } })
    const refused = reduce(chat, {
      ...at,
      k: 'run.end',
      msg: 'm_a2',
      parent: 'm_q2',
      state: 'failed',
      code: 'quota_exceeded',
      len: 0,
    })
    expect(refused).toMatchObject({ waiting: undefined, need: 'nothing' })
    expect(refused.messages.at(-1)).toMatchObject({ id: 'm_a2', parent: 'm_q2', run: { code: 'quota_exceeded' } })
  })

  it('puts the whole text in the place of a beginning', () => {
    const by = { kind: 'ai' as const }
    const messages = [{ id: 'm_1', role: 'assistant' as const, text: 'Come', by, at: '', cut: true }]
    const snap: Snap = {
      t: 'snap',
      conv,
      ep,
      seq: 9,
      title: '',
      messages,
      open: null,
      owner: { kind: 'ai', epoch: 1 },
      state: 'open',
      more: false,
    }
    const chat = reduce(reduce(newChat(conv), snap), {
      t: 'full',
      messages: [{ ...messages[0]!, text: 'Começo e fim', cut: false }],
    })
    expect(chat.messages).toMatchObject([{ text: 'Começo e fim', bytes: 13 }])
  })

  it('ignores kinds of a later version', () => {
    const chat = fold(newChat(conv), logOf([['a']]).log)
    const next = reduce(chat, { t: 'ev', conv, ep, seq: chat.seq + 1, k: 'news' } as unknown as Ev)
    expect(next.seq).toBe(chat.seq + 1)
    expect(next.messages).toBe(chat.messages)
  })
})

describe('the shown path', () => {
  const message = (id: string, role: 'user' | 'assistant', parent?: string) => ({
    id,
    role,
    text: id,
    bytes: 2,
    by: { kind: 'user' as const },
    at: '',
    ...(parent ? { parent } : {}),
  })
  it('is the messages in order when each goes on from the one before', () => {
    const messages = [message('q1', 'user'), message('a1', 'assistant', 'q1'), message('q2', 'user', 'a1')]
    expect(path({ messages, chosen: {} }).map((s) => s.message.id)).toEqual(['q1', 'a1', 'q2'])
  })
  it('shows the newest answer and lets another be chosen', () => {
    const messages = [message('q1', 'user'), message('a1', 'assistant', 'q1'), message('a2', 'assistant', 'q1')]
    expect(path({ messages, chosen: {} }).at(-1)).toMatchObject({ message: { id: 'a2' }, variants: ['a1', 'a2'] })
    expect(path({ messages, chosen: { q1: 'a1' } }).at(-1)?.message.id).toBe('a1')
  })
  it('shows an edited first question instead of the first one', () => {
    const messages = [message('q1', 'user'), message('a1', 'assistant', 'q1'), message('q2', 'user')]
    expect(path({ messages, chosen: {} })).toMatchObject([{ message: { id: 'q2' }, variants: ['q1', 'q2'] }])
    expect(path({ messages, chosen: { '': 'q1' } }).map((s) => s.message.id)).toEqual(['q1', 'a1'])
  })
  it('begins where the loaded pages begin', () => {
    const messages = [message('a1', 'assistant', 'q1'), message('q2', 'user', 'a1'), message('a2', 'assistant', 'q2')]
    expect(path({ messages, chosen: {} }).map((s) => s.message.id)).toEqual(['a1', 'q2', 'a2'])
  })
  it('follows an edited question with its own answers', () => {
    const messages = [
      message('q1', 'user'),
      message('a1', 'assistant', 'q1'),
      message('q2', 'user', 'a1'),
      message('a2', 'assistant', 'q2'),
      message('q3', 'user', 'a1'),
      message('a3', 'assistant', 'q3'),
    ]
    expect(path({ messages, chosen: {} }).map((s) => s.message.id)).toEqual(['q1', 'a1', 'q3', 'a3'])
    expect(path({ messages, chosen: { a1: 'q2' } }).map((s) => s.message.id)).toEqual(['q1', 'a1', 'q2', 'a2'])
  })
})
