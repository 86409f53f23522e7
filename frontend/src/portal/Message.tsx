import {
  Check,
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  Copy,
  Headset,
  Pencil,
  RefreshCw,
  StepForward,
  ThumbsDown,
  ThumbsUp,
} from 'lucide-react'
import { lazy, memo, type ReactNode, Suspense, useEffect, useState } from 'react'
import type { Message } from '../chat/chat'
import type { Pending } from '../chat/live'
import type { Failure, Feedback } from '../net/frames'
import { exactly, moment, t, wait } from '../shared/i18n'
import { copyText, Markdown } from '../shared/Markdown'
import { Button, IconButton, Logo } from '../shared/ui'

const FeedbackForm = lazy(() => import('./Forms').then((m) => ({ default: m.FeedbackForm })))
const Editor = lazy(() => import('./Forms').then((m) => ({ default: m.Editor })))

export type Variants = { at: number; of: number; onMove: (to: number) => void }

/** What can be done with a message; what is missing can't. */
export type MessageActions = {
  onRegenerate?: (() => void) | undefined
  onContinue?: (() => void) | undefined
  /** Another model, where this one failed. */
  other?: { name: string; onUse: () => void } | undefined
  onEdit?: ((text: string) => void) | undefined
  onFeedback?: ((f: Feedback | undefined) => void) | undefined
}

type AnswerProps = MessageActions & {
  message: Message
  brand: { name: string; logo: string | undefined }
  /** The model's name as people know it. */
  model: string | undefined
  growing: boolean
  last: boolean
  variants?: Variants | undefined
  /** It is the rest of the answer above it. */
  goesOn?: boolean
  /** Its rest follows. */
  wentOn?: boolean
}

/** An answer of the model or of a person of the staff. */
export const Answer = memo(function Answer({
  message: m,
  brand,
  model,
  growing,
  last,
  variants,
  goesOn,
  wentOn,
  ...actions
}: AnswerProps) {
  const human = m.role === 'agent'
  const author = human ? m.by.name || t.support : t.assistant
  return (
    <article
      aria-label={author}
      aria-busy={growing || undefined}
      className={`group flex gap-3.5 ${goesOn ? '-mt-5' : ''}`}
    >
      {goesOn ? (
        <span className="w-8 shrink-0 max-sm:w-7" />
      ) : human ? (
        <span
          aria-hidden
          className="grid size-8 shrink-0 place-items-center rounded-full border border-line bg-surface text-accent max-sm:size-7"
        >
          <Headset size={16} />
        </span>
      ) : (
        <Logo
          name={brand.name}
          url={brand.logo}
          size="size-8 rounded-[10px] text-[13px] max-sm:size-7 max-sm:rounded-lg max-sm:text-[11px]"
        />
      )}
      <div className="min-w-0 flex-1">
        <header
          className={goesOn ? 'sr-only' : 'mb-1 flex min-h-8 items-center gap-2 text-xs text-muted max-sm:min-h-7'}
        >
          <span className="font-medium text-fg">{author}</span>
          {!human && <span className="rounded border border-line px-1 text-[10.5px] leading-4">{t.aiLabel}</span>}
          {human && <span>{t.support}</span>}
          {model && <span className="truncate">{model}</span>}
          {m.at && (
            <time dateTime={m.at} title={exactly(m.at)} className="sr-only">
              {exactly(m.at)}
            </time>
          )}
        </header>
        {m.reasoning && (
          <details className="mb-3 rounded-xl border border-line px-3 py-2 text-sm text-muted">
            <summary>{t.reasoning}</summary>
            <p className="mt-2 whitespace-pre-wrap">{m.reasoning}</p>
          </details>
        )}
        {growing && m.text === '' ? (
          <Thinking />
        ) : (
          <div className={growing ? 'md growing' : 'md'}>
            <Markdown text={m.text} growing={growing} />
          </div>
        )}
        {!growing && m.run && !wentOn && <Ending message={m} last={last} {...actions} />}
        {m.sources && m.sources.length > 0 && <Sources sources={m.sources} />}
        {!growing && <AnswerTools message={m} last={last} variants={variants} {...actions} />}
      </div>
    </article>
  )
})

/** While no text has come: nothing at first, then what is going on. */
export function Thinking() {
  const [stage, setStage] = useState(0)
  useEffect(() => {
    const soon = setTimeout(() => setStage(1), 400)
    const late = setTimeout(() => setStage(2), 8000)
    return () => {
      clearTimeout(soon)
      clearTimeout(late)
    }
  }, [])
  return (
    <div className="md growing flex items-center gap-2">
      {stage > 0 && (
        <span className="animate-think text-[15px] text-muted">{stage === 1 ? t.thinking : t.stillWorking}</span>
      )}
    </div>
  )
}

/** How an answer ended, when it did not end well, and what to do about it. */
function Ending({
  message: m,
  last,
  onContinue,
  onRegenerate,
  other,
}: MessageActions & { message: Message; last: boolean }) {
  const run = m.run
  if (!run || (run.state === 'complete' && !run.continue) || run.state === 'accepted' || run.state === 'streaming')
    return null
  const why = run.code ? (t.errors[run.code] ?? t.errors.other) : undefined
  const text = {
    complete: t.atLimit,
    stopped: why ?? t.stopped,
    taken_over: t.takenOver,
    interrupted: t.interrupted,
    failed: why ?? t.errors.other,
  }[run.state]
  const failed = run.state === 'failed' || run.state === 'interrupted'
  return (
    <div className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-2 text-sm">
      <p className={`flex items-center gap-2 ${failed ? 'text-bad' : 'text-muted'}`}>
        {failed && <CircleAlert size={15} aria-hidden />}
        {text}
      </p>
      {last && run.state !== 'taken_over' && (
        <div className="flex flex-wrap gap-2">
          {onContinue && m.text !== '' && (
            <Button onClick={onContinue} className="min-h-8">
              <StepForward size={14} aria-hidden />
              {t.continueAnswer}
            </Button>
          )}
          {onRegenerate && (
            <Button onClick={onRegenerate} className="min-h-8">
              <RefreshCw size={14} aria-hidden />
              {failed ? t.retry : t.regenerate}
            </Button>
          )}
          {other && (
            <Button onClick={other.onUse} className="min-h-8">
              {t.useModel(other.name)}
            </Button>
          )}
        </div>
      )}
    </div>
  )
}

/** Whether the answer's end is shown with actions of its own. */
function endedBadly(m: Message): boolean {
  return m.run !== undefined && ['stopped', 'failed', 'interrupted'].includes(m.run.state)
}

function AnswerTools({
  message: m,
  last,
  variants,
  onRegenerate,
  onFeedback,
}: MessageActions & { message: Message; last: boolean; variants?: Variants | undefined }) {
  const [asking, setAsking] = useState(false)
  const vote = m.feedback?.vote
  const reveal = last
    ? ''
    : 'opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100'
  return (
    <>
      <div className={`mt-2 -ml-1.5 flex flex-wrap items-center gap-0.5 ${reveal}`}>
        {variants && <VariantPicker {...variants} />}
        {m.text !== '' && <CopyIcon text={m.text} />}
        {onRegenerate && !(last && endedBadly(m)) && (
          <IconButton label={t.regenerate} onClick={onRegenerate}>
            <RefreshCw size={15} aria-hidden />
          </IconButton>
        )}
        {onFeedback && m.role === 'assistant' && m.text !== '' && (
          <>
            <IconButton
              label={t.good}
              aria-pressed={vote === 'up'}
              onClick={() => onFeedback(vote === 'up' ? undefined : { vote: 'up' })}
            >
              <ThumbsUp size={15} fill={vote === 'up' ? 'currentColor' : 'none'} aria-hidden />
            </IconButton>
            <IconButton
              label={t.bad}
              aria-pressed={vote === 'down'}
              onClick={() => {
                onFeedback(vote === 'down' ? undefined : { vote: 'down' })
                setAsking(vote !== 'down')
              }}
            >
              <ThumbsDown size={15} fill={vote === 'down' ? 'currentColor' : 'none'} aria-hidden />
            </IconButton>
          </>
        )}
      </div>
      {asking && onFeedback && (
        <Suspense>
          <FeedbackForm
            onCancel={() => setAsking(false)}
            onSend={(reason) => {
              setAsking(false)
              onFeedback({ vote: 'down', ...(reason ? { reason } : {}) })
            }}
          />
        </Suspense>
      )}
    </>
  )
}

function VariantPicker({ at, of, onMove }: Variants) {
  return (
    <div className="flex items-center text-xs text-muted tabular-nums">
      <IconButton label={t.previousVariant} disabled={at === 0} onClick={() => onMove(at - 1)}>
        <ChevronLeft size={15} aria-hidden />
      </IconButton>
      <span aria-hidden>
        {at + 1}/{of}
      </span>
      <span className="sr-only">{t.variant(at + 1, of)}</span>
      <IconButton label={t.nextVariant} disabled={at === of - 1} onClick={() => onMove(at + 1)}>
        <ChevronRight size={15} aria-hidden />
      </IconButton>
    </div>
  )
}

function CopyIcon({ text }: { text: string }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    if (!(await copyText(text))) return
    setDone(true)
    setTimeout(() => setDone(false), 1500)
  }
  return (
    <IconButton label={done ? t.copied : t.copyAnswer} onClick={copy}>
      {done ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
    </IconButton>
  )
}

function Sources({ sources }: { sources: NonNullable<Message['sources']> }) {
  return (
    <section aria-label={t.sources} className="mt-4">
      <p aria-hidden className="mb-1.5 text-xs font-medium text-muted">
        {t.sources}
      </p>
      <ol className="flex flex-wrap gap-2">
        {sources.map((s) => (
          <li
            key={s.n}
            title={s.title}
            className="flex max-w-60 items-center gap-1.5 rounded-full border border-line px-2.5 py-1 text-xs"
          >
            <span className="text-muted tabular-nums">{s.n}</span>
            <span className="truncate">{s.title}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

type QuestionProps = {
  text: string
  at?: string
  variants?: Variants | undefined
  onEdit?: ((text: string) => void) | undefined
  /** The box is open for editing. */
  editing?: boolean
  onEditing?: (on: boolean) => void
  children?: ReactNode
}

/** What the person wrote. */
export const Question = memo(function Question({
  text,
  at,
  variants,
  onEdit,
  editing,
  onEditing,
  children,
}: QuestionProps) {
  if (editing && onEdit) {
    return (
      <Suspense>
        <Editor text={text} onDone={onEdit} onCancel={() => onEditing?.(false)} />
      </Suspense>
    )
  }
  return (
    <article aria-label={t.you} className="group flex flex-col items-end">
      <div className="max-w-[85%] rounded-2xl rounded-br-md bg-surface-2 px-4 py-2.5 text-[15.5px] leading-[1.6] whitespace-pre-wrap [overflow-wrap:anywhere] sm:max-w-[80%]">
        {text}
      </div>
      {at && (
        <time dateTime={at} className="sr-only">
          {exactly(at)}
        </time>
      )}
      {children}
      {(onEdit || variants) && (
        <div className="mt-1 flex items-center gap-0.5 opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
          {variants && <VariantPicker {...variants} />}
          <CopyIcon text={text} />
          {onEdit && (
            <IconButton label={t.edit} onClick={() => onEditing?.(true)}>
              <Pencil size={14} aria-hidden />
            </IconButton>
          )}
        </div>
      )}
    </article>
  )
})

/** A message on its way: at once on the screen, and honest about where it is. */
export function PendingQuestion({
  pending: p,
  onRetry,
  onDiscard,
}: {
  pending: Pending
  onRetry: () => void
  onDiscard: () => void
}) {
  const status =
    p.state === 'waiting' ? (
      <p className="mt-1.5 text-xs text-muted">{t.waiting}</p>
    ) : p.state === 'failed' ? (
      <Refusal pending={p} onRetry={onRetry} onDiscard={onDiscard} />
    ) : undefined
  if (p.regen) return status
  return <Question text={p.text}>{status}</Question>
}

/** A message whose turn has not come. */
export function Queued({ onWithdraw }: { onWithdraw: () => void }) {
  return (
    <p className="mt-1 flex items-center gap-1 text-xs text-muted">
      {t.inQueue}
      <Button look="quiet" onClick={onWithdraw} className="min-h-7 px-2 text-xs">
        {t.withdraw}
      </Button>
    </p>
  )
}

function Refusal({ pending: p, onRetry, onDiscard }: { pending: Pending; onRetry: () => void; onDiscard: () => void }) {
  const f = p.failure
  const left = useCountdown(f ? waitOf(f) : 0)
  const later = f?.reset_at !== undefined && left > longWait
  return (
    <div role="alert" className="mt-2 flex flex-wrap items-center justify-end gap-2 text-sm">
      <p className="flex items-center gap-2 text-bad">
        <CircleAlert size={15} aria-hidden />
        {later ? t.quotaFull(moment(f.reset_at ?? '')) : ((f && t.errors[f.code]) ?? t.errors.other)}
        {f?.ref && <span className="text-xs text-muted">{t.reference(f.ref)}</span>}
      </p>
      <Button onClick={onRetry} disabled={left > 0} className="min-h-8 tabular-nums">
        {left > 0 && !later ? t.retryIn(wait(left)) : t.retry}
      </Button>
      <Button look="quiet" onClick={onDiscard} className="min-h-8">
        {t.discard}
      </Button>
    </div>
  )
}

/** A wait that is worth a countdown; longer ones are told as a time. */
const longWait = 10 * 60_000

function waitOf(f: Failure): number {
  if (f.retry_ms) return f.retry_ms
  return f.reset_at ? Math.max(0, Date.parse(f.reset_at) - Date.now()) : 0
}

/** Milliseconds left of a wait that began when the component appeared, by the second. */
function useCountdown(ms: number): number {
  const [end] = useState(() => Date.now() + ms)
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (ms <= 0) return
    const timer = setInterval(() => {
      setNow(Date.now())
      if (Date.now() >= end) clearInterval(timer)
    }, 1000)
    return () => clearInterval(timer)
  }, [ms, end])
  return Math.max(0, end - now)
}

/** A line across the conversation. */
export function Divider({ children }: { children: ReactNode }) {
  return (
    <p className="flex items-center gap-3 text-xs text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
      <span className="max-w-[75%] text-center">{children}</span>
    </p>
  )
}
