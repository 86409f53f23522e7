import { type ReactNode, useId, useSyncExternalStore } from 'react'

/** What is shown of each row in one place; the first column names the row. */
export type Column<R> = { head: string; cell: (row: R) => ReactNode; number?: boolean }

const narrow = matchMedia('(max-width: 639px)')
const onNarrow = (change: () => void) => {
  narrow.addEventListener('change', change)
  return () => narrow.removeEventListener('change', change)
}

/** Rows with columns: a table, and where that has no room a card for each row. `total` is one more row at the end. */
export function Table<R>(props: {
  label: string
  columns: readonly Column<R>[]
  rows: readonly R[]
  keyOf: (row: R) => string
  total?: R | undefined
}) {
  return useSyncExternalStore(onNarrow, () => narrow.matches) ? <Cards {...props} /> : <Grid {...props} />
}

type Props<R> = Parameters<typeof Table<R>>[0]

function Grid<R>({ label, columns, rows, keyOf, total }: Props<R>) {
  const line = (r: R, key: string) => (
    <tr key={key} className="border-t border-line">
      {columns.map((c, i) => {
        const Cell = i === 0 ? 'th' : 'td'
        return (
          <Cell
            key={c.head}
            {...(i === 0 ? { scope: 'row' } : {})}
            className={`px-3 py-1.5 align-top first:font-medium print:py-px ${c.number ? 'text-right whitespace-nowrap tabular-nums' : 'text-left wrap-anywhere'}`}
          >
            {c.cell(r)}
          </Cell>
        )
      })}
    </tr>
  )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className="overflow-x-auto rounded-xl border border-line">
      <table aria-label={label} className="w-full border-collapse print:text-[11px] print:leading-4">
        <thead className="bg-surface-2 text-xs text-muted">
          <tr>
            {columns.map((c) => (
              <th
                key={c.head}
                scope="col"
                className={`px-3 py-2 font-medium whitespace-nowrap print:py-1 ${c.number ? 'text-right' : 'text-left'}`}
              >
                {c.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{rows.map((r) => line(r, keyOf(r)))}</tbody>
        {total && <tfoot className="bg-surface-2 font-medium">{line(total, '')}</tfoot>}
      </table>
    </section>
  )
}

function Cards<R>({ label, columns, rows, keyOf, total }: Props<R>) {
  const [name, ...rest] = columns
  return (
    <ul aria-label={label} className="flex flex-col gap-2">
      {rows.map((r) => (
        <Card key={keyOf(r)} name={name?.cell(r)} row={r} columns={rest} />
      ))}
      {total && <Card name={name?.cell(total)} row={total} columns={rest} />}
    </ul>
  )
}

function Card<R>({ name, row, columns }: { name: ReactNode; row: R; columns: readonly Column<R>[] }) {
  const id = useId()
  return (
    <li aria-labelledby={id} className="rounded-xl border border-line px-4 py-3">
      <div id={id} className="font-medium wrap-anywhere">
        {name}
      </div>
      <dl className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        {columns.map((c) => (
          <div key={c.head} className="contents">
            <dt className="text-muted">{c.head}</dt>
            <dd className="text-right wrap-anywhere tabular-nums">{c.cell(row)}</dd>
          </div>
        ))}
      </dl>
    </li>
  )
}
