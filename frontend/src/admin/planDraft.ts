import { amount, typed, within } from './amount'
import { areLimits, type Limits, limitsOf, rowsOf, unlimited } from './limits'
import type { Plan } from './rest'
import type { Faults } from './useEdit'
import { words } from './words'

/** A plan as the form shows it; empty numbers are no limit, and no model allows all. */
export type Draft = {
  name: string
  limits: Limits
  atOnce: string
  models: readonly string[]
  /** Whether the operator's models answer where the distributor has none. */
  operators: boolean
  main: boolean
}

export const blank: Draft = { name: '', limits: unlimited, atOnce: '', models: [], operators: true, main: false }

export const draftOf = (r: Plan): Draft => ({
  name: r.name,
  limits: limitsOf(r.limits),
  atOnce: typed(r.concurrency || null),
  models: r.models ?? [],
  operators: r.allow_global_key ?? false,
  main: r.default ?? false,
})

export const bodyOf = (d: Draft) => ({
  name: d.name.trim(),
  limits: rowsOf(d.limits),
  concurrency: amount(d.atOnce) ?? 0,
  models: d.models,
  allow_global_key: d.operators,
  default: d.main,
})

export function check(d: Draft): Faults<Draft> {
  const a = words()
  const faults: Faults<Draft> = {}
  if (!d.name.trim()) faults.name = a.planNoName
  if (!areLimits(d.limits)) faults.limits = a.limitWrong
  if (!within(d.atOnce, 0, 1000, true)) faults.atOnce = a.planAtOnceWrong
  return faults
}
