import { useCallback, useEffect, useState } from 'react'
import { accepted, differing, dirty, type Edit, opened, overtaken, same, swapped, typed } from './edit'
import { add, change, isStale, read, refusal, type Tagged } from './rest'

/** What is wrong with the fields of a draft. */
export type Faults<D> = { -readonly [K in keyof D]?: string }

type Options<V, D> = {
  /** Of the row, or of the collection that a new row joins. */
  path: string
  /** What the draft is kept under where new rows of one collection are made at several places; otherwise the path. */
  name?: string
  /** A new row begins with this draft. */
  fresh?: D
  draftOf: (row: V) => D
  bodyOf: (draft: D) => object
  /** What is wrong with a draft, by field: nothing is sent until that is mended. */
  check?: (draft: D) => Faults<D>
  /** What a refusal's code means here. */
  errors?: Record<string, string>
}

// What was typed and not saved, by name: it is there again when the person comes back.
const kept = new Map<string, Edit<unknown>>()
export const hasDraft = (path: string) => kept.has(path)
export const forget = (path: string) => kept.delete(path)

/** Somebody else has changed what is being edited, to what it is now. */
class Overtaken<V> extends Error {
  constructor(readonly now: Tagged<V>) {
    super('overtaken')
  }
}

/**
 * A managed row under edit. A change is based on the ETag that was read; when somebody else was faster their version is
 * loaded beside the draft. No error takes away what was typed. The options' functions must not depend on the component.
 */
export function useEdit<V, D extends object>({
  path,
  name = path,
  fresh,
  draftOf,
  bodyOf,
  check,
  errors,
}: Options<V, D>) {
  const [edit, setEdit] = useState<Edit<D> | undefined>(
    () => (kept.get(name) as Edit<D> | undefined) ?? (fresh && opened(fresh, '')),
  )
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  // Faults are told from the first try to save on: nobody is corrected in the middle of a word.
  const [tried, setTried] = useState(false)
  const unsaved = edit !== undefined && dirty(edit)

  const load = useCallback(async () => {
    try {
      const { row, tag } = await read<V>(path)
      setEdit(opened(draftOf(row), tag))
      setProblem(undefined)
    } catch (e) {
      setProblem(refusal(e))
    }
  }, [path, draftOf])
  const loaded = edit !== undefined
  useEffect(() => {
    if (!loaded) void load()
  }, [loaded, load])

  useEffect(() => {
    if (edit && unsaved) kept.set(name, edit)
    else kept.delete(name)
  }, [name, edit, unsaved])
  useEffect(() => {
    if (!unsaved) return
    const stay = (e: BeforeUnloadEvent) => e.preventDefault()
    addEventListener('beforeunload', stay)
    return () => removeEventListener('beforeunload', stay)
  }, [unsaved])

  /** The row as the server has it now, or undefined when it was not saved. */
  const save = async (): Promise<V | undefined> => {
    if (!edit || busy) return undefined
    const sent = edit.draft
    if (check && Object.keys(check(sent)).length > 0) {
      setTried(true)
      return undefined
    }
    setBusy(true)
    setProblem(undefined)
    try {
      const { row, tag } = fresh ? await add<V>(path, bodyOf(sent)) : await send(sent, edit)
      forget(name) // the component may be gone before its effects run
      setTried(false)
      setEdit((e) => e && accepted(e, sent, draftOf(row), tag))
      return row
    } catch (e) {
      if (e instanceof Overtaken) setEdit((now) => now && overtaken(now, draftOf(e.now.row), e.now.tag))
      else setProblem(refusal(e, errors))
      return undefined
    } finally {
      setBusy(false)
    }
  }
  // Rows may share a revision: when nothing of this one has changed, what the person changed goes on top.
  const send = async (sent: D, { saved, tag }: Edit<D>): Promise<Tagged<V>> => {
    const body = differing(bodyOf(sent), bodyOf(saved))
    try {
      return await change<V>(path, body, tag)
    } catch (e) {
      if (!isStale(e)) throw e
      const now = await read<V>(path)
      if (!same(draftOf(now.row), saved)) throw new Overtaken<V>(now)
      return change<V>(path, body, now.tag)
    }
  }
  return {
    draft: edit?.draft,
    saved: edit?.saved,
    set: (c: Partial<D>) => setEdit((e) => e && typed(e, c)),
    save,
    faults: tried && check && edit ? check(edit.draft) : ({} as Faults<D>),
    busy,
    problem,
    retry: loaded ? undefined : () => void load(),
    unsaved,
    /** Two versions: which is on the screen, and the way to the other. */
    versions:
      edit?.other === undefined ? undefined : { showing: edit.showing, swap: () => setEdit((e) => e && swapped(e)) },
    drop: () => {
      forget(name)
      setTried(false)
      setEdit((e) => e && opened(e.saved, e.tag))
    },
  }
}

export type Editing = Pick<
  ReturnType<typeof useEdit<object, object>>,
  'busy' | 'problem' | 'unsaved' | 'versions' | 'drop'
>
