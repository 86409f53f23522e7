import { amount, typed, within } from './amount'
import type { Model } from './rest'
import type { Faults } from './useEdit'
import { words } from './words'

const prices = ['input', 'output', 'cached', 'reasoning'] as const
export type Price = Readonly<Record<(typeof prices)[number], string>>

/** A model of the catalogue as the form shows it; a price without figures is unknown. */
export type Draft = {
  name: string
  key: string
  provider: Model['provider']
  model: string
  context: string
  active: boolean
} & Price

export const blank: Draft = {
  name: '',
  key: '',
  provider: 'openai',
  model: '',
  context: '',
  input: '',
  output: '',
  cached: '',
  reasoning: '',
  active: true,
}

export const draftOf = (r: Model): Draft => ({
  name: r.name,
  key: r.key,
  provider: r.provider,
  model: r.model,
  context: typed(r.context || null),
  input: typed(r.price?.input),
  output: typed(r.price?.output),
  cached: typed(r.price?.cached_input),
  reasoning: typed(r.price?.reasoning),
  active: r.state === 'active',
})

const priced = (d: Price) => prices.some((p) => d[p].trim() !== '')

export const bodyOf = (d: Draft) => ({
  name: d.name.trim(),
  key: d.key.trim(),
  provider: d.provider,
  model: d.model.trim(),
  context: amount(d.context) ?? 0,
  price: priced(d)
    ? {
        input: amount(d.input) ?? 0,
        output: amount(d.output) ?? 0,
        cached_input: amount(d.cached) ?? null,
        reasoning: amount(d.reasoning) ?? null,
      }
    : null,
  state: d.active ? 'active' : 'disabled',
})

export function check(d: Draft): Faults<Draft> {
  const a = words()
  const faults: Faults<Draft> = {}
  for (const p of prices) if (!within(d[p], 0, 1e6)) faults[p] = a.priceWrong
  // A price has both figures, or it would say that one of the two costs nothing.
  for (const p of ['input', 'output'] as const) if (priced(d) && d[p].trim() === '') faults[p] = a.priceHalf
  if (!within(d.context, 0, 1e8, true)) faults.context = a.limitWrong
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._:/-]*$/.test(d.key.trim())) faults.key = a.modelKeyWrong
  return faults
}

/** What a question of 1,000 tokens with an answer of 500 costs, where the price is known. */
export function example(d: Price): number | undefined {
  const input = amount(d.input)
  const output = amount(d.output)
  if (input === undefined || output === undefined) return undefined
  const cost = (1000 * input + 500 * output) / 1e6
  return Number.isFinite(cost) ? cost : undefined
}
