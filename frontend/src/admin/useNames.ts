import { useEffect, useState } from 'react'
import { everyPage, type User } from './rest'

/** The names of people by id. Rows keep ids, which stay when a name changes; where a name is missing the id is shown. */
export function useNames(): ReadonlyMap<string, string> {
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map())
  useEffect(() => {
    let gone = false
    const load = async () => {
      for await (const page of everyPage<User>('/users')) {
        if (gone) return
        setNames((before) => new Map([...before, ...page.map((u) => [u.id, u.name] as const)]))
      }
    }
    load().catch(() => {})
    return () => {
      gone = true
    }
  }, [])
  return names
}
