import { w } from '../console/words'
import { language, number } from '../shared/i18n'

/** A span in its largest unit: "4 min", "2 h". */
export function span(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes === 0) return w.now
  const [n, unit] =
    minutes < 60
      ? [minutes, 'minute']
      : minutes < 2880
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day']
  return number(n, { style: 'unit', unit, unitDisplay: 'short' })
}

/** A span that has passed: "há 4 min". */
export function ago(iso: string, now: number): string {
  const minutes = Math.min(0, Math.ceil((Date.parse(iso) - now) / 60_000))
  if (minutes === 0) return w.now
  const f = new Intl.RelativeTimeFormat(language, { style: 'short', numeric: 'auto' })
  if (minutes > -60) return f.format(minutes, 'minute')
  return minutes > -2880 ? f.format(Math.ceil(minutes / 60), 'hour') : f.format(Math.ceil(minutes / 1440), 'day')
}

export const clock = (at: number | string, seconds = false) =>
  new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
  }).format(new Date(at))

export const day = (iso: string) => new Intl.DateTimeFormat(language, { dateStyle: 'short' }).format(new Date(iso))

/** Money as the providers account for it; small sums need their digits. */
export const money = (n: number, currency: string) =>
  number(n, { style: 'currency', currency, ...(n < 1 ? { minimumFractionDigits: 4 } : {}) })
