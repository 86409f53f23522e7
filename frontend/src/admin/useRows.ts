import { useCallback, useEffect, useRef, useState } from 'react'
import { list, refusal } from './rest'

/** A list of managed rows, page by page; `reload` shows it as it is now, without emptying the screen meanwhile. */
export function useRows<V>(path: string) {
  const [rows, setRows] = useState<readonly V[]>()
  const [cursor, setCursor] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const latest = useRef(0)

  const load = useCallback(
    async (from?: string) => {
      const call = ++latest.current
      try {
        const page = await list<V>(`${path}${path.includes('?') ? '&' : '?'}limit=50${from ? `&cursor=${from}` : ''}`)
        if (call !== latest.current) return // another answer is on its way
        setRows((before) => (from ? [...(before ?? []), ...page.items] : page.items))
        setCursor(page.next_cursor ?? undefined)
        setProblem(undefined)
      } catch (e) {
        if (call === latest.current) setProblem(refusal(e))
      }
    },
    [path],
  )
  useEffect(() => {
    void load()
    return () => {
      latest.current++
    }
  }, [load])
  return {
    rows,
    problem,
    setProblem,
    reload: useCallback(() => load(), [load]),
    more: cursor ? () => void load(cursor) : undefined,
  }
}
