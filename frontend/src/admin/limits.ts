import { amount, typed, within } from './amount'
import type { LimitRow } from './rest'

export const windows = ['minute', 'day', 'month'] as const
export type Window = (typeof windows)[number]
export type Unit = 'messages' | 'tokens'

/** What each window allows, as it is typed; nothing is no limit. */
export type Limits = Readonly<Record<Window, Readonly<Record<Unit, string>>>>

const none = { messages: '', tokens: '' }
export const unlimited: Limits = { minute: none, day: none, month: none }

export function limitsOf(rows: readonly LimitRow[] | null | undefined): Limits {
  const limits = { ...unlimited }
  for (const r of rows ?? [])
    limits[r.window] = { messages: typed(r.messages || null), tokens: typed(r.tokens || null) }
  return limits
}

/** The windows that allow less than everything. */
export const rowsOf = (limits: Limits): LimitRow[] =>
  windows
    .map((window) => ({
      window,
      messages: amount(limits[window].messages) ?? 0,
      tokens: amount(limits[window].tokens) ?? 0,
    }))
    .filter((r) => r.messages !== 0 || r.tokens !== 0)

/** The most that the server takes. */
const most = { messages: 1e9, tokens: 1e12 }

/** Whether a limit is one. */
export const isLimit = (text: string, unit: Unit) => within(text, 0, most[unit], true)
export const areLimits = (limits: Limits) =>
  windows.every((w) => isLimit(limits[w].messages, 'messages') && isLimit(limits[w].tokens, 'tokens'))
