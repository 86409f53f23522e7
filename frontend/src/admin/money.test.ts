import fc from 'fast-check'
import { expect, test } from 'vitest'
import { amountText, digitsFor, micro, moneyText } from './money'

const plain = (s: string) => s.replace(/\s/g, ' ')

test('an amount keeps its six decimals, however it came over the wire', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000_000_000_000 }), (m) => {
      expect(micro(JSON.parse(JSON.stringify(m / 1e6)))).toBe(BigInt(m))
    }),
  )
})

test('amounts that are shown together have the digits that the smallest needs, so that they add up', () => {
  const digits = digitsFor([micro(0.1), micro(0.2), micro(0.0037)], 'BRL')
  expect(digits).toBe(4)
  expect(plain(moneyText(micro(0.1) + micro(0.2), 'BRL', digits))).toBe('R$ 0,3000')
  expect(digitsFor([micro(12)], 'BRL')).toBe(2)
  expect(digitsFor([micro(12)], 'JPY')).toBe(0)
  expect(digitsFor([1n], 'JPY')).toBe(6)
})

test('large amounts are not rounded', () => {
  expect(amountText(9_007_199_254_740_993_000_001n, 6)).toBe('9007199254740993,000001')
  expect(plain(moneyText(1_234_567_890_000n, 'BRL', 2))).toBe('R$ 1.234.567,89')
})
