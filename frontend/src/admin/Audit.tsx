import { Download, ListFilter, RefreshCw, ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { go, usePlace } from '../console/place'
import { saveFile } from '../console/saveFile'
import { api } from '../console/session'
import { w } from '../console/words'
import { clock, day } from '../monitor/time'
import { exactly, number, t } from '../shared/i18n'
import { Button, IconButton } from '../shared/ui'
import { actionGroups, actionText, detailText, placeOf } from './audit'
import { Filter } from './Filter'
import { Link } from './Link'
import { PersonField } from './PersonField'
import { Copyable, Empty, Loading, Part, Problem, Sheet } from './parts'
import { type AuditCheck, type AuditEntry, refusal, type User } from './rest'
import { type Column, Table } from './Table'
import { useNames } from './useNames'
import { useRows } from './useRows'
import { words } from './words'

const names = ['action', 'actor', 'target'] as const
type Narrow = Partial<Record<(typeof names)[number], string>>

/** Who did what: the ledger as the administrators of a distributor read it. */
export default function Audit() {
  const a = words()
  const query = usePlace((p) => p.query)
  const filter = names.flatMap((n) => (query.get(n) ? [[n, query.get(n)!] as const] : []))
  const narrow = (c: Narrow) =>
    go(
      '/admin/audit',
      new URLSearchParams(Object.entries({ ...Object.fromEntries(filter), ...c }).filter(([, v]) => v)),
    )
  const { rows, problem, reload, more } = useRows<AuditEntry>(
    `/audit?${new URLSearchParams([...filter].map((f) => [...f]))}`,
  )
  const people = useNames()
  return (
    <Sheet title={a.pages.audit} help={a.auditHelp}>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <Filter
          label={a.auditAction}
          value={query.get('action') ?? ''}
          options={{ '': a.auditAny }}
          groups={actionGroups()}
          onChange={(action) => narrow({ action })}
        />
        <Button look="quiet" onClick={() => void reload()}>
          <RefreshCw size={15} aria-hidden />
          {a.reload}
        </Button>
        {filter.length > 0 && (
          <Button look="quiet" onClick={() => narrow({ action: '', actor: '', target: '' })}>
            {w.clearFilter}
          </Button>
        )}
      </div>
      {(query.get('actor') || query.get('target')) && (
        <p role="status" className="mb-3 text-muted">
          {query.get('actor') && a.auditOnlyBy(nameOf(people, query.get('actor')!))}
          {query.get('target') && a.auditOnlyAbout(nameOf(people, query.get('target')!))}
        </p>
      )}
      <Problem text={problem} retry={rows ? undefined : () => void reload()} />
      {!rows && !problem && <Loading />}
      {rows?.length === 0 && <Empty>{filter.length > 0 ? a.auditNone : a.auditEmpty}</Empty>}
      {rows && rows.length > 0 && (
        <Table label={a.pages.audit} columns={columns(people, narrow)} rows={rows} keyOf={(r) => String(r.n)} />
      )}
      {more && (
        <Button className="mt-4" onClick={more}>
          {t.loadMore}
        </Button>
      )}
      <PersonFile />
      <Check />
    </Sheet>
  )
}

const nameOf = (people: ReadonlyMap<string, string>, id: string) => people.get(id) ?? id

function columns(people: ReadonlyMap<string, string>, narrow: (c: Narrow) => void): Column<AuditEntry>[] {
  const a = words()
  const only = (label: string, c: Narrow) => (
    <IconButton label={label} onClick={() => narrow(c)} className="-my-1.5 inline-grid align-middle">
      <ListFilter size={14} aria-hidden />
    </IconButton>
  )
  return [
    {
      head: a.auditWhen,
      cell: (e) => (
        <time dateTime={e.at} title={exactly(e.at)} className="whitespace-nowrap tabular-nums">
          {day(e.at)} {clock(e.at)}
        </time>
      ),
    },
    {
      head: a.auditWho,
      cell: (e) => (
        <>
          <span className="font-medium">{nameOf(people, e.actor)}</span>{' '}
          <span className="text-muted">{w.roles[e.role] ?? e.role}</span>
          {e.actor && only(a.auditOnlyBy(nameOf(people, e.actor)), { actor: e.actor })}
        </>
      ),
    },
    { head: a.auditWhat, cell: (e) => actionText(e.action) },
    {
      head: a.auditTarget,
      cell: (e) => {
        const place = placeOf(e.target)
        const name = people.get(e.target) ?? (e.target.length > 12 ? `…${e.target.slice(-6)}` : e.target)
        return (
          <>
            {place ? (
              <Link path={place} className="text-accent underline underline-offset-3">
                {name}
              </Link>
            ) : (
              <span className="text-muted" title={e.target}>
                {name || w.nothing}
              </span>
            )}
            {e.target && only(a.auditOnlyAbout(name), { target: e.target })}
          </>
        )
      },
    },
    { head: a.auditDetail, cell: (e) => <span className="text-muted">{detailText(e.detail) || w.nothing}</span> },
  ]
}

/** The ledger of one person, for the one who asks who has read along. */
function PersonFile() {
  const a = words()
  const [person, setPerson] = useState<User>()
  const [problem, setProblem] = useState<string>()
  const save = async () => {
    if (!person) return
    try {
      saveFile(`${a.auditFile}-${person.id}.csv`, await api.file(`/audit/file?person=${encodeURIComponent(person.id)}`))
      setProblem(undefined)
    } catch (e) {
      setProblem(refusal(e))
    }
  }
  return (
    <Part title={a.auditPerson} help={a.auditPersonHelp}>
      <Problem text={problem} />
      <div className="flex max-w-2xl flex-wrap items-end gap-2">
        <div className="min-w-60 flex-1">
          <PersonField label={a.auditPersonName} onChange={setPerson} />
        </div>
        <Button disabled={!person} onClick={() => void save()} className="min-h-11 disabled:opacity-50">
          <Download size={15} aria-hidden />
          {a.saveCSV}
        </Button>
      </div>
    </Part>
  )
}

/** Reads the whole chain and says whether it is what was written. */
function Check() {
  const a = words()
  const [result, setResult] = useState<AuditCheck | 'busy'>()
  const [problem, setProblem] = useState<string>()
  const check = async () => {
    setResult('busy')
    setProblem(undefined)
    try {
      setResult(await api.get<AuditCheck>('/audit/check'))
    } catch (e) {
      setResult(undefined)
      setProblem(refusal(e))
    }
  }
  const done = result === 'busy' ? undefined : result
  return (
    <Part title={a.auditCheck} help={a.auditCheckHelp}>
      <Problem text={problem} />
      <div className="flex flex-wrap items-center gap-3">
        <Button disabled={result === 'busy'} onClick={() => void check()}>
          <ShieldCheck size={15} aria-hidden />
          {a.auditCheckRun}
        </Button>
        <span role="status" className={done && !done.intact ? 'text-bad' : 'text-ok'}>
          {result === 'busy' && a.auditChecking}
          {done && (done.intact ? a.auditIntact(number(done.entries)) : a.auditBroken(number(done.entries)))}
        </span>
      </div>
      {done?.intact && (
        <div className="mt-4 max-w-2xl">
          <Copyable label={a.auditHead} value={done.head} />
          <p className="mt-1.5 text-muted">{a.auditHeadHelp}</p>
        </div>
      )}
    </Part>
  )
}
