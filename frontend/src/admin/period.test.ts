import { expect, test } from 'vitest'
import { daysOf, eachDay, shifted } from './period'

test('periods end today and hold their days', () => {
  expect(daysOf('today', '2026-11-25')).toEqual({ from: '2026-11-25', to: '2026-11-25' })
  expect(eachDay(daysOf('7d', '2026-03-03'))).toHaveLength(7)
  expect(eachDay(daysOf('30d', '2026-03-01'))).toHaveLength(30)
  expect(daysOf('month', '2026-11-01')).toEqual({ from: '2026-11-01', to: '2026-11-01' })
})

test('the month before is a whole one, over the end of a year and in a leap year too', () => {
  expect(daysOf('before', '2026-01-31')).toEqual({ from: '2025-12-01', to: '2025-12-31' })
  expect(daysOf('before', '2028-03-31')).toEqual({ from: '2028-02-01', to: '2028-02-29' })
})

test('no day is lost or doubled where clocks change', () => {
  const days = eachDay({ from: '2026-01-01', to: '2026-12-31' })
  expect(days).toHaveLength(365)
  expect(new Set(days).size).toBe(365)
  expect(shifted('2026-10-25', 1)).toBe('2026-10-26')
})
