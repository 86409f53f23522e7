import { amount, typed, within } from './amount'
import { areLimits, type Limits, limitsOf, rowsOf, unlimited } from './limits'
import type { LLMConfig, Secret } from './rest'
import type { Faults } from './useEdit'
import { words } from './words'

/** A way to reach models as the form shows it. */
export type Draft = {
  name: string
  provider: LLMConfig['provider']
  address: string
  /** Empty: the one that is stored stays. */
  key: string
  stored: Secret
  /** The provider asks for no key. */
  keyless: boolean
  model: string
  instructions: string
  temperature: string
  limits: Limits
  /** Ids of the ways that are asked when this one fails, in order. */
  reserve: readonly string[]
  titles: boolean
  reasoning: boolean
  main: boolean
  active: boolean
}

export const blank: Draft = {
  name: '',
  provider: 'openai',
  address: '',
  key: '',
  stored: { set: false, last4: '' },
  keyless: false,
  model: '',
  instructions: '',
  temperature: '',
  limits: unlimited,
  reserve: [],
  titles: false,
  reasoning: false,
  main: false,
  active: true,
}

export const draftOf = (r: LLMConfig): Draft => ({
  name: r.name,
  provider: r.provider,
  address: r.base_url ?? '',
  key: '',
  stored: r.api_key,
  keyless: !r.api_key.set,
  model: r.default_model,
  instructions: r.instructions ?? '',
  temperature: typed(r.temperature),
  limits: limitsOf(r.limits),
  reserve: r.fallbacks ?? [],
  titles: r.titles ?? false,
  reasoning: r.show_reasoning ?? false,
  main: r.default ?? false,
  active: r.state === 'active',
})

export const bodyOf = (d: Draft) => ({
  name: d.name.trim(),
  provider: d.provider,
  base_url: d.address.trim(),
  ...(d.keyless ? { api_key: '' } : d.key.trim() ? { api_key: d.key.trim() } : {}),
  default_model: d.model.trim(),
  instructions: d.instructions,
  temperature: amount(d.temperature) ?? null,
  limits: rowsOf(d.limits),
  fallbacks: d.reserve,
  titles: d.titles,
  show_reasoning: d.reasoning,
  default: d.main,
  state: d.active ? 'active' : 'disabled',
})

export function check(d: Draft): Faults<Draft> {
  const a = words()
  return {
    ...(within(d.temperature, 0, 2) ? {} : { temperature: a.llmTemperatureWrong }),
    ...(areLimits(d.limits) ? {} : { limits: a.limitWrong }),
  }
}

/** Where an address leads: what a stored key belongs to. */
const host = (address: string) => /^[^/]+:\/\/[^/?#]*/.exec(address.trim())?.[0] ?? ''

/** Whether the stored key is forgotten on saving: it was for another host or provider. */
export const losesKey = (d: Draft, saved: Draft | undefined): boolean =>
  d.stored.set && saved !== undefined && (d.provider !== saved.provider || host(d.address) !== host(saved.address))

export const asksForKey = (d: Draft) => d.provider !== 'rehearsal' && !d.keyless
export const needsKey = (d: Draft, saved: Draft | undefined): boolean =>
  asksForKey(d) && (!d.stored.set || losesKey(d, saved))
