import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { t } from './i18n'
import { IconButton } from './ui'

/** A native modal dialog: focus trap, Esc and inertness of the rest are the browser's. */
export function Dialog({
  title,
  onClose,
  children,
  wide = false,
  closable = true,
}: {
  title: string
  onClose: () => void
  children: ReactNode
  wide?: boolean
  closable?: boolean
}) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const d = ref.current
    d?.showModal()
    // Where to begin is a field that says so, or the first one; the browser would take the button that closes.
    const field = d?.querySelector<HTMLElement>('[data-begin]') ?? d?.querySelector<HTMLElement>('input')
    field?.focus()
    return () => d?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard closes it with Esc
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault()
        if (closable) onClose()
      }}
      onClick={(e) => closable && e.target === e.currentTarget && onClose()}
      className={`w-[calc(100%-2rem)] rounded-2xl border border-line bg-surface p-0 ${wide ? 'max-w-lg' : 'max-w-sm'}`}
    >
      <div className="p-5">
        <div className="mb-3 flex items-start justify-between gap-4">
          <h2 id={id} className="text-base font-semibold tracking-tight">
            {title}
          </h2>
          {closable && (
            <IconButton label={t.close} onClick={onClose} className="-mt-1 -mr-1.5">
              <X size={17} aria-hidden />
            </IconButton>
          )}
        </div>
        {children}
      </div>
    </dialog>
  )
}
