import { useCallback, useEffect, useState } from 'react'
import { api } from '../console/session'
import { type Days, daysOf, type Period } from './period'
import { everyPage, type PersonUse, refusal, type UsageReport } from './rest'

export const groupings = ['day', 'model', 'channel', 'key', 'person'] as const
export type Grouping = (typeof groupings)[number]

/** What was used in a span of days: each day, and the same sums in groups or for each person. */
export type Usage = Days & {
  by: Grouping
  daily: UsageReport
  groups: UsageReport
  people: readonly PersonUse[]
}

/** The usage of a period. The former one stays on the screen while another is on its way. */
export function useUsage(period: Period, by: Grouping) {
  const [usage, setUsage] = useState<Usage>()
  const [problem, setProblem] = useState<string>()
  const [again, setAgain] = useState(0)
  useEffect(() => {
    let gone = false
    load(period, by).then(
      (u) => {
        if (gone) return
        setUsage(u)
        setProblem(undefined)
      },
      (e) => gone || setProblem(refusal(e)),
    )
    return () => {
      gone = true
    }
  }, [period, by, again])
  return { usage, problem, reload: useCallback(() => setAgain((n) => n + 1), []) }
}

async function load(period: Period, by: Grouping): Promise<Usage> {
  const report = (q: string) => api.get<UsageReport>(`/usage?${q}`)
  // Without days the server answers with its last 30, which end on the day that is today for the distributor.
  const latest = await report('by=day')
  const days = daysOf(period, latest.to)
  const span = `from=${days.from}&to=${days.to}`
  const [daily, groups, people] = await Promise.all([
    period === '30d' ? latest : report(`${span}&by=day`),
    by === 'day' || by === 'person' ? undefined : report(`${span}&by=${by}`),
    by === 'person' ? peopleOf(span) : [],
  ])
  return { ...days, by, daily, groups: groups ?? daily, people }
}

async function peopleOf(span: string): Promise<PersonUse[]> {
  const people: PersonUse[] = []
  for await (const page of everyPage<PersonUse>(`/usage/people?${span}`))
    people.push(...page.filter((p) => p.messages > 0 || p.tokens > 0))
  return people.sort((a, b) => b.tokens - a.tokens)
}
