import { Eye, TriangleAlert, X } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { Chat } from '../chat/chat'
import { address, usePlace } from '../console/place'
import { useConsole } from '../console/session'
import { w } from '../console/words'
import type { Session } from '../net/frames'
import { exactly, number, percent, t } from '../shared/i18n'
import { Bar } from '../shared/ui'
import { mask } from './mask'
import type { Person } from './store'
import * as store from './store'
import { ago, day, money } from './time'

type Props = {
  chat: Chat | undefined
  session: Session | undefined
  person: Person | undefined
  masked: boolean
  now: number
}

/** What is known about the session beside its words. */
export function Context({ chat, session: s, person, masked, now }: Props) {
  const currency = useConsole((c) => c.me?.tenant.currency) ?? 'BRL'
  const show = masked ? mask : (x: string) => x
  const owner = chat?.loaded ? chat.owner : s?.owner
  const model = chat?.messages.findLast((m) => m.run?.model)?.run?.model
  const tokens = s?.tokens ?? sum(chat)
  const watchers = s?.watchers ?? []
  const page = s?.page || person?.context?.page
  return (
    <div className="flex flex-col gap-5 p-4 md:px-5">
      {s && s.risk.length > 0 && (
        <Part title={w.signals}>
          <ul className="flex flex-col gap-1.5">
            {s.risk.map((r) => (
              <li key={r} className="flex items-center gap-2 font-medium text-bad">
                <TriangleAlert size={14} aria-hidden />
                {w.risks[r] ?? r}
              </li>
            ))}
          </ul>
        </Part>
      )}
      <dl className="grid grid-cols-[minmax(5.5rem,auto)_1fr] gap-x-3 gap-y-2">
        <Line name={w.owner}>
          {owner?.kind === 'human' ? owner.name || w.someone : owner?.kind === 'queue' ? w.ownerQueue : w.ownerAI}
        </Line>
        <Line name={w.channelLabel}>{s ? (w.channel[s.channel] ?? s.channel) : undefined}</Line>
        <Line name={w.page}>{page ? <Cut text={show(page)} /> : undefined}</Line>
        <Line name={w.started}>{s ? <time title={exactly(s.since)}>{ago(s.since, now)}</time> : undefined}</Line>
        <Line name={w.plan}>{person?.plan || undefined}</Line>
        <Line name={w.tokens}>{tokens ? number(tokens) : undefined}</Line>
        <Line name={w.cost}>{s && s.cost !== null ? money(s.cost / 1e6, currency) : undefined}</Line>
        <Line name={w.firstToken}>{s?.first_token_ms ? `${number(s.first_token_ms)} ms` : undefined}</Line>
        <Line name={w.model}>{model}</Line>
        <Line name={w.email}>
          {person?.participant.email ? <Cut text={show(person.participant.email)} /> : undefined}
        </Line>
      </dl>
      {person?.context && <Site context={person.context} show={show} />}
      {(s || person) && <Tags conv={chat?.conv ?? s!.conv} tags={s?.tags ?? person?.tags ?? []} />}
      {person?.rating && (
        <Part title={w.rating}>
          <p className="font-medium">{w.ratingOf(person.rating.score)}</p>
          {person.rating.comment && <p className="mt-1 text-muted">{show(person.rating.comment)}</p>}
        </Part>
      )}
      {person?.quota.some((q) => q.tokens_limit > 0 || q.messages_limit > 0) && (
        <Part title={w.quota}>
          {person.quota.map((q) => {
            const used = Math.max(part(q.tokens_used, q.tokens_limit), part(q.messages_used, q.messages_limit))
            const name = t.usage[q.window as 'minute' | 'day' | 'month']
            return (
              <div key={q.window} className="mb-2.5 last:mb-0">
                <div className="mb-1 flex justify-between text-xs text-muted">
                  <span>{name}</span>
                  <span className="tabular-nums">{percent(used)}</span>
                </div>
                <Bar value={used} label={name} />
              </div>
            )
          })}
        </Part>
      )}
      {watchers.length > 0 && (
        <Part title={w.watchers}>
          <ul className="flex flex-col gap-1.5">
            {watchers.map((x) => (
              <li key={x.id ?? x.name} className="flex items-center gap-2">
                <Eye size={14} className="text-muted" aria-hidden />
                {x.name || w.someone}
              </li>
            ))}
          </ul>
        </Part>
      )}
      {person && (
        <Part title={w.previous}>
          {person.previous.length === 0 ? (
            <p className="text-muted">{w.noPrevious}</p>
          ) : (
            <ul className="-mx-2">
              {person.previous.map((c) => (
                <li key={c.id}>
                  <a
                    href={address(`/s/${c.id}`, usePlace.getState().query)}
                    onClick={(e) => {
                      if (e.metaKey || e.ctrlKey || e.shiftKey) return
                      e.preventDefault()
                      store.open(c.id)
                    }}
                    className="flex min-h-8 items-center gap-3 rounded-md px-2 hover:bg-surface-2 pointer-coarse:min-h-11"
                  >
                    <span className="min-w-0 flex-1 truncate">{show(c.title) || t.untitled}</span>
                    <span className="shrink-0 text-xs text-muted tabular-nums">{day(c.updated_at)}</span>
                  </a>
                </li>
              ))}
            </ul>
          )}
        </Part>
      )}
    </div>
  )
}

/** What else the site says of where its visitor is; it is seldom needed, so it is folded. */
function Site({ context: c, show }: { context: NonNullable<Person['context']>; show: (x: string) => string }) {
  const lines = [{ name: w.pageTitle, value: c.title }, ...c.data].filter((l) => l.value)
  if (lines.length === 0) return null
  return (
    <details>
      <summary className="text-xs font-medium text-muted">{w.site}</summary>
      <table className="mt-2 w-full table-fixed">
        <tbody>
          {lines.map((l) => (
            <tr key={l.name} className="align-top">
              <th scope="row" className="w-2/5 py-1 pr-3 text-left font-normal text-muted wrap-anywhere">
                {show(l.name)}
              </th>
              <td className="py-1 wrap-anywhere">{show(l.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

/** What the staff has named the conversation; a new one is added by Enter. */
function Tags({ conv, tags }: { conv: string; tags: readonly string[] }) {
  const [name, setName] = useState('')
  return (
    <Part title={w.tags}>
      <ul className="flex flex-wrap gap-1.5">
        {tags.map((x) => (
          <li key={x} className="flex items-center gap-0.5 rounded-full bg-surface-2 pl-2.5 text-xs">
            {x}
            <button
              type="button"
              aria-label={w.removeTag(x)}
              onClick={() => void store.tag(conv, x, false)}
              className="grid size-6 place-items-center rounded-full text-muted hover:text-fg pointer-coarse:size-11"
            >
              <X size={12} aria-hidden />
            </button>
          </li>
        ))}
      </ul>
      <input
        aria-label={w.addTag}
        placeholder={w.addTag}
        value={name}
        maxLength={30}
        onChange={(e) => setName(e.target.value)}
        onKeyDown={(e) => {
          if (e.key !== 'Enter' || !name.trim()) return
          e.preventDefault()
          void store.tag(conv, name.trim(), true)
          setName('')
        }}
        className="mt-2 min-h-8 w-full rounded-lg border border-line bg-bg px-2.5 outline-none placeholder:text-muted focus:border-accent max-sm:text-base pointer-coarse:min-h-11"
      />
    </Part>
  )
}

const part = (used: number, limit: number) => (limit > 0 ? used / limit : 0)
const sum = (chat: Chat | undefined) =>
  chat?.messages.reduce((n, m) => n + (m.run?.usage ? m.run.usage.in + m.run.usage.out : 0), 0) ?? 0

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="mb-2 text-xs font-medium text-muted">{title}</h3>
      {children}
    </section>
  )
}

/** A text too long for its line; the whole is its tooltip. */
function Cut({ text }: { text: string }) {
  return (
    <span className="block truncate" title={text}>
      {text}
    </span>
  )
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  if (children === undefined) return null
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 tabular-nums">{children}</dd>
    </>
  )
}
