import { CheckCheck, ChevronsDown, CircleAlert, Clock, Headset, ThumbsDown, ThumbsUp } from 'lucide-react'
import { memo, type ReactNode, useMemo, useRef, useState } from 'react'
import type { Chat, Message } from '../chat/chat'
import type { Pending } from '../chat/live'
import { w } from '../console/words'
import type { Feedback, Owner, StaffEntry } from '../net/frames'
import { useFollow } from '../shared/follow'
import { exactly, t } from '../shared/i18n'
import { Markdown } from '../shared/Markdown'
import { Button } from '../shared/ui'
import { mask } from './mask'
import * as store from './store'
import { clock } from './time'
import { type Item, timeline } from './timeline'

type Props = {
  chat: Chat
  staff: readonly StaffEntry[]
  pending: readonly Pending[]
  typing: string | undefined
  /** Personal data is hidden. */
  masked: boolean
  /** The connection is there; only then does anything count as live. */
  current: boolean
}

/** The conversation as it happens, with what only the staff sees between it. */
export function Transcript({ chat, staff, pending, typing, masked, current }: Props) {
  const box = useRef<HTMLElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { away, toEnd } = useFollow(box, content)
  const items = useMemo(() => timeline(chat, staff), [chat, staff])
  const [loadingOlder, setLoadingOlder] = useState(false)
  const waiting = pending.filter((p) => !chat.messages.some((m) => m.cid === p.cid))
  const show = masked ? mask : same

  const older = async () => {
    const b = box.current
    const fromEnd = b ? b.scrollHeight - b.scrollTop : 0
    setLoadingOlder(true)
    await store.loadOlder(chat.conv)
    setLoadingOlder(false)
    // The person keeps looking at the same place.
    requestAnimationFrame(() => {
      if (b) b.scrollTop = b.scrollHeight - fromEnd
    })
  }
  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={box}
        aria-label={w.transcript}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        className="h-full overflow-y-auto overscroll-contain focus-visible:outline-offset-[-2px]"
      >
        <div ref={content} className="mx-auto flex min-h-full max-w-[46rem] flex-col gap-5 px-4 pt-5 pb-11 md:px-6">
          {chat.more && (
            <Button look="quiet" className="self-center" disabled={loadingOlder} onClick={() => void older()}>
              {loadingOlder ? w.loading : w.earlier}
            </Button>
          )}
          {items.map((i) => (
            <Entry key={i.id} item={i} show={show} />
          ))}
          {waiting.map((p) => (
            <Sending key={p.cid} pending={p} />
          ))}
          {store.isClosed(chat) && <Rule>{w.closedConv}</Rule>}
          {typing && <p className="text-xs text-muted">{w.typing(show(typing))}</p>}
        </div>
      </section>
      <LivePill live={current && !away} away={away} onResume={() => toEnd(true)} current={current} />
    </div>
  )
}

const same = (s: string) => s

/** "Ao vivo" while the end is in view and the connection there; otherwise the way back. */
function LivePill({
  live,
  away,
  current,
  onResume,
}: {
  live: boolean
  away: boolean
  current: boolean
  onResume: () => void
}) {
  if (live || !away)
    return (
      <span
        className={`pointer-events-none absolute right-4 bottom-2.5 flex items-center gap-1.5 rounded-full border border-line bg-surface/90 px-2 py-0.5 text-xs ${current ? 'text-ok' : 'text-warn'}`}
      >
        <span className="size-1.5 rounded-full bg-current" aria-hidden />
        {current ? w.live : w.paused}
      </span>
    )
  return (
    <button
      type="button"
      onClick={onResume}
      title={w.resume}
      className="absolute bottom-3 left-1/2 flex min-h-8 -translate-x-1/2 items-center gap-1.5 rounded-full border border-line bg-surface px-3 text-xs font-medium shadow-[0_4px_16px_-4px_rgb(0_0_0/.2)] hover:bg-surface-2 pointer-coarse:min-h-11"
    >
      <ChevronsDown size={14} aria-hidden />
      {w.paused}
      <span className="text-muted">· {w.resume}</span>
    </button>
  )
}

const Entry = memo(function Entry({ item, show }: { item: Item; show: (s: string) => string }) {
  switch (item.is) {
    case 'message':
      return <MessageEntry message={item.message} growing={item.growing} show={show} />
    case 'owner':
      return <Rule>{ownerText(item.owner)}</Rule>
    case 'staff':
      return <StaffNote entry={item.entry} show={show} />
  }
})

function ownerText(o: Owner): string {
  if (o.kind === 'human') return w.took(o.name || w.someone)
  return o.kind === 'queue' ? w.queued : w.released
}

function MessageEntry({
  message: m,
  growing,
  show,
}: {
  message: Message
  growing: boolean
  show: (s: string) => string
}) {
  const time = m.at && (
    <time dateTime={m.at} title={exactly(m.at)} className="tabular-nums">
      {clock(m.at)}
    </time>
  )
  if (m.role === 'user') {
    return (
      <article aria-label={w.customer} className="flex flex-col items-end gap-1">
        <div className="max-w-[85%] rounded-2xl rounded-br-md bg-surface-2 px-3.5 py-2 text-[14.5px] leading-[1.6] whitespace-pre-wrap [overflow-wrap:anywhere]">
          {show(m.text)}
        </div>
        <span className="text-[11px] text-muted">{time}</span>
      </article>
    )
  }
  const human = m.role === 'agent'
  return (
    <article aria-label={human ? m.by.name || w.someone : w.ai} aria-busy={growing || undefined} data-answer>
      <header className="mb-1 flex items-center gap-1.5 text-xs text-muted">
        {human && <Headset size={13} className="text-accent" aria-hidden />}
        <span className={human ? 'font-medium text-fg' : 'font-medium'}>{human ? m.by.name || w.someone : w.ai}</span>
        {!human && <span className="rounded border border-line px-1 text-[10.5px] leading-4">{w.aiTag}</span>}
        {m.run?.model && <span className="truncate">{m.run.model}</span>}
        {time}
      </header>
      <div className={`md md-dense ${growing ? 'growing' : ''}`}>
        <Markdown text={show(m.text)} growing={growing} />
      </div>
      {!growing && m.run && <Ending message={m} />}
      {m.feedback && <Vote feedback={m.feedback} show={show} />}
    </article>
  )
}

/** How an answer ended, when it is not complete. */
function Ending({ message: m }: { message: Message }) {
  const run = m.run!
  const why = run.code ? (t.errors[run.code] ?? t.errors.other) : undefined
  const text = {
    stopped: why ?? t.stopped,
    taken_over: t.takenOver,
    interrupted: t.interrupted,
    failed: why ?? t.errors.other,
    complete: undefined,
    accepted: undefined,
    streaming: undefined,
  }[run.state]
  if (!text) return null
  return (
    <p
      className={`mt-1.5 flex items-center gap-1.5 text-xs ${run.state === 'failed' || run.state === 'interrupted' ? 'text-bad' : 'text-muted'}`}
    >
      <CircleAlert size={13} aria-hidden />
      {text}
    </p>
  )
}

/** What the customer thinks of an answer. */
function Vote({ feedback: f, show }: { feedback: Feedback; show: (s: string) => string }) {
  const up = f.vote === 'up'
  const Thumb = up ? ThumbsUp : ThumbsDown
  return (
    <p className={`mt-1.5 flex items-center gap-1.5 text-xs ${up ? 'text-muted' : 'text-warn'}`}>
      <Thumb size={13} className="shrink-0" aria-hidden />
      {up ? w.votedUp : w.votedDown}
      {f.reason && <span className="text-muted [overflow-wrap:anywhere]">“{show(f.reason)}”</span>}
    </p>
  )
}

/** What the staff said among themselves or to the AI: never the look of a message. */
function StaffNote({ entry: e, show }: { entry: StaffEntry; show: (s: string) => string }) {
  const name = e.by.name || w.someone
  if (e.k !== 'whisper' && e.k !== 'note') return <Rule quiet>{e.k === 'watch' ? w.watching(name) : w.left(name)}</Rule>
  const toAI = e.k === 'whisper'
  return (
    <article
      aria-label={toAI ? w.whisperOf(name) : w.noteOf(name)}
      className={`rounded-xl border border-dashed px-3.5 py-2.5 ${toAI ? 'border-warn/70' : 'border-line'}`}
    >
      <header className="flex flex-wrap items-center gap-x-2 text-xs">
        <span className={`font-semibold ${toAI ? 'text-warn' : ''}`}>
          {toAI ? w.whisperOf(name) : w.noteOf(name)} ({w.unseen})
        </span>
        {toAI && (
          <span className="flex items-center gap-1 text-muted">
            {e.applied ? <CheckCheck size={13} aria-hidden /> : <Clock size={12} aria-hidden />}
            {e.applied ? w.whisperApplied : w.whisperNext}
          </span>
        )}
        <time dateTime={e.at} title={exactly(e.at)} className="ml-auto text-muted tabular-nums">
          {clock(e.at)}
        </time>
      </header>
      <p className="mt-1 text-[13.5px] leading-relaxed whitespace-pre-wrap text-muted [overflow-wrap:anywhere]">
        {show(e.text ?? '')}
      </p>
    </article>
  )
}

function Sending({ pending: p }: { pending: Pending }) {
  return (
    <div className="text-[14.5px] leading-[1.6]">
      <p className="whitespace-pre-wrap text-muted [overflow-wrap:anywhere]">{p.text}</p>
      {p.state === 'failed' ? (
        <div role="alert" className="mt-1.5 flex flex-wrap items-center gap-2 text-xs text-bad">
          {(p.failure && t.errors[p.failure.code]) ?? w.failedSend}
          <Button className="min-h-7" onClick={() => store.retry(p.cid)}>
            {w.retry}
          </Button>
          <Button look="quiet" className="min-h-7" onClick={() => store.discard(p.cid)}>
            {w.discard}
          </Button>
        </div>
      ) : (
        <p className="mt-1 text-xs text-muted">{p.state === 'waiting' ? w.waitingSend : w.pendingSend}</p>
      )}
    </div>
  )
}

/** A line across the conversation. */
function Rule({ children, quiet = false }: { children: ReactNode; quiet?: boolean }) {
  if (quiet) return <p className="text-center text-[11.5px] text-muted">{children}</p>
  return (
    <p className="flex items-center gap-3 text-xs text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
      <span className="max-w-[75%] text-center font-medium">{children}</span>
    </p>
  )
}
