import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LiveChange, Session } from '../net/frames'
import { applyChanges, arrange, counts, emptyBoard, fromSnapshot, hold, matches, needOf, noFilter, step } from './board'

const now = Date.parse('2026-11-24T18:00:00Z')
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString()
const session = (conv: string, change: Partial<Session> = {}): Session => ({
  conv,
  channel: 'portal',
  participant: { kind: 'user', name: `Pessoa ${conv}` },
  owner: { kind: 'ai', epoch: 1 },
  state: 'idle',
  since: ago(600),
  last_at: ago(10),
  last_text: 'Olá',
  tokens: 0,
  cost: 0,
  first_token_ms: 0,
  page: '',
  risk: [],
  tags: [],
  watchers: [],
  ...change,
})
const put = (s: Session): LiveChange => ({ t: 'live', k: 'put', session: s })
const del = (conv: string): LiveChange => ({ t: 'live', k: 'del', conv })
const queue = { kind: 'queue', epoch: 2 } as const
const human = { kind: 'human', id: 'u_1', name: 'Paula', epoch: 2 } as const

describe('the need of a session', () => {
  it.each([
    ['risk', { risk: ['no_answer'] }],
    ['waiting', { owner: queue, risk: ['asked_human'] }],
    ['idle', { state: 'away' }],
    ['waiting', { owner: queue }],
    ['risk', { owner: queue, risk: ['negative'] }],
    ['active', {}],
    ['active', { owner: human, risk: ['negative'] }],
    ['idle', { last_at: ago(301) }],
  ] as const)('is %s for %j', (need, change) => {
    expect(needOf(session('c', change as Partial<Session>), now)).toBe(need)
  })
})

describe('the board', () => {
  const all = [
    session('idle', { last_at: ago(900) }),
    session('new', { since: ago(10) }),
    session('old', { since: ago(900) }),
    session('queued', { owner: queue }),
    session('risky', { risk: ['negative'] }),
  ]

  it('sorts by need and then by age', () => {
    expect(fromSnapshot(emptyBoard, all, now).order).toEqual(['risky', 'queued', 'old', 'new', 'idle'])
  })

  it('does not move a session that only says something new', () => {
    const board = fromSnapshot(emptyBoard, all, now)
    const after = applyChanges(board, [put({ ...all[1]!, last_text: 'Mais', last_at: ago(0) })], now)
    expect(after.order).toEqual(board.order)
    expect(after.sessions.get('new')?.last_text).toBe('Mais')
  })

  it('keeps its order under the hand: new sessions gather, ended ones stay, changed ones change in place', () => {
    let board = hold(fromSnapshot(emptyBoard, all, now), true, now)
    const before = board.order
    board = applyChanges(
      board,
      [put(session('x')), del('queued'), put({ ...all[0]!, risk: ['negative'] }), put(session('y'))],
      now,
    )
    expect(board.order).toEqual(before)
    expect(board.fresh).toEqual(['x', 'y'])
    board = applyChanges(board, [del('x')], now)
    expect(board.fresh).toEqual(['y'])
    const shown = arrange(board, now)
    expect(shown.held).toBe(true)
    expect(shown.order).not.toContain('queued')
    expect(shown.order.slice(0, 2).toSorted()).toEqual(['idle', 'risky'])
    expect(hold(board, false, now).order).toEqual(shown.order)
  })

  it('holds through a snapshot of a new connection', () => {
    const board = hold(fromSnapshot(emptyBoard, all, now), true, now)
    const again = fromSnapshot(board, [session('z'), ...all.slice(1)], now)
    expect(again.order).toEqual(board.order)
    expect(again.fresh).toEqual(['z'])
  })

  it('has every live session once, in the order or among the fresh, whatever happens', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const action = fc.oneof(
      id.map((c) => ({ do: 'put' as const, c })),
      id.map((c) => ({ do: 'del' as const, c })),
      fc.constant({ do: 'hold' as const }),
      fc.constant({ do: 'free' as const }),
      fc.constant({ do: 'show' as const }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        let board = emptyBoard
        const live = new Set<string>()
        for (const a of actions) {
          if (a.do === 'put') live.add(a.c)
          if (a.do === 'del') live.delete(a.c)
          if (a.do === 'put') board = applyChanges(board, [put(session(a.c))], now)
          if (a.do === 'del') board = applyChanges(board, [del(a.c)], now)
          if (a.do === 'hold') board = hold(board, true, now)
          if (a.do === 'free') board = hold(board, false, now)
          if (a.do === 'show') board = arrange(board, now)
          const listed = [...board.order.filter((c) => board.sessions.has(c)), ...board.fresh]
          expect(listed.toSorted()).toEqual([...live].toSorted())
          if (!board.held) expect(board.order).toHaveLength(live.size)
        }
      }),
    )
  })
})

describe('filters', () => {
  const board = fromSnapshot(
    emptyBoard,
    [
      session('a', { risk: ['negative'], channel: 'widget' }),
      session('b', { owner: human }),
      session('c', { owner: { ...human, id: 'u_2' }, participant: { kind: 'user', name: 'João' } }),
      session('d', { owner: queue }),
    ],
    now,
  )
  const pass = (f: Partial<typeof noFilter>) =>
    board.order.filter((c) => matches(board.sessions.get(c)!, { ...noFilter, ...f }, 'u_1', now)).toSorted()

  it('narrow by need, owner, channel and text without accents', () => {
    expect(pass({})).toEqual(['a', 'b', 'c', 'd'])
    expect(pass({ view: 'risk' })).toEqual(['a'])
    expect(pass({ view: 'waiting' })).toEqual(['d'])
    expect(pass({ view: 'mine' })).toEqual(['b'])
    expect(pass({ channel: 'widget' })).toEqual(['a'])
    expect(pass({ text: 'joao' })).toEqual(['c'])
    expect(counts(board, 'u_1', now)).toEqual({ all: 4, risk: 1, waiting: 1, mine: 1 })
  })
})

describe('stepping through the list', () => {
  it('stays inside it', () => {
    const list = ['a', 'b', 'c']
    expect(step(list, undefined, 1)).toBe('a')
    expect(step(list, undefined, -1)).toBe('c')
    expect(step(list, 'a', 1)).toBe('b')
    expect(step(list, 'c', 1)).toBe('c')
    expect(step(list, 'a', -1)).toBe('a')
    expect(step(list, 'gone', 1)).toBe('a')
    expect(step([], 'a', 1)).toBeUndefined()
  })
})
