import { ArrowUp, Square } from 'lucide-react'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { byteLength } from '../shared/bytes'
import { number, t } from '../shared/i18n'
import { readDraft, writeDraft } from './drafts'

export type ComposerProps = {
  /** Names the draft that is kept for this conversation. */
  draft: string
  placeholder: string
  /** An answer is being written: the button stops it. */
  busy: boolean
  /** One more message may be sent while the answer is being written. */
  queue?: boolean
  /** Why nothing can be sent now; the text can still be written. */
  blocked: string | undefined
  /** The most bytes a message may have. */
  most: number
  onSend: (text: string) => void
  onStop: () => void
  onTyping: () => void
  /** Arrow up in an empty box. */
  onEditLast: () => void
  /** Stands below the box instead of the word about AI. */
  notice?: string | undefined
  autoFocus?: boolean
}

const coarse = () => matchMedia('(pointer: coarse)').matches

export function Composer(p: ComposerProps) {
  const [text, setText] = useState(() => readDraft(p.draft))
  const box = useRef<HTMLTextAreaElement>(null)
  const help = useId()
  const over = byteLength(JSON.stringify(text)) - p.most
  const ready = text.trim() !== '' && (!p.busy || p.queue === true) && p.blocked === undefined && over <= 0

  useEffect(() => {
    setText(readDraft(p.draft))
    // On a touch screen the keyboard would cover what the person came to read.
    if (p.autoFocus !== false && !coarse()) box.current?.focus()
  }, [p.draft, p.autoFocus])

  // The height follows the text where the browser does not do it by itself.
  useLayoutEffect(() => {
    const b = box.current
    if (!b || CSS.supports('field-sizing', 'content')) return
    b.style.height = 'auto'
    b.style.height = `${b.scrollHeight}px`
  }, [text])

  const change = (value: string) => {
    setText(value)
    writeDraft(p.draft, value)
    if (value) p.onTyping()
  }
  const send = () => {
    if (!ready) return
    p.onSend(text.trim())
    change('')
    box.current?.focus()
  }
  const key = (e: React.KeyboardEvent<HTMLTextAreaElement>) => {
    if (e.nativeEvent.isComposing) return
    if (e.key === 'Enter' && !e.shiftKey && !coarse()) {
      e.preventDefault()
      send()
    } else if (e.key === 'Escape' && p.busy) {
      e.preventDefault()
      p.onStop()
    } else if (e.key === 'ArrowUp' && text === '') {
      e.preventDefault()
      p.onEditLast()
    }
  }
  const reason = p.blocked ?? (over > 0 ? t.tooLong(number(over)) : undefined)
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        send()
      }}
    >
      <div className="rounded-3xl border border-line bg-surface shadow-[0_1px_2px_rgb(0_0_0/.04),0_8px_24px_-12px_rgb(0_0_0/.12)] transition-colors focus-within:border-accent has-disabled:focus-within:border-accent">
        <div className="flex items-end gap-2 p-2 pl-4">
          <textarea
            ref={box}
            id="composer"
            aria-label={p.placeholder}
            aria-describedby={reason ? help : undefined}
            aria-invalid={over > 0 || undefined}
            placeholder={p.placeholder}
            rows={1}
            value={text}
            onChange={(e) => change(e.target.value)}
            onKeyDown={key}
            enterKeyHint={coarse() ? 'enter' : 'send'}
            className="field-sizing-content max-h-48 min-h-9 flex-1 resize-none bg-transparent py-1.5 text-base leading-6 outline-none placeholder:text-muted pointer-coarse:min-h-11 pointer-coarse:py-2.5"
          />
          {p.busy && !ready ? (
            <button
              type="button"
              onClick={p.onStop}
              aria-label={t.stop}
              title={`${t.stop} (Esc)`}
              className="grid size-9 shrink-0 place-items-center rounded-full bg-fg text-bg transition-opacity hover:opacity-85 pointer-coarse:size-11"
            >
              <Square size={13} fill="currentColor" aria-hidden />
            </button>
          ) : (
            <button
              type="submit"
              aria-label={t.send}
              title={t.send}
              disabled={!ready}
              className="grid size-9 shrink-0 place-items-center rounded-full bg-brand text-brand-fg transition-colors disabled:bg-surface-2 disabled:text-muted pointer-coarse:size-11"
            >
              <ArrowUp size={18} aria-hidden />
            </button>
          )}
        </div>
      </div>
      <p id={help} className="min-h-8 pt-2 text-center text-xs text-muted">
        {reason ?? p.notice ?? t.aiNotice}
      </p>
    </form>
  )
}

export function focusComposer() {
  document.getElementById('composer')?.focus()
}
