/** A row under edit: what is on the screen, and what the server has as far as is known. Values are never changed in place. */
export type Edit<D> = {
  readonly draft: D
  readonly saved: D
  /** The ETag of `saved`: what a change is based on. */
  readonly tag: string
  /** After somebody else's change: the version that is not on the screen. */
  readonly other?: D
  /** Whose version is on the screen while there are two. */
  readonly showing: 'mine' | 'theirs'
}

export const opened = <D>(saved: D, tag: string): Edit<D> => ({ draft: saved, saved, tag, showing: 'mine' })

export const typed = <D>(e: Edit<D>, change: Partial<D>): Edit<D> => ({ ...e, draft: { ...e.draft, ...change } })

/** The server has taken `sent`; what was typed meanwhile stays. */
export const accepted = <D>(e: Edit<D>, sent: D, saved: D, tag: string): Edit<D> =>
  e.draft === sent ? opened(saved, tag) : { ...opened(saved, tag), draft: e.draft }

/** Somebody else was faster. The draft stays on the screen, theirs is at hand, and saving from here on replaces theirs. */
export const overtaken = <D>(e: Edit<D>, theirs: D, tag: string): Edit<D> => ({
  draft: e.draft,
  saved: theirs,
  tag,
  other: theirs,
  showing: 'mine',
})

/** Puts the other version on the screen. */
export const swapped = <D>(e: Edit<D>): Edit<D> =>
  e.other === undefined
    ? e
    : { ...e, draft: e.other, other: e.draft, showing: e.showing === 'mine' ? 'theirs' : 'mine' }

export const dirty = <D>(e: Edit<D>): boolean => e.other !== undefined || !same(e.draft, e.saved)

/** The fields of a body that are not as in the other one: only what changed is sent, and stands in the audit. */
export const differing = (body: object, base: object): object =>
  Object.fromEntries(Object.entries(body).filter(([k, v]) => !same(v, (base as Record<string, unknown>)[k])))

export const same = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b)
