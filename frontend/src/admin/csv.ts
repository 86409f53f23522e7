import { number } from '../shared/i18n'

/** A table as a file that spreadsheets open: separated by semicolons, with the marks of the page's language in numbers. */
export function csv(rows: readonly (readonly (string | number)[])[]): Blob {
  const text = rows.map((r) => `${r.map(cell).join(';')}\r\n`).join('')
  return new Blob(['\ufeff', text], { type: 'text/csv;charset=utf-8' })
}

function cell(v: string | number): string {
  if (typeof v === 'number') return number(v, { useGrouping: false, maximumFractionDigits: 6 })
  const plain = /^[=+\-@\t\r]/.test(v) ? `'${v}` : v // a spreadsheet must not take it for a formula
  return /[;"\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
