import { useCallback, useEffect, useState } from 'react'
import { address, go, usePlace } from '../console/place'
import { api, errorText, useConsole } from '../console/session'
import { w } from '../console/words'
import type { Page } from '../net/api'
import { exactly } from '../shared/i18n'
import { Button } from '../shared/ui'
import { clock, day } from './time'

type Entry = {
  n: number
  at: string
  actor: string
  role: string
  action: string
  target: string
  detail: Record<string, string>
}

/** The ledger of one person, for the one who asks who has read along. */
function PersonFile({ people, onProblem }: { people: Record<string, string>; onProblem: (text: string) => void }) {
  const [person, setPerson] = useState('')
  const fetchFile = async () => {
    try {
      const url = URL.createObjectURL(await api.file(`/audit/file?person=${encodeURIComponent(person)}`))
      const a = document.createElement('a')
      a.href = url
      a.download = `registro-${person}.csv`
      a.click()
      setTimeout(() => URL.revokeObjectURL(url), 10_000)
    } catch (e) {
      onProblem(errorText(e))
    }
  }
  return (
    <div className="mb-5 flex flex-wrap items-center gap-2">
      <select
        aria-label={w.ledgerPerson}
        value={person}
        onChange={(e) => setPerson(e.target.value)}
        className="min-h-9 rounded-lg border border-line bg-surface px-2.5 pointer-coarse:min-h-11"
      >
        <option value="">{w.ledgerPerson}</option>
        {Object.entries(people).map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <Button disabled={!person} onClick={() => void fetchFile()}>
        {w.ledgerFile}
      </Button>
    </div>
  )
}

/** Who watched, whispered, took over and ended: the ledger as the administrators of a tenant read it. */
export default function Ledger() {
  const action = usePlace((p) => p.query.get('action') ?? '')
  const portal = useConsole((s) => s.portal)
  const [entries, setEntries] = useState<Entry[]>()
  const [cursor, setCursor] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const [people, setPeople] = useState<Record<string, string>>({})

  const load = useCallback(
    async (from?: string) => {
      const query = new URLSearchParams({
        limit: '50',
        ...(action ? { action } : {}),
        ...(from ? { cursor: from } : {}),
      })
      try {
        const page = await api.get<Page<Entry>>(`/audit?${query}`)
        setEntries((before) => (from ? [...(before ?? []), ...page.items] : page.items))
        setCursor(page.next_cursor ?? undefined)
        setProblem(undefined)
      } catch (e) {
        setProblem(errorText(e))
      }
    },
    [action],
  )
  useEffect(() => void load(), [load])
  // Entries name people by id, which stays when a name changes. Without the names the ids are shown.
  useEffect(() => {
    api.get<Page<{ id: string; name: string }>>('/users?limit=100').then(
      (page) => setPeople(Object.fromEntries(page.items.map((u) => [u.id, u.name]))),
      () => {},
    )
  }, [])
  useEffect(() => {
    document.title = `${w.ledgerTitle} · ${portal?.name ?? ''}`
  }, [portal])

  return (
    <main className="h-full overflow-y-auto bg-surface">
      <div className="mx-auto max-w-5xl px-4 py-6 md:px-8">
        <div className="mb-5 flex flex-wrap items-end justify-between gap-3">
          <div>
            <h1 className="text-lg font-semibold tracking-tight">{w.ledgerTitle}</h1>
            <p className="mt-1 max-w-xl text-muted">{w.ledgerHelp}</p>
          </div>
          <label className="text-muted">
            <span className="sr-only">{w.ledgerAction}</span>
            <select
              value={action}
              onChange={(e) =>
                go('/ledger', new URLSearchParams(e.target.value ? { action: e.target.value } : {}), true)
              }
              className="min-h-9 rounded-lg border border-line bg-surface px-2.5 text-fg pointer-coarse:min-h-11"
            >
              <option value="">{w.ledgerAny}</option>
              {Object.entries(w.actions).map(([key, name]) => (
                <option key={key} value={key}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </div>
        <PersonFile people={people} onProblem={setProblem} />
        {problem && (
          <p role="alert" className="mb-4 text-bad">
            {problem}
          </p>
        )}
        {entries?.length === 0 && <p className="py-16 text-center text-muted">{w.ledgerEmpty}</p>}
        {entries && entries.length > 0 && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
          <section aria-label={w.ledgerTitle} tabIndex={0} className="overflow-x-auto rounded-xl border border-line">
            <table className="w-full border-collapse text-left">
              <thead className="bg-surface-2 text-xs text-muted">
                <tr>
                  {[w.ledgerWhen, w.ledgerWho, w.ledgerWhat, w.ledgerDetail, w.ledgerTarget].map((h) => (
                    <th key={h} scope="col" className="px-3 py-2 font-medium whitespace-nowrap">
                      {h}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {entries.map((e) => (
                  <tr key={e.n} className="border-t border-line">
                    <td className="px-3 py-2 whitespace-nowrap tabular-nums">
                      <time dateTime={e.at} title={exactly(e.at)}>
                        {day(e.at)} {clock(e.at)}
                      </time>
                    </td>
                    <td className="px-3 py-2">
                      <span className="font-medium">{people[e.actor] ?? e.actor}</span>{' '}
                      <span className="text-muted">{w.roles[e.role] ?? e.role}</span>
                    </td>
                    <td className="px-3 py-2 whitespace-nowrap">{w.actions[e.action] ?? e.action}</td>
                    <td className="max-w-64 truncate px-3 py-2 text-muted">
                      {Object.values(e.detail).join(' · ') || w.nothing}
                    </td>
                    <td className="px-3 py-2">
                      {e.target.startsWith('c_') ? (
                        <a
                          href={address(`/s/${e.target}`, new URLSearchParams())}
                          onClick={(ev) => {
                            if (ev.metaKey || ev.ctrlKey || ev.shiftKey) return
                            ev.preventDefault()
                            go(`/s/${e.target}`, new URLSearchParams())
                          }}
                          className="text-accent underline underline-offset-3"
                        >
                          …{e.target.slice(-6)}
                        </a>
                      ) : (
                        <span className="text-muted">{e.target}</span>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
        {cursor && (
          <Button className="mt-4" onClick={() => void load(cursor)}>
            {w.ledgerMore}
          </Button>
        )}
      </div>
    </main>
  )
}
