import { afterEach, expect, test } from 'vitest'
import { setLanguage } from '../shared/i18n'
import { amount, typed, within } from './amount'

afterEach(() => setLanguage('pt-BR'))

test('a number is read as it is written in the language of the page', async () => {
  const read = (...texts: string[]) => texts.map(amount)
  expect(read('1.234,56', '1.000.000', '2,5', '0.5', '0.500', ' 12 000 ')).toEqual([1234.56, 1e6, 2.5, 0.5, 0.5, 12000])
  await setLanguage('en')
  expect(read('1,234.56', '1,000,000', '2.5', '0,5', '7')).toEqual([1234.56, 1e6, 2.5, 0.5, 7])
})

test('nothing is no number, and what is none is not guessed at', () => {
  expect(['', '  '].map(amount)).toEqual([undefined, undefined])
  expect(['x', '1.2.3', '-1', '1e3', '1,2,3', ','].map(amount)).toEqual(Array(6).fill(Number.NaN))
})

test('what is shown is read as the same number', async () => {
  for (const language of ['pt-BR', 'en'] as const) {
    await setLanguage(language)
    for (const n of [0, 0.075, 2.5, 1234, 12_345, 1_000_000, 12_345.678901]) expect(amount(typed(n))).toBe(n)
  }
  expect(typed(undefined) + typed(null)).toBe('')
})

test('bounds hold for what is there', () => {
  expect(within('', 1, 2)).toBe(true)
  expect(within('2', 0, 2)).toBe(true)
  expect(within('2,1', 0, 2)).toBe(false)
  expect(within('1,5', 0, 2, true)).toBe(false)
  expect(within('abc', 0, 2)).toBe(false)
})
