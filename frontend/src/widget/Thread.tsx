import { useEffect, useMemo, useRef, useState } from 'react'
import type { Chat, Message } from '../chat/chat'
import type { Pending } from '../chat/live'
import { path } from '../chat/tree'
import type { Owner } from '../net/frames'
import { useFollow } from '../shared/follow'
import { moment, t } from '../shared/i18n'
import { Markdown } from '../shared/Markdown'
import { config } from './config'
import { Rating } from './Rating'
import { again, canRate, chatOf, discard, goOn, isOver, resend, type State, startAnew } from './store'
import { own, words } from './texts'
import { Again, Unavailable } from './Unavailable'

/** After so long without a token the wait gets a word. */
const thinkAfter = 400
const stillAfter = 8000

/** Refusals that no retry of the visitor's mends. */
const outage = (code: string | undefined) => /^(quota_|llm_|store_|bus_)/.test(code ?? '')

export function Thread({ s }: { s: State }) {
  const w = words()
  const chat = chatOf(s)
  const steps = useMemo(() => (chat ? path(chat) : []), [chat])
  const pending = s.live.pending.filter((p) => p.conv === s.conv && !chat?.messages.some((m) => m.cid === p.cid))
  const box = useRef<HTMLElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { away, toEnd } = useFollow(box, content)
  const typing = s.conv ? s.live.typing[s.conv] : undefined
  const busy = pending.some((p) => p.state === 'sending' || p.state === 'accepted')
  const open = chat?.messages.find((m) => m.id === chat.open?.msg)
  const notes = (after: string | undefined) =>
    chat?.notes
      .filter((n) => n.after === after)
      .map((n) => (
        <p key={n.id} className="note">
          {noteOf(n.owner)}
        </p>
      ))

  // A new message of one's own brings the end into view.
  useEffect(() => toEnd(), [pending.length, toEnd])

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <main ref={box} tabIndex={0} aria-label={w.messages}>
      <div ref={content} className="thread">
        <article className="theirs">
          <p className="md">{own(config.greeting) || w.greeting(config.name)}</p>
        </article>
        {notes(undefined)}
        {steps.map(({ message: m, parent }, i) => (
          <div key={m.id} className="turn">
            <One
              m={m}
              chat={chat!}
              last={i === steps.length - 1}
              question={chat!.messages.find((q) => q.id === parent)}
            />
            {notes(m.id)}
          </div>
        ))}
        {pending.map((p) => (
          <Waiting key={p.cid} p={p} />
        ))}
        {(busy || (open && !open.text)) && <Thinking />}
        {typing && <p className="note">{t.typing(typing.name)}</p>}
        {chat && chat.owner.kind !== 'ai' && config.hours && !config.hours.open && config.hours.open_at && (
          <p className="note">{w.away(moment(config.hours.open_at))}</p>
        )}
        {s.conv && s.live.watched[s.conv] && chat?.owner.kind !== 'human' && <p className="note">{t.watched}</p>}
        {isOver(chat) && canRate() && <Rating key={s.conv} />}
        {isOver(chat) && (
          <p className="note">
            {t.closed}{' '}
            <button type="button" className="link" onClick={startAnew}>
              {t.closedAction}
            </button>
          </p>
        )}
        {s.closed && <Unavailable closed={s.closed} />}
      </div>
      {away && (
        <button type="button" className="end" onClick={() => toEnd(true)}>
          ↓ {t.newAnswer}
        </button>
      )}
    </main>
  )
}

function noteOf(o: Owner): string {
  if (o.kind === 'human') return t.joined(o.name || t.support)
  return o.kind === 'queue' ? t.queued : t.backToAI
}

function One({ m, chat, last, question }: { m: Message; chat: Chat; last: boolean; question: Message | undefined }) {
  if (m.role === 'user')
    return (
      <article className="mine" aria-label={t.you}>
        {m.text}
      </article>
    )
  const growing = chat.open?.msg === m.id
  const who = m.role === 'agent' ? m.by.name || t.support : t.assistant
  const state = m.run?.state
  const ended =
    state === 'stopped'
      ? t.stopped
      : state === 'taken_over'
        ? t.takenOver
        : state === 'interrupted'
          ? t.interrupted
          : ''
  if (growing && !m.text) return null
  return (
    <article className="theirs" aria-label={who} aria-busy={growing}>
      {m.role === 'agent' && <p className="who">{who}</p>}
      <div className={growing ? 'md growing' : 'md'}>
        <Markdown text={m.text} growing={growing} />
      </div>
      {ended && <p className="how">{ended}</p>}
      {(state === 'failed' || state === 'interrupted') && (
        <p className="how bad">
          {state === 'failed' && (t.errors[m.run?.code ?? ''] ?? t.errors.other)}{' '}
          {last && question && chat.owner.kind === 'ai' && (
            <button type="button" className="link" onClick={() => again(question)}>
              {t.retry}
            </button>
          )}
        </p>
      )}
      {m.run?.continue && last && chat.owner.kind === 'ai' && (
        <p className="how">
          <button type="button" className="link" onClick={() => goOn(m.id)}>
            {t.continueAnswer}
          </button>
        </p>
      )}
      {last && state === 'failed' && outage(m.run?.code) && <Unavailable closed={{ why: 'unavailable' }} />}
    </article>
  )
}

/** A message of one's own that the server has not taken in yet. */
function Waiting({ p }: { p: Pending }) {
  const code = p.failure?.code
  const at = useMemo(() => (p.failure?.retry_ms ? Date.now() + p.failure.retry_ms : 0), [p.failure])
  return (
    <>
      {!p.regen && (
        <article className="mine" aria-label={t.you}>
          {p.text}
        </article>
      )}
      {p.state === 'waiting' && <p className="note">{t.waiting}</p>}
      {p.state === 'failed' &&
        (outage(code) && !p.failure?.retry ? (
          <Unavailable
            closed={{ why: 'unavailable', ...(p.failure?.reset_at ? { until: p.failure.reset_at } : {}) }}
            again={() => resend(p)}
          />
        ) : (
          <p className="how bad" role="alert">
            {t.errors[code ?? ''] ?? t.errors.other} <Again className="link" at={at} act={() => resend(p)} />{' '}
            <button type="button" className="link" onClick={() => discard(p)}>
              {t.discard}
            </button>
          </p>
        ))}
    </>
  )
}

function Thinking() {
  const [text, setText] = useState('')
  useEffect(() => {
    const a = setTimeout(() => setText(t.thinking), thinkAfter)
    const b = setTimeout(() => setText(t.stillWorking), stillAfter)
    return () => {
      clearTimeout(a)
      clearTimeout(b)
    }
  }, [])
  return <p className="think">{text}</p>
}
