import { useEffect, useState } from 'react'
import { list, type User } from './rest'

/** How many pages of people are looked through for names: a distributor with more shows some people by their ids. */
const most = 20

/** The names of people by id. Rows keep ids, which stay when a name changes. */
export function useNames(): ReadonlyMap<string, string> {
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map())
  useEffect(() => {
    let gone = false
    const load = async () => {
      let cursor = ''
      for (let i = 0; i < most && !gone; i++) {
        const page = await list<User>(`/users?limit=100${cursor && `&cursor=${cursor}`}`)
        if (gone) return
        setNames((before) => new Map([...before, ...page.items.map((u) => [u.id, u.name] as const)]))
        if (!page.next_cursor) return
        cursor = page.next_cursor
      }
    }
    load().catch(() => {}) // without names the ids are shown
    return () => {
      gone = true
    }
  }, [])
  return names
}
