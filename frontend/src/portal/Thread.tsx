import { ArrowDown } from 'lucide-react'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import type { Chat } from '../chat/chat'
import type { Pending } from '../chat/live'
import { path, type Step } from '../chat/tree'
import type { Me, Portal } from '../net/api'
import type { Feedback, Owner } from '../net/frames'
import { useFollow } from '../shared/follow'
import { t } from '../shared/i18n'
import { Button, Logo } from '../shared/ui'
import { Answer, Divider, PendingQuestion, Question, Queued, Thinking } from './Message'

export type ThreadProps = {
  portal: Portal
  models: Me['models']
  chat: Chat | undefined
  pending: readonly Pending[]
  /** What the server can do and the person may. */
  can: { regenerate: boolean; edit: boolean; feedback: boolean; send: boolean }
  typing: string | undefined
  editing: string | undefined
  onEditing: (msg: string | undefined) => void
  onSend: (text: string, parent?: string) => void
  onRegenerate: (question: string, model?: string) => void
  onContinue: (answer: string) => void
  onChoose: (parent: string, msg: string) => void
  onFeedback: (msg: string, f: Feedback | undefined) => void
  onRetry: (cid: string) => void
  onDiscard: (cid: string) => void
  /** Takes back a message that waits for the answer before it. */
  onWithdraw: (run: string) => void
  onOlder: () => Promise<void>
}

export function Thread(p: ThreadProps) {
  const { chat, pending } = p
  const steps = useMemo(() => (chat ? path(chat) : []), [chat])
  const box = useRef<HTMLElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { away, toEnd } = useFollow(box, content)
  const anchored = useAnchor(steps, pending, toEnd)
  const brand = useMemo(() => ({ name: p.portal.name, logo: p.portal.logo_url }), [p.portal])
  const turns = useMemo(() => inTurns(steps), [steps])
  const drawn = useBacklog(turns.length)
  const joined = useMemo(() => joinedBefore(steps, chat?.notes ?? []), [steps, chat?.notes])
  const [loadingOlder, setLoadingOlder] = useState(false)

  const older = async () => {
    const b = box.current
    const fromEnd = b ? b.scrollHeight - b.scrollTop : 0
    setLoadingOlder(true)
    await p.onOlder()
    setLoadingOlder(false)
    // The person keeps looking at the same place.
    requestAnimationFrame(() => {
      if (b) b.scrollTop = b.scrollHeight - fromEnd
    })
  }

  const waiting = pending.filter((x) => !chat?.messages.some((m) => x.cid === m.cid))
  const thinking = !chat?.open && waiting.some((x) => x.state === 'accepted' || x.state === 'sending')
  const notes = (after: string | undefined) =>
    chat?.notes.filter((n) => n.after === after).map((n) => <Divider key={n.id}>{ownerText(n.owner)}</Divider>)

  const step = ({ message: m, parent, variants }: Step) => {
    const i = steps.findIndex((s) => s.message.id === m.id)
    const last = m.id === steps.at(-1)?.message.id && waiting.length === 0
    const at = variants.indexOf(m.id)
    const picker =
      variants.length > 1
        ? { at, of: variants.length, onMove: (to: number) => p.onChoose(parent, variants[to]!) }
        : undefined
    if (m.role === 'user') {
      const queued = chat?.waiting?.msg === m.id ? chat.waiting : undefined
      return (
        <Question
          key={m.id}
          text={m.text}
          at={m.at}
          variants={picker}
          editing={p.editing === m.id}
          onEditing={(on) => p.onEditing(on ? m.id : undefined)}
          onEdit={p.can.edit && p.can.send ? (text) => p.onSend(text, m.parent ?? '') : undefined}
        >
          {queued && <Queued onWithdraw={() => p.onWithdraw(queued.run)} />}
        </Question>
      )
    }
    const growing = chat?.open?.msg === m.id
    const question = parent || undefined
    const again = p.can.regenerate && p.can.send && m.role === 'assistant' && question !== undefined
    const other = m.run?.code?.startsWith('llm_') ? p.models.find((x) => x.model !== m.run?.model) : undefined
    return (
      <Answer
        key={m.id}
        message={m}
        brand={brand}
        model={p.models.find((x) => x.model === m.run?.model)?.name ?? m.run?.model}
        growing={growing}
        last={last}
        variants={picker}
        onRegenerate={again ? () => p.onRegenerate(question) : undefined}
        other={again && other ? { name: other.name, onUse: () => p.onRegenerate(question, other.key) } : undefined}
        onContinue={p.can.regenerate && p.can.send && last && m.run?.continue ? () => p.onContinue(m.id) : undefined}
        goesOn={goesOn(steps[i - 1], m)}
        wentOn={i + 1 < steps.length && goesOn(steps[i], steps[i + 1]!.message)}
        onFeedback={p.can.feedback ? (f) => p.onFeedback(m.id, f) : undefined}
      />
    )
  }
  return (
    <div className="relative min-h-0 flex-1">
      <section
        ref={box}
        aria-label={t.messagesOf}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        className="thread h-full overflow-y-auto overscroll-contain focus-visible:outline-offset-[-2px]"
      >
        <div ref={content} className="mx-auto flex min-h-full max-w-[46rem] flex-col gap-8 px-4 pt-4 pb-8">
          {chat?.more && (
            <Button look="quiet" className="self-center" disabled={loadingOlder} onClick={() => void older()}>
              {loadingOlder ? t.loading : t.loadEarlier}
            </Button>
          )}
          {notes(undefined)}
          {turns.slice(-drawn).map((turn, i, all) => (
            <section
              key={turn[0]!.message.id}
              className={`turn flex flex-col gap-7 ${i === all.length - 1 ? (anchored && waiting.length === 0 && !chat?.waiting ? 'last-turn' : '') : 'past-turn'}`}
            >
              {turn.map((s) => (
                <StepAndNotes
                  key={s.message.id}
                  before={joined.get(s.message.id)}
                  step={step(s)}
                  notes={notes(s.message.id)}
                />
              ))}
            </section>
          ))}
          {waiting.length > 0 && (
            <section className="last-turn flex flex-col gap-7">
              {waiting.map((x) => (
                <PendingQuestion
                  key={x.cid}
                  pending={x}
                  onRetry={() => p.onRetry(x.cid)}
                  onDiscard={() => p.onDiscard(x.cid)}
                />
              ))}
              {thinking && (chat?.owner.kind ?? 'ai') === 'ai' && (
                <div className="flex gap-3.5">
                  <Logo name={brand.name} url={brand.logo} />
                  <Thinking />
                </div>
              )}
            </section>
          )}
          {p.typing && <p className="text-sm text-muted">{t.typing(p.typing)}</p>}
        </div>
      </section>
      {away && (
        <Button
          onClick={() => toEnd(true)}
          className="animate-rise absolute bottom-2 left-1/2 -translate-x-1/2 rounded-full shadow-[0_4px_16px_-4px_rgb(0_0_0/.2)]"
        >
          <ArrowDown size={15} aria-hidden />
          {chat?.open ? t.newAnswer : t.toEnd}
        </Button>
      )}
    </div>
  )
}

function StepAndNotes({ before, step, notes }: { before: string | undefined; step: ReactNode; notes: ReactNode }) {
  return (
    <>
      {before && <Divider>{before}</Divider>}
      {step}
      {notes}
    </>
  )
}

export function ownerText(owner: Owner): string {
  if (owner.kind === 'human') return t.joined(owner.name || t.support)
  return owner.kind === 'queue' ? t.queued : t.backToAI
}

/**
 * Before which messages a person joined, where no event told it: a snapshot has the messages and not the events.
 */
function joinedBefore(steps: Step[], notes: Chat['notes']): Map<string, string> {
  const out = new Map<string, string>()
  let person: string | undefined
  for (const [i, { message: m }] of steps.entries()) {
    if (m.role === 'assistant') person = undefined
    if (m.role !== 'agent' || m.by.id === person) continue
    person = m.by.id
    const before = steps.slice(0, i).map((s) => s.message.id)
    const told = notes.some((n) => n.owner.id === person && (n.after === undefined || before.includes(n.after)))
    if (!told) out.set(m.id, t.joined(m.by.name || t.support))
  }
  return out
}

/** A turn is a question with what answers it. */
function inTurns(steps: Step[]): Step[][] {
  const turns: Step[][] = []
  for (const s of steps) {
    const turn = turns.at(-1)
    if (turn && s.message.role !== 'user') turn.push(s)
    else turns.push([s])
  }
  return turns
}

/** How many of the newest turns to draw: the end of a long conversation at once, the rest when there is time. */
function useBacklog(turns: number): number {
  const [drawn, setDrawn] = useState(20)
  useEffect(() => {
    if (drawn >= turns) return
    const timer = setTimeout(() => setDrawn((n) => n + 20), 30)
    return () => clearTimeout(timer)
  }, [drawn, turns])
  return drawn
}

/** Whether a question was asked while the person watches; then it moves to the top and its answer grows below it. */
function useAnchor(steps: Step[], pending: readonly Pending[], toEnd: () => void): boolean {
  const [anchored, setAnchored] = useState(false)
  const asked = pending.at(-1)?.cid
  const busy = steps.at(-1)?.message.run?.state === 'streaming'
  useEffect(() => {
    if (!asked) return
    setAnchored(true)
    toEnd()
  }, [asked, toEnd])
  useEffect(() => {
    if (busy) setAnchored(true)
  }, [busy])
  return anchored
}

/** Whether an answer is the rest of the one before it. */
function goesOn(before: Step | undefined, m: Step['message']): boolean {
  return m.role === 'assistant' && before?.message.role === 'assistant' && m.parent === before.message.id
}
