import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { IconButton } from '../shared/ui'
import { Choice, Problem } from './parts'
import type { LLMConfig } from './rest'
import { useRows } from './useRows'
import { words } from './words'

/** Which ways to reach models are asked when one fails: a chain, in order. */
export function Reserve({
  id,
  value,
  onChange,
}: {
  /** The way that the chain is for; it can't be its own reserve. */
  id: string
  value: readonly string[]
  onChange: (ids: readonly string[]) => void
}) {
  const a = words()
  const { rows = [], problem, reload } = useRows<LLMConfig>('/llm-configs')
  const names = new Map(rows.map((r) => [r.id, r.name]))
  const nameOf = (of: string) => names.get(of) ?? '…'
  const others = rows.filter((r) => r.id !== id && !value.includes(r.id))

  // The button that moved a way stays in the hand: the next press moves it on.
  const chain = useRef<HTMLOListElement>(null)
  const [moved, setMoved] = useState<{ id: string; by: number; said: string }>()
  useEffect(() => {
    if (!moved) return
    const buttons = chain.current?.querySelectorAll<HTMLButtonElement>(`[data-way="${moved.id}"] button`) ?? []
    const [up, down] = buttons
    const pressed = moved.by < 0 ? up : down
    ;(pressed?.disabled ? (moved.by < 0 ? down : up) : pressed)?.focus()
  }, [moved])
  const move = (at: number, by: number) => {
    const next = [...value]
    const [way] = next.splice(at, 1)
    next.splice(at + by, 0, way!)
    onChange(next)
    setMoved({ id: way!, by, said: a.reservePlace(nameOf(way!), at + by + 1) })
  }
  return (
    <fieldset>
      <legend className="text-sm font-medium">{a.reserve}</legend>
      <p className="text-muted">{others.length > 0 || value.length > 0 ? a.reserveHelp : a.reserveNone}</p>
      <Problem text={problem} retry={() => void reload()} />
      {value.length > 0 && (
        <ol ref={chain} className="mt-2 divide-y divide-line rounded-xl border border-line">
          {value.map((way, i) => (
            <li key={way} data-way={way} className="flex items-center gap-1 py-1 pr-1 pl-4">
              <span className="text-muted tabular-nums">{i + 1}.</span>
              <span className="min-w-0 flex-1 px-1 wrap-anywhere">{nameOf(way)}</span>
              <IconButton label={a.reserveUp(nameOf(way))} disabled={i === 0} onClick={() => move(i, -1)}>
                <ArrowUp size={15} aria-hidden />
              </IconButton>
              <IconButton
                label={a.reserveDown(nameOf(way))}
                disabled={i === value.length - 1}
                onClick={() => move(i, 1)}
              >
                <ArrowDown size={15} aria-hidden />
              </IconButton>
              <IconButton label={a.reserveRemove(nameOf(way))} onClick={() => onChange(value.filter((x) => x !== way))}>
                <X size={15} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ol>
      )}
      {others.length > 0 && value.length < 10 && (
        <div className="mt-2">
          <Choice
            label={a.reserveAdd}
            hidden
            value=""
            options={{ '': a.reserveAdd, ...Object.fromEntries(others.map((r) => [r.id, r.name])) }}
            onChange={(way: string) => way && onChange([...value, way])}
          />
        </div>
      )}
      <span role="status" className="sr-only">
        {moved?.said}
      </span>
    </fieldset>
  )
}
