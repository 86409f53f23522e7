import type { Plan } from './rest'
import { useRows } from './useRows'
import { words } from './words'

/** The plans to choose from, by id; '' is the default one. A chosen plan that is not the distributor's own is the operator's. */
export function usePlans(chosen: string): Record<string, string> {
  const a = words()
  const { rows } = useRows<Plan>('/plans')
  return {
    '': a.planDefault,
    ...(chosen ? { [chosen]: rows ? a.planOfOperator : '…' } : {}),
    ...Object.fromEntries((rows ?? []).map((p) => [p.id, p.name])),
  }
}
