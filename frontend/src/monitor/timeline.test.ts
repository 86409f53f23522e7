import { describe, expect, it } from 'vitest'
import { newChat, reduce } from '../chat/chat'
import type { Ev, StaffEntry } from '../net/frames'
import { timeline, withEntry } from './timeline'

const at = (s: number) => `2026-11-24T18:00:${String(s).padStart(2, '0')}.000Z`
const head = (seq: number) => ({ t: 'ev' as const, conv: 'c', ep: 'e', seq })
const log: Ev[] = [
  { ...head(1), k: 'msg', msg: 'm1', role: 'user', text: 'Olá', at: at(1) },
  { ...head(2), k: 'run.start', run: 'r1', msg: 'm2', parent: 'm1', at: at(2) },
  { ...head(3), k: 'delta', run: 'r1', off: 0, text: 'Bom ' },
  { ...head(4), k: 'run.end', run: 'r1', msg: 'm2', state: 'taken_over', len: 4 },
  { ...head(5), k: 'owner', owner: { kind: 'human', id: 'u', name: 'Paula', epoch: 2 }, at: at(5) },
  {
    ...head(6),
    k: 'msg',
    msg: 'm3',
    parent: 'm2',
    role: 'agent',
    by: { kind: 'agent', name: 'Paula' },
    text: 'Oi',
    at: at(8),
  },
]
const entry = (id: string, s: number): StaffEntry => ({ id, k: 'note', by: { kind: 'agent' }, text: id, at: at(s) })

describe('the timeline', () => {
  const chat = log.reduce(reduce, newChat('c'))

  it('puts what the staff wrote where it was written', () => {
    const staff = [entry('s0', 0), entry('s3', 3), entry('s6', 6), entry('s9', 9)]
    expect(timeline(chat, staff).map((i) => (i.is === 'owner' ? i.owner.kind : i.id))).toEqual([
      's0',
      'm1',
      'm2',
      's3',
      'human',
      's6',
      'm3',
      's9',
    ])
  })

  it('shows an answer that is being written as growing', () => {
    const open = log.slice(0, 3).reduce(reduce, newChat('c'))
    expect(timeline(open, []).at(-1)).toMatchObject({ is: 'message', id: 'm2', growing: true })
    expect(timeline(chat, []).some((i) => i.is === 'message' && i.growing)).toBe(false)
  })

  it('keeps an answer without a time in its place', () => {
    const undated = log
      .map((e) => (e.k === 'run.start' ? { ...e, at: undefined } : e) as Ev)
      .reduce(reduce, newChat('c'))
    expect(timeline(undated, [entry('s3', 3)]).map((i) => i.id)).toEqual(['m1', 'm2', 's3', 'e-5', 'm3'])
  })
})

describe('the entries of the staff', () => {
  it('stay in order of time, whatever the order of their coming, and once each', () => {
    const entries = [entry('b', 2), entry('a', 1), entry('c', 3), entry('b', 2)].reduce(
      withEntry,
      [] as readonly StaffEntry[],
    )
    expect(entries.map((e) => e.id)).toEqual(['a', 'b', 'c'])
  })
  it('take in what becomes of a whisper', () => {
    const [e] = withEntry([entry('a', 1)], { ...entry('a', 1), applied: true })
    expect(e?.applied).toBe(true)
  })
})
