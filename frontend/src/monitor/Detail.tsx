import { ChevronLeft, Ear, Ellipsis, Eye, EyeOff, FileDown, Hand, Info, Reply, Square, X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { Chat } from '../chat/chat'
import { w } from '../console/words'
import type { Session } from '../net/frames'
import { t } from '../shared/i18n'
import { Button, IconButton, Menu, type MenuItem } from '../shared/ui'
import type { ActionName } from './Actions'
import { Context } from './Context'
import { Desk, type Mode } from './Desk'
import { mask } from './mask'
import * as store from './store'
import { useMonitor } from './store'
import { Transcript } from './Transcript'
import { ago } from './time'

type DetailProps = {
  chat: Chat
  session: Session | undefined
  mode: Mode | undefined
  onMode: (m: Mode | undefined) => void
  onDialog: (name: ActionName) => void
  details: boolean
  onDetails: (on: boolean) => void
  blocked: string | undefined
  now: number
}

/** One conversation: its head with what can be done, its words, where the staff writes, and its context. */
export function Detail({ chat, session, mode, onMode, onDialog, details, onDetails, blocked, now }: DetailProps) {
  const { conv } = chat
  const live = useMonitor((s) => s.live)
  const staff = useMonitor((s) => s.staff[conv])
  const person = useMonitor((s) => s.people[conv])
  const revealed = useMonitor((s) => s.revealed.has(conv))
  const mine = chat.owner.kind === 'human' && chat.owner.id === store.myID()
  // Who attends needs the data; the takeover itself is on record.
  const masked = !revealed && !mine
  const show = masked ? mask : (s: string) => s
  const name = show(session?.participant.name || person?.participant.name || w.anonymous)
  const missing = live.missing[conv]
  const context = <Context chat={chat} session={session} person={person} masked={masked} now={now} />
  return (
    <>
      <div className="flex h-full min-w-0 flex-1 flex-col">
        <header className="flex min-h-12 shrink-0 items-center gap-2 border-b border-line py-1.5 pr-3 pl-4 max-md:pl-1.5 md:pl-6">
          <IconButton label={w.back} onClick={() => store.open(undefined)} className="md:hidden">
            <ChevronLeft size={19} aria-hidden />
          </IconButton>
          <div className="min-w-0 flex-1">
            <h2 className="truncate text-sm font-semibold tracking-tight">{name}</h2>
            <p className="truncate text-xs text-muted">
              {[
                show(chat.title),
                session && (w.channel[session.channel] ?? session.channel),
                session && ago(session.since, now),
              ]
                .filter(Boolean)
                .join(' · ')}
            </p>
          </div>
          {chat.loaded && <Buttons chat={chat} blocked={blocked} onDialog={onDialog} onWhisper={() => onMode('ai')} />}
          <Menu
            label={w.more}
            trigger={<Ellipsis size={17} aria-hidden />}
            items={menu({ chat, revealed, mine, blocked, onDialog, onDetails: () => onDetails(true) })}
            className="grid size-8 shrink-0 place-items-center rounded-lg text-muted hover:bg-surface-2 hover:text-fg aria-expanded:bg-surface-2 pointer-coarse:size-11"
          />
        </header>
        {missing ? (
          <div className="grid flex-1 place-items-center text-muted">{w.missing}</div>
        ) : chat.loaded ? (
          <>
            <Transcript
              chat={chat}
              staff={staff ?? none}
              pending={live.pending.filter((p) => p.conv === conv)}
              typing={live.typing[conv]?.name}
              masked={masked}
              current={blocked === undefined}
            />
            <Desk chat={chat} name={name} mode={mode} onMode={onMode} blocked={blocked} />
          </>
        ) : (
          <div role="status" className="grid flex-1 place-items-center text-muted">
            {w.loading}
          </div>
        )}
      </div>
      <aside
        aria-label={w.contextTitle}
        className={`hidden w-70 shrink-0 overflow-y-auto border-l border-line bg-bg xl:block ${blocked ? 'opacity-60 grayscale' : ''}`}
      >
        <h2 className="flex h-12 items-center border-b border-line px-5 text-sm font-semibold tracking-tight">
          {w.contextTitle}
        </h2>
        {context}
      </aside>
      {details && <Sheet onClose={() => onDetails(false)}>{context}</Sheet>}
    </>
  )
}

const none: never[] = []

type ButtonsProps = {
  chat: Chat
  blocked: string | undefined
  onDialog: (name: ActionName) => void
  onWhisper: () => void
}

/** What can be done now, the most likely last. Without a connection it is shown but can't be done. */
function Buttons({ chat, blocked, onDialog, onWhisper }: ButtonsProps) {
  const can = store.rights(chat)
  const o = chat.owner
  const off = { disabled: blocked !== undefined, title: blocked }
  const look = 'min-h-8 disabled:opacity-50'
  return (
    <>
      {o.kind === 'human' && !can.reply && (
        <span className="truncate rounded-full bg-surface-2 px-2.5 py-1 text-xs font-medium">
          {w.held(o.name || w.someone)}
        </span>
      )}
      {can.guide && (
        <Button {...off} className={`${look} max-lg:hidden`} onClick={onWhisper}>
          <Ear size={15} aria-hidden />
          {w.whisper}
        </Button>
      )}
      {can.release && (
        <Button {...off} className={`${look} ${can.take ? 'max-lg:hidden' : ''}`} onClick={() => onDialog('release')}>
          <Reply size={15} aria-hidden />
          {w.release}
        </Button>
      )}
      {can.take && (
        <Button {...off} look="main" className={look} onClick={() => onDialog('take')}>
          <Hand size={15} aria-hidden />
          {w.take}
        </Button>
      )}
    </>
  )
}

type MenuProps = {
  chat: Chat
  revealed: boolean
  mine: boolean
  blocked: string | undefined
  onDialog: (name: ActionName) => void
  onDetails: () => void
}

function menu({ chat, revealed, mine, blocked, onDialog, onDetails }: MenuProps): MenuItem[] {
  const { conv, open } = chat
  const items: MenuItem[] = [{ label: w.contextTitle, icon: <Info size={15} aria-hidden />, run: onDetails }]
  if (!mine)
    items.push(
      revealed
        ? { label: w.hide, icon: <EyeOff size={15} aria-hidden />, run: () => store.conceal(conv) }
        : { label: w.reveal, icon: <Eye size={15} aria-hidden />, run: () => void store.reveal(conv) },
    )
  items.push({ label: w.exportAs, icon: <FileDown size={15} aria-hidden />, run: () => void store.download(conv) })
  if (open && !blocked)
    items.push({ label: w.stopAnswer, icon: <Square size={14} aria-hidden />, run: () => void store.stop(open.run) })
  if (chat.loaded && store.rights(chat).end && !blocked)
    items.push('line', { label: w.end, icon: <X size={15} aria-hidden />, run: () => onDialog('end'), bad: true })
  return items
}

/** The context where there is no room beside the conversation. */
function Sheet({ onClose, children }: { onClose: () => void; children: React.ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const d = ref.current
    d?.showModal()
    return () => d?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard closes it with Esc
    <dialog
      ref={ref}
      aria-label={w.contextTitle}
      onCancel={(e) => {
        e.preventDefault()
        onClose()
      }}
      onClick={(e) => e.target === e.currentTarget && onClose()}
      className="mr-0 h-dvh max-h-none w-[min(22rem,92vw)] border-l border-line bg-bg p-0 text-[13px]"
    >
      <div className="flex h-12 items-center justify-between border-b border-line pr-2 pl-5">
        <h2 className="text-sm font-semibold tracking-tight">{w.contextTitle}</h2>
        <IconButton label={t.close} onClick={onClose}>
          <X size={17} aria-hidden />
        </IconButton>
      </div>
      {children}
    </dialog>
  )
}
