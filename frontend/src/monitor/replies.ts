/** An answer that the staff has prepared. */
export type Reply = { id: string; shortcut: string; text: string }

/** What a prepared answer may name. */
export type Variables = { nome: string; atendente: string; empresa: string; saudacao: string }

/** The prepared text with its variables filled; one that is unknown stays as it was written. */
export function fill(text: string, v: Variables): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(v, name) ? v[name as keyof Variables] : whole,
  )
}

export function greeting(at: Date): string {
  const h = at.getHours()
  return h < 12 ? 'Bom dia' : h < 18 ? 'Boa tarde' : 'Boa noite'
}

/** What is looked for when the whole draft is "/" and a word: the prepared answers that have it. */
export function suggested(replies: readonly Reply[], draft: string): readonly Reply[] {
  const wanted = /^\/(\S*)$/.exec(draft)?.[1]
  if (wanted === undefined) return []
  const w = wanted.toLowerCase()
  return replies.filter((r) => r.shortcut.toLowerCase().includes(w) || r.text.toLowerCase().includes(w)).slice(0, 6)
}
