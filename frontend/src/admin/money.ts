import { language } from '../shared/i18n'

/** An amount in millionths of the currency: whole, as the ledger counts it, so that sums are exact. */
export type Micro = bigint

/** The server writes amounts in units; a number carries more digits than its six decimals need. */
export const micro = (units: number): Micro => BigInt(Math.round(units * 1e6))

/** With how many decimals none of the amounts is rounded, at least as many as the currency has. */
export function digitsFor(amounts: readonly Micro[], currency: string): number {
  let digits = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2
  while (digits < 6 && amounts.some((m) => m % 10n ** BigInt(6 - digits) !== 0n)) digits++
  return digits
}

export const moneyText = (m: Micro, currency: string, digits: number) =>
  text(m, { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits })

/** The amount alone, for tables that programs read. */
export const amountText = (m: Micro, digits: number) =>
  text(m, { useGrouping: false, minimumFractionDigits: digits, maximumFractionDigits: digits })

function text(m: Micro, options: Intl.NumberFormatOptions): string {
  const whole = `${m / 1_000_000n}.${String(m % 1_000_000n).padStart(6, '0')}` as Intl.StringNumericLiteral
  return new Intl.NumberFormat(language, options).format(whole)
}
