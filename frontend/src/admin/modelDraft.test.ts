import { expect, test } from 'vitest'
import { blank, bodyOf, check, draftOf, example } from './modelDraft'
import type { Model } from './rest'

const row: Model = {
  id: 'o_1',
  name: 'Rápido',
  key: 'rapido',
  provider: 'openai',
  model: 'gpt-mini',
  context: 128_000,
  price: { currency: 'BRL', input: 2.5, output: 10, cached_input: null, reasoning: 0.075 },
  state: 'active',
}

test('a row that is not touched is sent as it was', () => {
  const { id: _, price, ...rest } = row
  const { currency: _c, ...figures } = price!
  expect(bodyOf(draftOf(row))).toEqual({ ...rest, price: figures })
})

test('a price without figures is unknown, one of zero is known', () => {
  expect(bodyOf(draftOf({ ...row, price: null })).price).toBeNull()
  expect(bodyOf({ ...blank, input: '0', output: '0' }).price).toMatchObject({ input: 0, output: 0 })
})

test('half a price, and what is no figure, are told', () => {
  const d = { ...blank, key: 'k' }
  expect(check(d)).toEqual({})
  expect(check({ ...d, input: '1' })).toHaveProperty('output')
  expect(check({ ...d, cached: '1' })).toMatchObject({ input: expect.any(String), output: expect.any(String) })
  expect(check({ ...d, input: '1', output: 'dez' })).toHaveProperty('output')
  expect(check({ ...d, context: '1,5' })).toHaveProperty('context')
  for (const key of ['', 'com espaço', '-x']) expect(check({ ...d, key })).toHaveProperty('key')
})

test('an example shows what a price means', () => {
  expect(example(draftOf(row))).toBeCloseTo(0.0075)
  expect(example(blank)).toBeUndefined()
  expect(example({ ...blank, input: 'x', output: '1' })).toBeUndefined()
})
