// What is being written, kept by the browser until the tab is closed: a reload or an expired session loses no word.

export const readDraft = (name: string) => sessionStorage.getItem(`draft:${name}`) ?? ''

export function writeDraft(name: string, text: string) {
  if (text) sessionStorage.setItem(`draft:${name}`, text)
  else sessionStorage.removeItem(`draft:${name}`)
}

export function moveDraft(from: string, to: string) {
  writeDraft(to, readDraft(from))
  writeDraft(from, '')
}
