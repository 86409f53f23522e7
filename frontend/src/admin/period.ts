/** Spans of days that people ask for. Days are ISO dates by the distributor's clock; the server says which is today. */
export const periods = ['today', '7d', '30d', 'month', 'before'] as const
export type Period = (typeof periods)[number]
export type Days = { from: string; to: string }

/** The first and last day of a period; `before` is the month before this one. */
export function daysOf(period: Period, today: string): Days {
  switch (period) {
    case 'today':
      return { from: today, to: today }
    case '7d':
      return { from: shifted(today, -6), to: today }
    case '30d':
      return { from: shifted(today, -29), to: today }
    case 'month':
      return { from: firstOf(today), to: today }
    case 'before': {
      const to = shifted(firstOf(today), -1)
      return { from: firstOf(to), to }
    }
  }
}

/** Every day of a span, also those on which nothing was. */
export function eachDay({ from, to }: Days): string[] {
  const out = []
  for (let day = from; day <= to; day = shifted(day, 1)) out.push(day)
  return out
}

/** The day so many days later. */
export function shifted(day: string, by: number): string {
  const at = new Date(`${day}T00:00:00Z`)
  at.setUTCDate(at.getUTCDate() + by)
  return at.toISOString().slice(0, 10)
}

const firstOf = (day: string) => `${day.slice(0, 8)}01`
