// The forms inside of messages; needed seldom, so loaded after the page.
import { useState } from 'react'
import { t } from '../shared/i18n'
import { Button } from '../shared/ui'

/** What the person thinks of a conversation that has ended; it can be thought again. */
export function RatingForm({ onSend }: { onSend: (score: number, comment: string) => Promise<boolean> }) {
  const [score, setScore] = useState(0)
  const [text, setText] = useState('')
  const [sent, setSent] = useState(false)
  if (sent) return <p className="text-sm text-muted">{t.feedbackThanks}</p>
  return (
    <form
      className="w-full max-w-sm text-center"
      onSubmit={async (e) => {
        e.preventDefault()
        setSent(await onSend(score, text.trim()))
      }}
    >
      <fieldset>
        <legend className="mx-auto mb-2.5 text-sm font-medium">{t.rate}</legend>
        <div className="flex justify-center gap-2">
          {t.rateScores.map((name, i) => (
            <button
              key={name}
              type="button"
              aria-label={`${i + 1}: ${name}`}
              title={name}
              aria-pressed={score === i + 1}
              onClick={() => setScore(i + 1)}
              className="size-9 rounded-full border border-line text-sm text-muted hover:text-fg aria-pressed:border-accent aria-pressed:bg-soft aria-pressed:text-fg pointer-coarse:size-11"
            >
              {i + 1}
            </button>
          ))}
        </div>
        {score > 0 && (
          <textarea
            aria-label={t.rateHint}
            placeholder={t.rateHint}
            value={text}
            maxLength={1000}
            rows={2}
            onChange={(e) => setText(e.target.value)}
            className="mt-3 w-full resize-none rounded-lg border border-line bg-bg p-2.5 text-base outline-none placeholder:text-muted focus:border-accent sm:text-sm"
          />
        )}
      </fieldset>
      {score > 0 && (
        <Button type="submit" look="main" className="mt-2">
          {t.feedbackSend}
        </Button>
      )}
    </form>
  )
}

export function FeedbackForm({ onSend, onCancel }: { onSend: (reason: string) => void; onCancel: () => void }) {
  const [picked, setPicked] = useState<string>()
  const [text, setText] = useState('')
  return (
    <form
      className="mt-2 rounded-xl border border-line bg-surface p-4"
      onSubmit={(e) => {
        e.preventDefault()
        onSend([picked, text.trim()].filter(Boolean).join(': '))
      }}
    >
      <fieldset>
        <legend className="mb-2.5 text-sm font-medium">{t.feedbackTitle}</legend>
        <div className="flex flex-wrap gap-2">
          {t.feedbackReasons.map((r) => (
            <button
              key={r}
              type="button"
              aria-pressed={picked === r}
              onClick={() => setPicked(picked === r ? undefined : r)}
              className="min-h-8 rounded-full border border-line px-3 text-sm text-muted hover:text-fg aria-pressed:border-accent aria-pressed:bg-soft aria-pressed:text-fg pointer-coarse:min-h-11"
            >
              {r}
            </button>
          ))}
        </div>
        <textarea
          aria-label={t.feedbackTitle}
          placeholder={t.feedbackHint}
          value={text}
          maxLength={500}
          rows={2}
          onChange={(e) => setText(e.target.value)}
          className="mt-3 w-full resize-none rounded-lg border border-line bg-bg p-2.5 text-base outline-none placeholder:text-muted focus:border-accent sm:text-sm"
        />
      </fieldset>
      <div className="mt-3 flex gap-2">
        <Button type="submit" look="main">
          {t.feedbackSend}
        </Button>
        <Button look="quiet" onClick={onCancel}>
          {t.cancel}
        </Button>
      </div>
    </form>
  )
}

export function Editor({
  text,
  onDone,
  onCancel,
}: {
  text: string
  onDone: (text: string) => void
  onCancel: () => void
}) {
  const [value, setValue] = useState(text)
  const done = () => {
    if (value.trim() && value.trim() !== text) onDone(value.trim())
    onCancel()
  }
  return (
    <form
      className="ml-auto w-full rounded-2xl border border-accent bg-surface p-3 sm:w-[85%]"
      onSubmit={(e) => {
        e.preventDefault()
        done()
      }}
    >
      <textarea
        aria-label={t.editMessage}
        value={value}
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to edit
        autoFocus
        onFocus={(e) => e.currentTarget.setSelectionRange(value.length, value.length)}
        onChange={(e) => setValue(e.target.value)}
        onKeyDown={(e) => {
          if (e.nativeEvent.isComposing) return
          if (e.key === 'Escape') onCancel()
          if (e.key === 'Enter' && !e.shiftKey && !matchMedia('(pointer: coarse)').matches) {
            e.preventDefault()
            done()
          }
        }}
        className="field-sizing-content max-h-60 min-h-12 w-full resize-none bg-transparent px-1 text-base outline-none"
      />
      <div className="mt-2 flex justify-end gap-2">
        <Button look="quiet" onClick={onCancel}>
          {t.cancel}
        </Button>
        <Button type="submit" look="main" disabled={!value.trim()}>
          {t.send}
        </Button>
      </div>
    </form>
  )
}
