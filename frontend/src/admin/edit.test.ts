import { describe, expect, it } from 'vitest'
import { accepted, differing, dirty, opened, overtaken, swapped, typed } from './edit'

const start = opened({ title: 'Boleto', text: 'a' }, '"1"')

describe('a row under edit', () => {
  it('is dirty while it differs from what the server has', () => {
    const e = typed(start, { title: 'Boletos' })
    expect([dirty(start), dirty(e), dirty(typed(e, { title: 'Boleto' }))]).toEqual([false, true, false])
  })

  it('keeps what was typed while it was being saved', () => {
    const sent = typed(start, { title: 'Boletos' })
    const more = typed(sent, { text: 'ab' })
    expect(accepted(sent, sent.draft, sent.draft, '"2"')).toEqual(opened(sent.draft, '"2"'))
    const after = accepted(more, sent.draft, sent.draft, '"2"')
    expect(after.draft.text).toBe('ab')
    expect([after.tag, dirty(after)]).toEqual(['"2"', true])
  })

  it('loses neither version when somebody else was faster', () => {
    const mine = typed(start, { text: 'mine' })
    const both = overtaken(mine, { title: 'Boleto', text: 'theirs' }, '"5"')
    expect([both.draft.text, both.other?.text, both.tag, both.showing]).toEqual(['mine', 'theirs', '"5"', 'mine'])
    const theirs = swapped(both)
    expect([theirs.draft.text, theirs.other?.text, theirs.showing]).toEqual(['theirs', 'mine', 'theirs'])
    expect(swapped(theirs)).toEqual(both)
    expect(dirty(both) && dirty(theirs)).toBe(true)
    expect(accepted(both, both.draft, both.draft, '"6"').other).toBeUndefined()
  })

  it('sends what changed', () => {
    const base = { title: 'a', tags: ['x'], state: 'active' }
    expect(differing({ ...base, tags: ['x', 'y'], secret: 's' }, base)).toEqual({ tags: ['x', 'y'], secret: 's' })
    expect(differing(base, { ...base })).toEqual({})
  })
})
