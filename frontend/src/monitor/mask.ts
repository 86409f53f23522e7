// Personal data in running text: e-mail addresses, cards, CNPJ, CPF and telephones, written in any of the usual ways.
const email = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g
const card = /(?<!\d)\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}(?!\d)/g
const numbers = [
  /(?<!\d)\d{2}\.?\d{3}\.?\d{3}\/?\d{4}-?\d{2}(?!\d)/g, // CNPJ
  /(?<!\d)\d{3}\.?\d{3}\.?\d{3}-?\d{2}(?!\d)/g, // CPF, or a mobile number without signs
  /(?<!\d)(?:\+?55[ -]?)?(?:\(\d{2}\) ?|\d{2}[ -]?)9?\d{4}[ -]?\d{4}(?!\d)|(?<!\d)9?\d{4}-\d{4}(?!\d)/g, // telephone
]

/** The text with its personal data hidden but for the last digits, which tell them apart. Its shape stays. */
export function mask(text: string): string {
  const mailed = text.replace(email, (s) => `${s[0]}•••${s.slice(s.indexOf('@'))}`)
  return numbers.reduce((t, shape) => t.replace(shape, keepLast(2)), mailed.replace(card, keepLast(4)))
}

const keepLast = (n: number) => (found: string) => {
  let left = found.replace(/\D/g, '').length - n
  return found.replace(/\d/g, (d) => (left-- > 0 ? '•' : d))
}
