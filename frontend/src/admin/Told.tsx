import { CircleAlert, CircleCheck, CircleDashed, CircleX } from 'lucide-react'
import type { Verdict } from './verdict'

const icons = { ok: CircleCheck, warn: CircleAlert, bad: CircleX, muted: CircleDashed }
const colors = { ok: 'text-ok', warn: 'text-warn', bad: 'text-bad', muted: 'text-muted' }

/** How something went; each kind has a shape of its own, not its colour alone. */
export function Told({ look, text }: Verdict) {
  const Icon = icons[look]
  return (
    <span className={`inline-flex items-start gap-1.5 ${colors[look]}`}>
      <Icon size={14} aria-hidden className="mt-0.75 shrink-0" />
      {text}
    </span>
  )
}
