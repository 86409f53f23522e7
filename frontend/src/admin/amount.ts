import { language, number } from '../shared/i18n'

// Numbers as people type them in the language of the page: "1.234,56", or "1,234.56" in English.

/** The number that was typed: undefined for nothing, NaN for what is no number. */
export function amount(text: string): number | undefined {
  const typed = text.replace(/[\s\u00a0\u202f]/g, '')
  if (typed === '') return undefined
  const [group, point] = language === 'en' ? [',', '.'] : ['.', ',']
  const whole = new RegExp(`^[1-9]\\d{0,2}(\\${group}\\d{3})+(?=\\${point}|$)`)
  const plain = whole.test(typed) ? typed.replaceAll(group, '') : typed
  return /^\d+([.,]\d+)?$/.test(plain) ? Number(plain.replace(',', '.')) : Number.NaN
}

/** A number as it is typed; nothing for one that is not there. */
export const typed = (n: number | null | undefined): string =>
  n === null || n === undefined ? '' : number(n, { useGrouping: n >= 10_000, maximumFractionDigits: 6 })

/** Whether a text is a number of these bounds, or nothing. */
export function within(text: string, least: number, most: number, whole = false): boolean {
  const n = amount(text)
  return n === undefined || (n >= least && n <= most && (!whole || Number.isInteger(n)))
}
