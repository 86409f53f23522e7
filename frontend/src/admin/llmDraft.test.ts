import { expect, test } from 'vitest'
import { blank, bodyOf, check, type Draft, draftOf, losesKey, needsKey } from './llmDraft'
import type { LLMConfig } from './rest'

const row: LLMConfig = {
  id: 'l_1',
  name: 'OpenAI',
  provider: 'openai',
  base_url: 'https://api.exemplo.com/v1',
  default_model: 'modelo',
  fallbacks: ['l_2'],
  instructions: 'Seja breve.',
  temperature: 0.7,
  limits: [{ window: 'day', messages: 1000, tokens: 0 }],
  titles: true,
  state: 'active',
  api_key: { set: true, last4: 'a1b2' },
  health: { state: 'ok', instance: 'i' },
}
const saved = draftOf(row)
const with_ = (c: Partial<Draft>): Draft => ({ ...saved, ...c })

test('a row that is not touched is sent as it was, without its key', () => {
  const { id: _i, health: _h, api_key: _k, ...rest } = row
  expect(bodyOf(saved)).toMatchObject(rest)
  expect(bodyOf(saved)).not.toHaveProperty('api_key')
})

test('a key is sent when it was typed, and taken away when there is none to be', () => {
  expect(bodyOf(with_({ key: ' sk-nova ' }))).toMatchObject({ api_key: 'sk-nova' })
  expect(bodyOf(with_({ keyless: true, key: 'sk-nova' }))).toMatchObject({ api_key: '' })
})

test('another host or provider loses the key, another path does not', () => {
  expect(losesKey(with_({ address: 'https://api.exemplo.com/v2' }), saved)).toBe(false)
  expect(losesKey(with_({ address: 'https://outro.exemplo.com/v1' }), saved)).toBe(true)
  expect(losesKey(with_({ address: '' }), saved)).toBe(true)
  expect(losesKey(with_({ provider: 'gemini' }), saved)).toBe(true)
  expect(needsKey(with_({ address: '' }), saved)).toBe(true)
  expect(needsKey(saved, saved)).toBe(false)
})

test('a new one needs a key, unless its provider asks for none', () => {
  expect(needsKey(blank, blank)).toBe(true)
  expect(needsKey({ ...blank, keyless: true }, blank)).toBe(false)
  expect(needsKey({ ...blank, provider: 'rehearsal' }, blank)).toBe(false)
})

test('what is no temperature is told before it is sent', () => {
  expect(check(saved)).toEqual({})
  for (const temperature of ['quente', '2,1', '-1']) expect(check(with_({ temperature }))).toHaveProperty('temperature')
  expect(bodyOf(with_({ temperature: '' })).temperature).toBeNull()
})
