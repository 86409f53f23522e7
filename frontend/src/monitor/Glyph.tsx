import type { Owner } from '../net/frames'
import { initials } from '../shared/ui'
import type { Need } from './board'

/** A need as a shape, so that it is not told by colour alone. Its name stands beside it, or is read out. */
export function NeedGlyph({ need, name }: { need: Need; name: string }) {
  return (
    <span className="grid size-4 shrink-0 place-items-center" title={name}>
      <svg viewBox="0 0 12 12" className={`size-3 ${colours[need]}`} aria-hidden="true">
        {shapes[need]}
      </svg>
      <span className="sr-only">{name}</span>
    </span>
  )
}

const colours: Record<Need, string> = { risk: 'text-bad', waiting: 'text-warn', active: 'text-ok', idle: 'text-muted' }
const shapes: Record<Need, React.ReactNode> = {
  risk: <path d="M6 1 11.6 11H.4Z" fill="currentColor" strokeLinejoin="round" />,
  waiting: (
    <g fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round">
      <circle cx="6" cy="6" r="4.7" />
      <path d="M6 3.6V6l1.6 1.1" />
    </g>
  ),
  active: <circle cx="6" cy="6" r="4" fill="currentColor" />,
  idle: <circle cx="6" cy="6" r="3.4" fill="none" stroke="currentColor" strokeWidth="1.4" />,
}

/** Who attends, as initials. */
export function OwnerBadge({ owner, label, mine }: { owner: Owner; label: string; mine: boolean }) {
  return (
    <span
      title={label}
      className={`grid h-4.5 min-w-4.5 shrink-0 place-items-center rounded-full px-1 text-[10px] font-semibold ${mine ? 'bg-brand text-brand-fg' : 'bg-surface-2 text-fg'}`}
    >
      <span aria-hidden>{initials(owner.name || '?')}</span>
      <span className="sr-only">{label}</span>
    </span>
  )
}
