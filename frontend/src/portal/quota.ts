import type { Quota } from '../net/frames'

/** How much of a window is used, 0 to 1 and beyond; a window whose end has passed is empty again. */
export function used(q: Quota, now = Date.now()): number {
  if (q.reset_at && Date.parse(q.reset_at) <= now) return 0
  const part = (n: number, limit: number) => (limit > 0 ? n / limit : 0)
  return Math.max(part(q.messages_used, q.messages_limit), part(q.tokens_used, q.tokens_limit))
}

/** The window that is used up and takes longest to renew. */
export function exhausted(quota: readonly Quota[], now = Date.now()): Quota | undefined {
  return quota.filter((q) => used(q, now) >= 1).toSorted((a, b) => Date.parse(b.reset_at) - Date.parse(a.reset_at))[0]
}

/** The window to show: the longest one that has a limit. */
export function shown(quota: readonly Quota[]): Quota | undefined {
  const limited = quota.filter((q) => q.messages_limit > 0 || q.tokens_limit > 0)
  return limited.find((q) => q.window === 'month') ?? limited.find((q) => q.window === 'day') ?? limited[0]
}
