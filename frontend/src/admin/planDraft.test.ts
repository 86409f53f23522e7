import { expect, test } from 'vitest'
import { unlimited } from './limits'
import { blank, bodyOf, check, draftOf } from './planDraft'

const plan = {
  id: 'p_1',
  name: 'Equipe',
  limits: [{ window: 'month' as const, messages: 1000, tokens: 2_000_000 }],
  concurrency: 2,
  models: ['gpt'],
  allow_global_key: true,
  default: true,
}

test('a plan is shown as people write numbers and sent as the server has it', () => {
  const d = draftOf(plan)
  expect(d.limits.month).toEqual({ messages: '1000', tokens: '2.000.000' })
  expect(d.limits.day).toEqual({ messages: '', tokens: '' })
  const { id: _, ...body } = plan
  expect(bodyOf(d)).toEqual(body)
})

test('nothing is no limit', () => {
  expect(bodyOf({ ...blank, name: ' Livre ' })).toEqual({
    name: 'Livre',
    limits: [],
    concurrency: 0,
    models: [],
    allow_global_key: true,
    default: false,
  })
})

test('what is no number is said where it stands', () => {
  expect(check({ ...blank, name: 'x' })).toEqual({})
  const limits = { ...unlimited, day: { messages: 'dez', tokens: '' } }
  expect(Object.keys(check({ ...blank, limits, atOnce: '1001' }))).toEqual(['name', 'limits', 'atOnce'])
})
