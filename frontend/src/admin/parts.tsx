import { Check, Copy } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useConsole } from '../console/session'
import { number, t } from '../shared/i18n'
import { copyText } from '../shared/Markdown'
import { Button, IconButton } from '../shared/ui'
import type { Editing } from './useEdit'
import { words } from './words'

// What the pages of the administration are made of.

/** A page: its heading, what it is for, and what can be begun here. It takes the focus, so that it is read out. */
export function Sheet({
  title,
  help,
  action,
  children,
}: {
  title: string
  help?: ReactNode
  action?: ReactNode
  children: ReactNode
}) {
  const portal = useConsole((s) => s.portal)
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${portal?.name ?? ''}`
  }, [title, portal])
  useEffect(() => heading.current?.focus({ preventScroll: true }), [])
  return (
    <>
      <div className="mb-6 flex flex-wrap items-end justify-between gap-3">
        <div>
          <h1 ref={heading} tabIndex={-1} className="text-lg font-semibold tracking-tight outline-none">
            {title}
            <span className="hidden print:inline"> · {portal?.name}</span>
          </h1>
          {help && <p className="mt-1 max-w-xl text-muted">{help}</p>}
        </div>
        {action}
      </div>
      {children}
    </>
  )
}

/** A part of a page with a heading of its own. */
export function Part({ title, help, children }: { title: string; help?: string; children: ReactNode }) {
  const id = useId()
  return (
    <section aria-labelledby={id} className="mt-10">
      <h2 id={id} className="text-[15px] font-semibold tracking-tight">
        {title}
      </h2>
      {help && <p className="mt-1 max-w-xl text-muted">{help}</p>}
      <div className="mt-3">{children}</div>
    </section>
  )
}

/** Fields of a form that belong together. */
export function Group({ title, help, children }: { title: string; help?: string; children: ReactNode }) {
  return (
    <fieldset className="rounded-xl border border-line p-4">
      <legend className="px-1 text-sm font-medium">{title}</legend>
      {help && <p className="-mt-2 mb-3 text-muted">{help}</p>}
      <div className="flex flex-col gap-4">{children}</div>
    </fieldset>
  )
}

/** What went wrong, and the way to try again where there is one. */
export function Problem({ text, retry }: { text: string | undefined; retry?: (() => void) | undefined }) {
  if (!text) return null
  return (
    <div role="alert" className="mb-4 flex flex-wrap items-center gap-3 text-bad">
      {text}
      {retry && <Button onClick={retry}>{t.retry}</Button>}
    </div>
  )
}

/** Rows are on their way: nothing for a moment, then a word. */
export function Loading() {
  return <p className="animate-late py-10 text-center text-muted">{t.loading}</p>
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="rounded-xl border border-dashed border-line px-4 py-10 text-center text-muted">{children}</p>
}

const box =
  'w-full rounded-lg border border-line bg-bg px-3 text-base outline-none placeholder:text-muted focus:border-accent focus:ring-2 focus:ring-accent/25'

/** A choice of a few. */
export function Choice<V extends string>({
  label,
  value,
  options,
  onChange,
  hidden = false,
}: {
  label: string
  value: V
  options: Record<V, string>
  onChange: (v: V) => void
  /** The label is for screen readers alone: what stands around says it to the eye. */
  hidden?: boolean
}) {
  return (
    <label className="block text-sm font-medium">
      <span className={hidden ? 'sr-only' : 'mb-1.5 block'}>{label}</span>
      <select value={value} onChange={(e) => onChange(e.target.value as V)} className={`min-h-11 font-normal ${box}`}>
        {(Object.entries(options) as [V, string][]).map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

/** One of a few, all in sight. */
export function Segments<V extends string>({
  label,
  value,
  options,
  onChange,
  hidden = false,
}: {
  label: string
  value: V
  options: Record<V, string>
  onChange: (v: V) => void
  /** The label is for screen readers alone. */
  hidden?: boolean
}) {
  const name = useId()
  return (
    <fieldset>
      <legend className={hidden ? 'sr-only' : 'mb-1.5 text-sm font-medium'}>{label}</legend>
      <div className="inline-flex flex-wrap rounded-lg border border-line bg-bg p-0.5">
        {(Object.entries(options) as [V, string][]).map(([key, text]) => (
          <label
            key={key}
            className="grid min-h-8 cursor-pointer place-items-center rounded-md px-2.5 text-muted has-checked:bg-surface-2 has-checked:font-medium has-checked:text-fg has-focus-visible:outline-2 has-focus-visible:outline-accent pointer-coarse:min-h-10"
          >
            <input
              type="radio"
              name={name}
              checked={key === value}
              onChange={() => onChange(key)}
              className="absolute size-px opacity-0"
            />
            {text}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** Something that is on or off, with what it means. */
export function Toggle({
  label,
  help,
  checked,
  onChange,
}: {
  label: string
  help?: ReactNode
  checked: boolean
  onChange: (on: boolean) => void
}) {
  const id = useId()
  return (
    <div className="flex gap-3">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(e) => onChange(e.target.checked)}
        className="mt-0.5 size-4.5 shrink-0 accent-accent"
      />
      <div>
        <label htmlFor={id} className="block cursor-pointer text-sm font-medium pointer-coarse:min-h-8">
          {label}
        </label>
        {help && (
          <div id={`${id}-help`} className="mt-0.5 max-w-xl text-muted">
            {help}
          </div>
        )}
      </div>
    </div>
  )
}

/** A value to carry elsewhere; where the browser does not copy it is at least selected. */
export function Copyable({ label, value }: { label: string; value: string }) {
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  const [done, setDone] = useState(false)
  const copy = async () => {
    field.current?.select()
    setDone(await copyText(value))
    setTimeout(() => setDone(false), 2000)
  }
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <div className="flex items-center gap-1">
        <input ref={field} id={id} readOnly value={value} className={`min-h-11 font-mono text-sm! ${box}`} />
        <IconButton label={done ? t.copied : t.copy} onClick={() => void copy()} className="size-11">
          {done ? <Check size={16} aria-hidden /> : <Copy size={16} aria-hidden />}
        </IconButton>
      </div>
      <span role="status" className="sr-only">
        {done && t.copied}
      </span>
    </div>
  )
}

export function Badge({ look = 'muted', children }: { look?: 'muted' | 'ok' | 'warn' | 'bad'; children: ReactNode }) {
  const looks = { muted: 'text-muted', ok: 'text-ok', warn: 'text-warn', bad: 'text-bad' }
  return (
    <span
      className={`rounded-full border border-line px-2 py-0.5 text-xs font-medium whitespace-nowrap ${looks[look]}`}
    >
      {children}
    </span>
  )
}

/** The ways out of a form that has a page of its own: what was typed stays, or is dropped. */
export function Leave({ edit, to }: { edit: Editing; to: () => void }) {
  const a = words()
  return (
    <>
      <Button onClick={to}>{a.back}</Button>
      {edit.unsaved && (
        <Button
          look="quiet"
          onClick={() => {
            edit.drop()
            to()
          }}
        >
          {a.discard}
        </Button>
      )}
    </>
  )
}

/**
 * A form of a row under edit: it saves, leads to the first wrong field, says what became of it, and shows both versions when
 * two people were at it.
 */
export function EditForm({
  edit,
  save,
  onSubmit,
  children,
  more,
}: {
  edit: Editing
  save: string
  onSubmit: () => Promise<unknown>
  children: ReactNode
  /** Further actions, beside the one that saves. */
  more?: ReactNode
}) {
  const a = words()
  const form = useRef<HTMLFormElement>(null)
  const [done, setDone] = useState(false)
  const [refused, setRefused] = useState(0)
  const { versions, unsaved, busy } = edit
  useEffect(() => {
    if (refused) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [refused])
  useEffect(() => {
    const save = (e: KeyboardEvent) => {
      if (e.key.toLowerCase() !== 's' || !(e.ctrlKey || e.metaKey) || e.altKey || e.shiftKey) return
      e.preventDefault() // the browser would save the page
      if (!document.querySelector('dialog[open]')) form.current?.querySelector<HTMLElement>('[type=submit]')?.click()
    }
    addEventListener('keydown', save)
    return () => removeEventListener('keydown', save)
  }, [])
  return (
    <form
      ref={form}
      className="flex max-w-2xl flex-col gap-5"
      onSubmit={(e) => {
        e.preventDefault()
        setDone(false)
        void onSubmit().then((saved) => {
          setDone(saved !== undefined)
          if (saved === undefined) setRefused((n) => n + 1)
        })
      }}
    >
      {children}
      {versions && (
        <div role="alert" className="rounded-xl border border-warn p-4">
          <p className="font-medium text-warn">{a.conflict}</p>
          <p className="mt-1 text-muted">{versions.showing === 'mine' ? a.conflictMine : a.conflictTheirs}</p>
          <Button className="mt-3" onClick={versions.swap}>
            {versions.showing === 'mine' ? a.showTheirs : a.showMine}
          </Button>
        </div>
      )}
      <Problem text={edit.problem} />
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="main" disabled={busy || !unsaved}>
          {save}
        </Button>
        {more}
        <span role="status" className="px-1 text-muted">
          {busy ? a.saving : unsaved ? a.unsaved : done ? a.saved : ''}
        </span>
      </div>
    </form>
  )
}

const units = ['byte', 'kilobyte', 'megabyte'] as const

/** A size in its largest unit: "12 kB". */
export function sizeText(bytes: number): string {
  const at = bytes < 1024 ? 0 : bytes < 1024 ** 2 ? 1 : 2
  return number(bytes / 1024 ** at, {
    style: 'unit',
    unit: units[at]!,
    unitDisplay: at === 0 ? 'long' : 'short',
    maximumFractionDigits: at === 2 ? 1 : 0,
  })
}
