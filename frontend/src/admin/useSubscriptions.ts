import { useEffect, useState } from 'react'
import { everyPage, type Subscription } from './rest'

/** Who is on which plan, as far as has been read. Without it the pages do without the numbers. */
export function useSubscriptions(): readonly Subscription[] | undefined {
  const [all, setAll] = useState<readonly Subscription[]>()
  useEffect(() => {
    let gone = false
    const load = async () => {
      const found: Subscription[] = []
      for await (const page of everyPage<Subscription>('/subscriptions')) found.push(...page)
      if (!gone) setAll(found)
    }
    load().catch(() => {})
    return () => {
      gone = true
    }
  }, [])
  return all
}
