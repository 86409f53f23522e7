import { expect, test } from 'vitest'
import { areLimits, limitsOf, rowsOf, unlimited } from './limits'

test('limits come back as the rows they were made of', () => {
  const rows = [
    { window: 'minute', messages: 20, tokens: 0 },
    { window: 'month', messages: 500, tokens: 1_500_000 },
  ] as const
  expect(limitsOf(rows).month).toEqual({ messages: '500', tokens: '1.500.000' })
  expect(limitsOf(rows).minute.tokens).toBe('')
  expect(rowsOf(limitsOf(rows))).toEqual(rows)
})

test('nothing typed is no limit', () => {
  expect(rowsOf(unlimited)).toEqual([])
  expect(rowsOf(limitsOf(null))).toEqual([])
})

test('what is no whole number, or too much, is no limit', () => {
  const day = (messages: string) => ({ ...unlimited, day: { messages, tokens: '' } })
  expect(areLimits(day('1.000'))).toBe(true)
  for (const text of ['dez', '1,5', '1.000.000.001']) expect(areLimits(day(text))).toBe(false)
})
