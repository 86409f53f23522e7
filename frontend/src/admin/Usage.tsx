import { Download, Printer } from 'lucide-react'
import { useState } from 'react'
import { go, usePlace } from '../console/place'
import { saveFile } from '../console/saveFile'
import { w } from '../console/words'
import { language, number } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Chart } from './Chart'
import { csv } from './csv'
import { amountText, digitsFor, micro, moneyText } from './money'
import { Choice, Empty, Loading, Problem, Segments, Sheet } from './parts'
import { eachDay, type Period, periods, shifted } from './period'
import type { PersonUse, UsageRow } from './rest'
import { type Column, Table } from './Table'
import { useNames } from './useNames'
import { type Grouping, groupings, type Usage as Used, useUsage } from './useUsage'
import { words } from './words'

/** How many days the server counts people apart. */
const daysOfPeople = 40

/** What was used and what it cost: totals, days, and the same in groups. */
export default function Usage() {
  const a = words()
  const query = usePlace((p) => p.query)
  const period = oneOf(periods, query.get('period'), '30d')
  const by = oneOf(groupings, query.get('by'), 'day')
  const show = (c: { period?: Period; by?: Grouping }) =>
    go('/admin/usage', new URLSearchParams({ period, by, ...c }), true)
  const { usage, problem, reload } = useUsage(period, by)
  return (
    <Sheet
      title={a.pages.usage}
      help={usage && a.usageHelp(dayText(usage.from), dayText(usage.to))}
      action={
        usage && (
          <div className="flex flex-wrap gap-2 print:hidden">
            <Save usage={usage} />
            <Button onClick={() => print()}>
              <Printer size={15} aria-hidden />
              {a.print}
            </Button>
          </div>
        )
      }
    >
      <div className="mb-5 flex flex-wrap items-end justify-between gap-4 print:hidden">
        <Segments label={a.usagePeriod} value={period} options={a.periods} onChange={(period) => show({ period })} />
        <div className="w-52 max-sm:w-full">
          <Choice label={a.usageBy} value={by} options={a.groupings} onChange={(by) => show({ by })} />
        </div>
      </div>
      <Problem text={problem} retry={reload} />
      {!usage && !problem && <Loading />}
      {usage && usage.daily.total.runs === 0 && <Empty>{a.usageNone}</Empty>}
      {usage && usage.daily.total.runs > 0 && (
        <>
          <Totals usage={usage} />
          <Days usage={usage} />
          <section aria-label={a.groupings[usage.by]} className="mt-6">
            {usage.by === 'person' ? <People usage={usage} /> : <Groups usage={usage} />}
          </section>
        </>
      )}
    </Sheet>
  )
}

function Totals({ usage: { daily } }: { usage: Used }) {
  const a = words()
  const { total, currency } = daily
  const costs = costsOf(daily.items, currency)
  return (
    <>
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        <Total name={a.usageCost} value={costs.text(total)} main />
        <Total
          name={a.usageRuns}
          value={number(total.runs)}
          more={total.failed > 0 ? a.usageFailed(total.failed) : ''}
        />
        <Total name={a.usageIn} value={number(total.tokens_in)} />
        <Total name={a.usageOut} value={number(total.tokens_out)} />
      </dl>
      {total.unpriced > 0 && <p className="mt-3 text-warn">{a.usageUnpriced(total.unpriced, total.runs)}</p>}
      {total.estimated > 0 && <p className="mt-3 text-muted">{a.usageEstimated(total.estimated)}</p>}
    </>
  )
}

function Total({ name, value, more, main = false }: { name: string; value: string; more?: string; main?: boolean }) {
  return (
    <div className="rounded-xl border border-line px-4 py-3">
      <dt className="text-muted">{name}</dt>
      <dd
        className={`mt-0.5 text-lg font-semibold tracking-tight wrap-anywhere tabular-nums ${main ? 'text-accent' : ''}`}
      >
        {value}
      </dd>
      {more && <dd className="text-muted">{more}</dd>}
    </div>
  )
}

type Measure = 'cost' | 'runs' | 'tokens'

/** The days as bars, by one measure. */
function Days({ usage }: { usage: Used }) {
  const a = words()
  const [measure, setMeasure] = useState<Measure>('runs')
  const { currency, items } = usage.daily
  const costs = costsOf(items, currency)
  const rows = new Map(items.map((r) => [r.key, r]))
  const bars = eachDay(usage).map((day) => {
    const r = rows.get(day)
    const [value, text] = {
      cost: [r?.cost ?? 0, r ? costs.text(r) : '0'] as const,
      runs: [r?.runs ?? 0, number(r?.runs ?? 0)] as const,
      tokens: [r ? r.tokens_in + r.tokens_out : 0, number(r ? r.tokens_in + r.tokens_out : 0)] as const,
    }[measure]
    return { name: dayText(day), value, text }
  })
  const most = bars.reduce((a, b) => (b.value > a.value ? b : a))
  return (
    <section aria-label={a.usageChart} className="mt-6">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2 print:hidden">
        <h2 className="text-[15px] font-semibold tracking-tight">{a.usageChart}</h2>
        <Segments label={a.usageMeasure} value={measure} options={a.measures} onChange={setMeasure} hidden />
      </div>
      <Chart
        label={a.usageChartOf(a.measures[measure], most.name, most.text)}
        note={a.usageMost(most.text, most.name)}
        bars={bars}
      />
    </section>
  )
}

function Groups({ usage: { groups, by } }: { usage: Used }) {
  const a = words()
  const costs = costsOf(groups.items, groups.currency)
  const columns: Column<UsageRow>[] = [
    { head: a.groupings[by], cell: (r) => (r === groups.total ? a.total : keyText(by, r.key)) },
    { head: a.usageRuns, cell: (r) => number(r.runs), number: true },
    { head: a.usageFailures, cell: (r) => number(r.failed), number: true },
    { head: a.usageIn, cell: (r) => number(r.tokens_in), number: true },
    { head: a.usageOut, cell: (r) => number(r.tokens_out), number: true },
    { head: a.usageCost, cell: costs.text, number: true },
  ]
  return <Table label={a.usageTable} columns={columns} rows={groups.items} keyOf={(r) => r.key} total={groups.total} />
}

function People({ usage }: { usage: Used }) {
  const a = words()
  const names = useNames()
  const columns: Column<PersonUse>[] = [
    { head: a.groupings.person, cell: (r) => names.get(r.user_id) ?? a.visitor(r.user_id.slice(-6)) },
    { head: a.usageMessages, cell: (r) => number(r.messages), number: true },
    { head: a.usageTokens, cell: (r) => number(r.tokens), number: true },
  ]
  return (
    <>
      <p className="mb-3 text-muted">
        {usage.from < shifted(usage.to, 1 - daysOfPeople) ? a.usagePeoplePartly(daysOfPeople) : a.usagePeople}
      </p>
      <Table label={a.usageTable} columns={columns} rows={usage.people} keyOf={(r) => r.user_id} />
    </>
  )
}

/** The table on the screen as a file: the same rows, with whole numbers and every digit of the costs. */
function Save({ usage }: { usage: Used }) {
  const a = words()
  const names = useNames()
  const { by, from, to, groups, people } = usage
  const costs = costsOf(groups.items, groups.currency)
  const save = () => {
    const rows =
      by === 'person'
        ? [
            [a.groupings.person, a.userID, a.usageMessages, a.usageTokens],
            ...people.map((p) => [names.get(p.user_id) ?? '', p.user_id, p.messages, p.tokens]),
          ]
        : [
            [
              a.groupings[by],
              a.usageRuns,
              a.usageFailures,
              a.usageIn,
              a.usageOut,
              `${a.usageCost} (${groups.currency})`,
              a.usageNoPrice,
            ],
            ...groups.items.map((r) => [
              by === 'day' ? r.key : keyText(by, r.key),
              r.runs,
              r.failed,
              r.tokens_in,
              r.tokens_out,
              r.cost === null ? '' : amountText(micro(r.cost), costs.digits),
              r.unpriced,
            ]),
          ]
    saveFile(`${a.usageFile}-${from}-${to}-${by}.csv`, csv(rows))
  }
  return (
    <Button onClick={save}>
      <Download size={15} aria-hidden />
      {a.saveCSV}
    </Button>
  )
}

/** The costs of rows with as many digits as none of them is rounded by: what stands below each other adds up. */
function costsOf(rows: readonly UsageRow[], currency: string) {
  const a = words()
  const digits = digitsFor(
    rows.flatMap((r) => (r.cost === null ? [] : [micro(r.cost)])),
    currency,
  )
  const text = (r: UsageRow) => {
    if (r.cost === null) return a.usageUnknown
    const cost = moneyText(micro(r.cost), currency, digits)
    return r.unpriced > 0 ? a.usagePartly(cost, r.unpriced) : cost
  }
  return { digits, text }
}

/** What a group is called. */
function keyText(by: Grouping, key: string): string {
  const a = words()
  switch (by) {
    case 'day':
      return dayText(key)
    case 'channel':
      return w.channel[key] ?? key
    case 'key':
      return a.payers[key] ?? key
    default:
      return key || a.usageNoModel
  }
}

/** A day of the distributor's, which is no moment and so in no zone. */
const dayText = (day: string) =>
  new Intl.DateTimeFormat(language, { dateStyle: 'short', timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`))

const oneOf = <V extends string>(all: readonly V[], v: string | null, otherwise: V) =>
  all.find((x) => x === v) ?? otherwise
