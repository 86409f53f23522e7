import { type ReactNode, useEffect, useId, useRef, useState } from 'react'

type ButtonProps = React.ComponentProps<'button'>

const looks = {
  plain: 'border border-line bg-surface hover:bg-surface-2',
  main: 'bg-brand text-brand-fg hover:ring-2 hover:ring-accent/25 disabled:opacity-50',
  bad: 'border border-line text-bad hover:bg-surface-2',
  quiet: 'text-muted hover:bg-surface-2 hover:text-fg',
}

export function Button({ look = 'plain', className = '', ...rest }: ButtonProps & { look?: keyof typeof looks }) {
  return (
    <button
      type="button"
      {...rest}
      className={`inline-flex min-h-9 items-center justify-center gap-2 rounded-lg px-3 text-sm font-medium transition-colors pointer-coarse:min-h-11 ${looks[look]} ${className}`}
    />
  )
}

/** A button that shows only an icon; its label is its name and its tooltip. */
export function IconButton({ label, className = '', ...rest }: ButtonProps & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={`grid size-8 shrink-0 place-items-center rounded-lg text-muted transition-colors hover:bg-surface-2 hover:text-fg disabled:opacity-40 aria-pressed:text-accent pointer-coarse:size-11 ${className}`}
    />
  )
}

export type MenuItem = { label: string; icon?: ReactNode; run: () => void; bad?: boolean } | 'line'

/** A button with a menu of actions: arrows move, Esc closes and gives the focus back (the browser's popover does). */
export function Menu({
  label,
  trigger,
  items,
  className = '',
  header,
  labelled = false,
}: {
  label: string
  /** The trigger's content names the button; the label names the menu alone. */
  labelled?: boolean
  trigger: ReactNode
  items: MenuItem[]
  className?: string
  header?: ReactNode
}) {
  const button = useRef<HTMLButtonElement>(null)
  const panel = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const id = useId()

  const entries = () => [...(panel.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])]
  const place = () => {
    const b = button.current?.getBoundingClientRect()
    const p = panel.current
    if (!b || !p) return
    const { offsetWidth: w, offsetHeight: h } = p
    const below = b.bottom + 4 + h <= innerHeight - 8
    p.style.left = `${Math.max(8, Math.min(b.right - w > 8 ? b.right - w : b.left, innerWidth - w - 8))}px`
    p.style.top = `${Math.max(8, below ? b.bottom + 4 : b.top - 4 - h)}px`
  }
  useEffect(() => {
    const p = panel.current
    if (!p) return
    const toggled = (e: Event) => {
      const now = (e as ToggleEvent).newState === 'open'
      setOpen(now)
      if (!now) return
      place()
      entries()[0]?.focus()
    }
    p.addEventListener('toggle', toggled)
    return () => p.removeEventListener('toggle', toggled)
  })
  const move = (e: React.KeyboardEvent) => {
    const all = entries()
    const at = all.indexOf(document.activeElement as HTMLElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key]
    if (to === undefined) return
    e.preventDefault()
    all[(to + all.length) % all.length]?.focus()
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        aria-label={labelled ? undefined : label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        popoverTarget={id}
        className={className}
      >
        {trigger}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        onKeyDown={move}
        className="fixed m-0 min-w-48 rounded-xl border border-line bg-surface p-1 text-fg shadow-[0_8px_28px_-8px_rgb(0_0_0/.25)]"
      >
        {header}
        {items.map((item, i) =>
          item === 'line' ? (
            <hr key={i} className="my-1 border-line" />
          ) : (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                panel.current?.hidePopover()
                item.run()
              }}
              className={`flex min-h-9 w-full items-center gap-2.5 rounded-lg px-2.5 text-left text-sm hover:bg-surface-2 focus-visible:bg-surface-2 focus-visible:outline-offset-[-2px] pointer-coarse:min-h-11 ${item.bad ? 'text-bad' : ''}`}
            >
              {item.icon}
              {item.label}
            </button>
          ),
        )}
      </div>
    </>
  )
}

/** The tenant's logo, or its initials on its colour. */
export function Logo({
  name,
  url,
  size = 'size-8 rounded-[10px] text-[13px]',
}: {
  name: string
  url?: string | undefined
  size?: string
}) {
  const [broken, setBroken] = useState(false)
  // Only this server's own pictures: a page asks nobody else for anything.
  if (url && /^\/(?!\/)/.test(url) && !broken) {
    return <img src={url} alt="" onError={() => setBroken(true)} className={`shrink-0 object-contain ${size}`} />
  }
  return (
    <span
      aria-hidden
      className={`grid shrink-0 place-items-center bg-brand font-bold text-brand-fg select-none ${size}`}
    >
      {initials(name)}
    </span>
  )
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/)
  const first = [...(words[0] ?? '')][0] ?? '?'
  const last = words.length > 1 ? ([...words.at(-1)!][0] ?? '') : ''
  return (first + last).toUpperCase()
}

/** A part of a whole as a thin bar. */
export function Bar({ value, label }: { value: number; label: string }) {
  const full = value >= 1
  return (
    <progress
      aria-label={label}
      value={Math.min(1, value)}
      max={1}
      className={`block h-1.5 w-full appearance-none overflow-hidden rounded-full bg-surface-2 [&::-moz-progress-bar]:bg-current [&::-webkit-progress-bar]:bg-surface-2 [&::-webkit-progress-value]:rounded-full [&::-webkit-progress-value]:bg-current ${full ? 'text-bad' : value >= 0.8 ? 'text-warn' : 'text-accent'}`}
    />
  )
}
