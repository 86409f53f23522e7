import { type Dictionary, pt } from './pt'

export type Language = 'pt-BR' | 'en'

/** The language of the page: the person's choice, else what the server found. */
export function pageLanguage(): Language {
  return document.documentElement.lang.toLowerCase().startsWith('en') ? 'en' : 'pt-BR'
}

export let language: Language = 'pt-BR'
export let t: Dictionary = pt

/** Sets the language of everything rendered from now on. English is loaded when it is needed. */
export async function setLanguage(l: Language) {
  t = l === 'en' ? (await import('./en')).en : pt
  language = l
  document.documentElement.lang = l
}

export const number = (n: number, options?: Intl.NumberFormatOptions) =>
  new Intl.NumberFormat(language, options).format(n)
export const percent = (fraction: number) => number(fraction, { style: 'percent', maximumFractionDigits: 0 })

/** A day, or the time when it is today: for "renews on". */
export function moment(iso: string): string {
  const at = new Date(iso)
  const today = at.toDateString() === new Date().toDateString()
  return new Intl.DateTimeFormat(
    language,
    today ? { hour: '2-digit', minute: '2-digit' } : { dateStyle: 'short' },
  ).format(at)
}

/** Day and time in full, for titles of times. */
export function exactly(iso: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' }).format(new Date(iso))
}

/** A wait in words: "12 segundos", "3 minutos". */
export function wait(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  const [n, unit] = seconds < 90 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute']
  return number(n, { style: 'unit', unit, unitDisplay: 'long' })
}
