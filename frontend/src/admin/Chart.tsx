import { useId } from 'react'

const width = 720
const height = 120

/** Values over time as bars. It gives an impression; the values themselves stand in a table. */
export function Chart({
  label,
  note,
  bars,
}: {
  label: string
  /** What the eye can't read off the bars. */
  note: string
  bars: readonly { name: string; value: number; text: string }[]
}) {
  const id = useId()
  const most = Math.max(...bars.map((b) => b.value), 0)
  const step = width / Math.max(bars.length, 7)
  return (
    <figure>
      <svg
        viewBox={`0 0 ${width} ${height + 1}`}
        role="img"
        aria-labelledby={id}
        preserveAspectRatio="none"
        className="block h-32 w-full text-accent print:h-20"
      >
        <title id={id}>{label}</title>
        <line x1={0} x2={width} y1={height + 0.5} y2={height + 0.5} className="stroke-line" />
        {bars.map((b, i) => {
          const h = most > 0 ? (b.value / most) * height : 0
          return (
            <g key={b.name}>
              <rect x={i * step} width={step} height={height} fill="transparent">
                <title>{`${b.name}: ${b.text}`}</title>
              </rect>
              <rect
                x={i * step + step * 0.12}
                y={height - h}
                width={step * 0.76}
                height={h}
                fill="currentColor"
                className="pointer-events-none"
              />
            </g>
          )
        })}
      </svg>
      <figcaption aria-hidden className="mt-1 flex justify-between text-xs text-muted tabular-nums">
        <span>{bars[0]?.name}</span>
        <span>{note}</span>
        {bars.length > 1 && <span>{bars.at(-1)?.name}</span>}
      </figcaption>
    </figure>
  )
}
