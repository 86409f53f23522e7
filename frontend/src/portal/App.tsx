import { ChevronDown, CircleCheck, Ellipsis, Headset, Menu as MenuIcon, WifiOff } from 'lucide-react'
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import type { Chat } from '../chat/chat'
import type { LiveState } from '../chat/live'
import { path } from '../chat/tree'
import type { Portal } from '../net/api'
import type { Link } from '../net/socket'
import { language, moment, percent, setLanguage, t, wait } from '../shared/i18n'
import { setCookie } from '../shared/theme'
import { Button, IconButton, Logo, Menu, type MenuItem } from '../shared/ui'
import { Composer, focusComposer } from './Composer'
import type { DialogName } from './Dialogs'
import { Divider } from './Message'
import { Notice } from './Notice'
import { exhausted, shown, used } from './quota'
import { chatActions, Sidebar, type SidebarProps } from './Sidebar'
import * as store from './store'
import { type AppState, useApp } from './store'
import { Thread } from './Thread'

export function App() {
  const [, redraw] = useState(0)
  const phase = useApp((s) => s.phase)
  const portal = useApp((s) => s.portal)
  const toggleLanguage = async () => {
    const next = language === 'en' ? 'pt-BR' : 'en'
    await setLanguage(next)
    setCookie('lang', next)
    redraw((n) => n + 1)
  }
  if (phase === 'ready' && portal)
    return <Workspace key={language} portal={portal} onLanguage={() => void toggleLanguage()} />
  if (phase === 'login' && portal) {
    return (
      <Suspense>
        <LoginPage portal={portal} onLogin={store.login} />
      </Suspense>
    )
  }
  if (phase === 'loading') return <p className="sr-only">{t.loading}</p>
  return <Trouble missing={phase === 'missing'} />
}

function Trouble({ missing }: { missing: boolean }) {
  return (
    <main className="grid min-h-dvh place-items-center px-4 text-center">
      <div>
        <h1 className="text-xl font-semibold tracking-tight">{missing ? t.noPortal : t.unavailable}</h1>
        {missing ? (
          <p className="mt-2 text-muted">{t.noPortalHelp}</p>
        ) : (
          <Button className="mt-5" onClick={() => void store.start()}>
            {t.retry}
          </Button>
        )}
      </div>
    </main>
  )
}

// What is needed seldom is no part of the first load; it is fetched soon after, so that it is there without a connection.
const dialogs = () => import('./Dialogs')
const signingIn = () => import('../shared/Login')
const Dialogs = lazy(dialogs)
const RatingForm = lazy(() => import('./Forms').then((m) => ({ default: m.RatingForm })))
const LoginPage = lazy(() => signingIn().then((m) => ({ default: m.LoginPage })))
const LoginDialog = lazy(() => signingIn().then((m) => ({ default: m.LoginDialog })))
const fetchRest = () => Promise.allSettled([dialogs(), signingIn(), import('./Forms')])

function Workspace({ portal, onLanguage }: { portal: Portal; onLanguage: () => void }) {
  const s = useApp()
  const { live, conv } = s
  const me = s.me!
  const [dialog, setDialog] = useState<DialogName>()
  const [sheet, setSheet] = useState(false)
  const [editing, setEditing] = useState<string>()
  const chat = conv ? live.chats[conv] : undefined
  const title = chat?.title || s.list.find((x) => x.id === conv)?.title || (conv ? '' : t.newChat)
  const steps = useMemo(() => (chat ? path(chat) : []), [chat])
  const pending = live.pending.filter((p) => p.conv === conv)
  const agreed = me.consents.some((c) => c.version === portal.notice.version)

  const run = chat?.open?.run ?? pending.find((p) => p.state === 'accepted')?.run
  const busy = run !== undefined || pending.some((p) => p.state === 'sending' || p.state === 'waiting')
  const now = useNow(live.quota.length > 0)
  // What a person answers costs no quota.
  const full = chat && chat.owner.kind !== 'ai' ? undefined : exhausted(live.quota, now)
  const blocked = blockedBy(s, full, now)
  // A message goes on from what is shown; the server assumes the newest one.
  const last = steps.at(-1)?.message.id
  const from = store.can('edit') && last !== chat?.messages.at(-1)?.id ? last : undefined
  const human = chat?.owner.kind === 'human'
  const waiting = pending.filter((p) => p.state !== 'failed')

  useEffect(() => {
    document.title = `${title || t.untitled} · ${portal.portal_name || portal.name}`
  }, [title, portal])
  useEffect(() => {
    const timer = setTimeout(fetchRest, 1500)
    return () => clearTimeout(timer)
  }, [])
  // Another conversation begins without an open editor.
  useEffect(() => setEditing(undefined), [conv])
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (!(e.ctrlKey || e.metaKey) || e.altKey) return
      const k = e.key.toLowerCase()
      if (k === 'k') setDialog('search')
      else if (k === 'o' && e.shiftKey) {
        store.open(undefined)
        focusComposer()
      } else if (k === '/') setDialog('keys')
      else return
      e.preventDefault()
    }
    window.addEventListener('keydown', key)
    return () => window.removeEventListener('keydown', key)
  }, [])

  const editLast = () => {
    const mine = steps.findLast((x) => x.message.role === 'user')?.message
    if (mine && store.can('edit') && !busy) setEditing(mine.id)
  }
  const sidebar: SidebarProps = {
    portal,
    me,
    list: s.list,
    loaded: s.listLoaded,
    more: s.listCursor !== undefined,
    current: conv,
    quota: live.quota,
    readAloud: s.readAloud,
    onNavigate: () => {
      setSheet(false)
      focusComposer()
    },
    onDialog: (d) => {
      setSheet(false)
      setDialog(d)
    },
    onLanguage,
    onSignOut: () => void store.logout(),
  }
  return (
    <div className="flex h-dvh overflow-hidden">
      {/* biome-ignore lint/a11y/useValidAnchor: a skip link; the focus is set by hand because the address is the conversation */}
      <a
        href="#composer"
        onClick={(e) => {
          e.preventDefault()
          focusComposer()
        }}
        className="absolute top-2 left-2 z-10 -translate-y-20 rounded-lg bg-fg px-3 py-2 text-sm text-bg focus:translate-y-0"
      >
        {t.skipToComposer}
      </a>
      <aside className="hidden w-64 shrink-0 border-r border-line md:block">
        <Sidebar {...sidebar} />
      </aside>
      {sheet && (
        <Sheet onClose={() => setSheet(false)}>
          <Sidebar {...sidebar} onClose={() => setSheet(false)} />
        </Sheet>
      )}
      <main className="flex min-w-0 flex-1 flex-col">
        <header className="flex h-13 shrink-0 items-center gap-2 border-b border-line px-2 md:border-transparent md:px-5">
          <IconButton label={t.openMenu} onClick={() => setSheet(true)} className="md:hidden">
            <MenuIcon size={18} aria-hidden />
          </IconButton>
          <h1 className="min-w-0 flex-1 truncate text-sm font-medium">{title || t.untitled}</h1>
          <Connection link={live.link} />
          {me.models.length > 1 && <ModelSelect models={me.models} value={s.model} />}
          {conv && chat?.loaded && (
            <Menu
              label={t.options(title || t.untitled)}
              className="grid size-8 place-items-center rounded-lg text-muted hover:bg-surface-2 hover:text-fg aria-expanded:bg-surface-2 pointer-coarse:size-11"
              trigger={<Ellipsis size={17} aria-hidden />}
              items={[...handover(chat), ...chatActions(conv, () => setDialog('rename'))]}
            />
          )}
        </header>
        {conv && live.missing[conv] ? (
          <div className="grid flex-1 place-items-center px-4 text-center">
            <div>
              <p className="text-muted">{t.notFound}</p>
              <Button className="mt-4" onClick={() => store.open(undefined)}>
                {t.newChat}
              </Button>
            </div>
          </div>
        ) : conv && !chat?.loaded ? (
          <Skeleton />
        ) : !conv && pending.length === 0 ? (
          <Welcome portal={portal} onAsk={(text) => blocked === undefined && store.send(text)} />
        ) : (
          <Thread
            key={conv ?? 'new'}
            portal={portal}
            models={me.models}
            chat={chat}
            pending={pending}
            can={{
              regenerate: store.can('regen') && !busy && !human,
              edit: store.can('edit') && !human,
              feedback: store.can('feedback'),
              send: blocked === undefined && !busy,
            }}
            typing={conv ? live.typing[conv]?.name : undefined}
            editing={editing}
            onEditing={setEditing}
            onSend={(text, parent) => store.send(text, parent ?? from)}
            onRegenerate={(question, model) => conv && store.regenerate(conv, question, model)}
            onContinue={(answer) => conv && store.goOn(conv, answer)}
            onChoose={(parent, msg) => conv && store.choose(conv, parent, msg)}
            onFeedback={(msg, f) => conv && void store.feedback(conv, msg, f)}
            onRetry={store.retry}
            onDiscard={store.discard}
            onWithdraw={(run) => void store.stop(run)}
            onOlder={() => (conv ? store.loadOlder(conv) : Promise.resolve())}
          />
        )}
        <div className="mx-auto w-full max-w-[46rem] shrink-0 px-4 pb-[max(0.25rem,env(safe-area-inset-bottom))]">
          <Banner state={s} full={full} now={now} />
          {conv && live.watched[conv] && !human && (
            <p role="status" className="pb-2 text-center text-xs text-muted">
              {t.watched}
            </p>
          )}
          {chat?.owner.kind === 'queue' && <InQueue chat={chat} />}
          {!agreed && !conv && pending.length === 0 && (
            <div className="mb-3">
              <Notice
                portal={portal}
                onAccept={() => {
                  void store.agree(portal.notice.version)
                  focusComposer()
                }}
              />
            </div>
          )}
          {chat?.state === 'closed' ? (
            <div id="composer" tabIndex={-1} className="flex flex-col items-center gap-3 py-4">
              <div className="w-full">
                <Divider>{t.closed}</Divider>
              </div>
              {conv && store.can('rate') && (
                <Suspense>
                  <RatingForm key={conv} onSend={(score, comment) => store.rate(conv, score, comment)} />
                </Suspense>
              )}
              <Button onClick={() => store.open(undefined)}>{t.closedAction}</Button>
            </div>
          ) : (
            <Composer
              draft={store.draftOf(conv)}
              placeholder={human ? t.placeholderHuman(chat?.owner.name || t.support) : t.placeholder}
              busy={busy && chat?.owner.kind !== 'human' && chat?.owner.kind !== 'queue'}
              blocked={blocked}
              most={(live.hello?.max_bytes ?? 16384) - 512}
              queue={store.can('queue') && chat?.open !== undefined && !chat.waiting && waiting.length === 0}
              onSend={(text) => store.send(text, from)}
              onStop={() => run && void store.stop(run)}
              onTyping={() => conv && store.typing(conv)}
              onEditLast={editLast}
              notice={human ? '' : undefined}
            />
          )}
        </div>
      </main>
      <Announcer chat={chat} ended={live.ended} readAloud={s.readAloud} />
      <div role="status">{s.toast && <ToastView toast={s.toast} />}</div>
      {dialog && (
        <Suspense>
          <Dialogs
            name={dialog}
            portal={portal}
            list={s.list}
            conv={conv}
            title={title}
            onClose={() => setDialog(undefined)}
          />
        </Suspense>
      )}
      {s.expired && (
        <Suspense>
          <LoginDialog
            portal={portal}
            email={me.user.email}
            onLogin={store.login}
            onSignOut={() => void store.logout()}
          />
        </Suspense>
      )}
    </div>
  )
}

/** Why the person can't send now. */
function blockedBy(s: AppState, full: ReturnType<typeof exhausted>, now: number): string | undefined {
  if (full) {
    return full.window === 'minute'
      ? t.retryIn(wait(Date.parse(full.reset_at) - now))
      : t.quotaFull(moment(full.reset_at))
  }
  if (s.live.link.is === 'ended' && s.live.link.code !== 1000 && !s.expired) return endedText(s.live.link.code)
  return undefined
}

function endedText(code: number): string {
  return { 4404: t.ended.origin, 4423: t.ended.suspended, 4426: t.ended.version }[code] ?? t.ended.other
}

/** What the person can do about who answers. */
function handover(chat: Chat): MenuItem[] {
  if (chat.state === 'closed') return []
  const call = {
    label: t.callPerson,
    icon: <Headset size={15} aria-hidden />,
    run: () => void store.callPerson(chat.conv),
  }
  const end = {
    label: t.endChat,
    icon: <CircleCheck size={15} aria-hidden />,
    run: () => void store.endChat(chat.conv),
  }
  const items = [...(store.can('call') && chat.owner.kind === 'ai' ? [call] : []), ...(store.can('end') ? [end] : [])]
  return items.length > 0 ? [...items, 'line'] : []
}

/** The conversation waits for a person; until one comes the AI can have it back. */
function InQueue({ chat }: { chat: Chat }) {
  return (
    <Strip>
      <span className="flex-1 text-fg">{t.queuedHelp}</span>
      <Button onClick={() => void store.backToAI(chat.conv, chat.owner.epoch)}>{t.backToAIAction}</Button>
    </Strip>
  )
}

/** Quiet news about the connection; it never stands in the way. */
export function Connection({ link }: { link: Link }) {
  return (
    <div role="status" className="empty:hidden">
      {(link.is === 'waiting' || (link.is === 'connecting' && link.tries > 0)) && (
        <span className="animate-late flex items-center gap-2 rounded-full bg-surface-2 px-3 py-1 text-xs text-muted">
          <WifiOff size={13} aria-hidden />
          {t.offline}
        </span>
      )}
    </div>
  )
}

/** What limits the person now or soon, above the composer. */
function Banner({ state, full, now }: { state: AppState; full: ReturnType<typeof exhausted>; now: number }) {
  const { link } = state.live
  if (link.is === 'ended' && link.code !== 1000 && !state.expired) {
    return (
      <Strip>
        <span className="flex-1">{endedText(link.code)}</span>
        {link.code === 4426 ? (
          <Button onClick={() => location.reload()}>{t.reload}</Button>
        ) : (
          <Button onClick={store.reconnect}>{t.reconnect}</Button>
        )}
      </Strip>
    )
  }
  if (full && full.window !== 'minute') return <Strip>{t.quotaFull(moment(full.reset_at))}</Strip>
  const q = shown(state.live.quota)
  if (q && !full && used(q, now) >= 0.8) return <Strip>{t.quotaNear(percent(used(q, now)), moment(q.reset_at))}</Strip>
  return null
}

export function Strip({ children }: { children: React.ReactNode }) {
  return (
    <div className="mb-3 flex items-center gap-3 rounded-2xl border border-line bg-surface px-4 py-2.5 text-sm text-warn">
      {children}
    </div>
  )
}

function ModelSelect({ models, value }: { models: { key: string; name: string }[]; value: string | undefined }) {
  return (
    <label className="relative flex items-center text-sm text-muted hover:text-fg">
      <span className="sr-only">{t.model}</span>
      <select
        value={models.some((m) => m.key === value) ? value : ''}
        onChange={(e) => store.setModel(e.target.value)}
        className="min-h-8 max-w-36 cursor-pointer appearance-none truncate rounded-lg bg-transparent pr-7 pl-2.5 hover:bg-surface-2 sm:max-w-56 pointer-coarse:min-h-11"
      >
        <option value="" className="bg-surface text-fg">
          {t.anyModel}
        </option>
        {models.map((m) => (
          <option key={m.key} value={m.key} className="bg-surface text-fg">
            {m.name}
          </option>
        ))}
      </select>
      <ChevronDown size={14} className="pointer-events-none absolute right-2" aria-hidden />
    </label>
  )
}

export function Welcome({ portal, onAsk }: { portal: Portal; onAsk: (text: string) => void }) {
  return (
    <div className="grid min-h-0 flex-1 place-items-center overflow-y-auto px-4 py-6">
      <div className="w-full max-w-[40rem] text-center">
        <div className="mx-auto mb-5 w-fit">
          <Logo name={portal.name} url={portal.logo_url} size="size-12 rounded-2xl text-lg" />
        </div>
        <h2 className="text-2xl font-semibold tracking-tight text-balance">{portal.welcome || t.welcome}</h2>
        {portal.suggestions && portal.suggestions.length > 0 && (
          <ul className="mt-7 flex flex-wrap justify-center gap-2">
            {portal.suggestions.slice(0, 4).map((s) => (
              <li key={s}>
                <button
                  type="button"
                  onClick={() => onAsk(s)}
                  className="min-h-9 rounded-full border border-line bg-surface px-4 py-1.5 text-sm transition-colors hover:border-accent hover:bg-soft pointer-coarse:min-h-11"
                >
                  {s}
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  )
}

/** Stands in for a conversation that takes longer than a moment to come. */
export function Skeleton() {
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div role="status" className="min-h-0 flex-1 overflow-hidden">
      <span className="sr-only">{t.loading}</span>
      {shown && (
        <div aria-hidden className="animate-think mx-auto flex max-w-[46rem] flex-col gap-8 px-4 py-6">
          <div className="ml-auto h-11 w-1/2 rounded-2xl bg-surface-2" />
          <div className="flex gap-3.5">
            <div className="size-8 rounded-[10px] bg-surface-2" />
            <div className="flex-1 space-y-3 pt-2">
              <div className="h-3 w-11/12 rounded bg-surface-2" />
              <div className="h-3 w-full rounded bg-surface-2" />
              <div className="h-3 w-2/3 rounded bg-surface-2" />
            </div>
          </div>
        </div>
      )}
    </div>
  )
}

/** The conversations as a sheet on small screens: a modal dialog, so focus stays inside. */
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
      aria-label={t.conversations}
      onCancel={(e) => {
        e.preventDefault()
        onClose()
      }}
      onClick={(e) => e.target === e.currentTarget && onClose()}
      className="m-0 h-dvh max-h-none w-[min(20rem,86vw)] border-r border-line bg-surface p-0 pb-[env(safe-area-inset-bottom)]"
    >
      {children}
    </dialog>
  )
}

/** What has just happened, and how to take it back. `low`: at the bottom of its box instead of above the composer. */
export function ToastView({ toast, low = false }: { toast: store.Toast; low?: boolean }) {
  return (
    <div
      className={`animate-rise fixed ${low ? 'bottom-1' : 'bottom-28'} left-1/2 z-20 flex max-w-[calc(100%-2rem)] -translate-x-1/2 items-center gap-3 rounded-xl bg-fg px-4 py-2 text-sm text-bg shadow-[0_8px_28px_-8px_rgb(0_0_0/.4)]`}
    >
      {toast.text}
      {toast.action && (
        <button
          type="button"
          onClick={toast.action.run}
          className="min-h-8 rounded-md px-2 font-semibold underline underline-offset-3"
        >
          {toast.action.label}
        </button>
      )}
    </div>
  )
}

/**
 * Tells screen readers what happens without reading every piece of text: a short status, and the whole answer once
 * when it is complete and the person wants that.
 */
function Announcer({
  chat,
  ended,
  readAloud,
}: Pick<AppState, 'readAloud'> & Pick<LiveState, 'ended'> & { chat: Chat | undefined }) {
  const [status, setStatus] = useState('')
  const [answer, setAnswer] = useState('')
  const told = useRef(ended)
  const open = chat?.open?.msg
  useEffect(() => {
    if (open) setStatus(t.writing)
  }, [open])
  useEffect(() => {
    // The end is an event of its own: a short answer may begin and end between two frames of the screen.
    if (!ended || ended === told.current || ended.conv !== chat?.conv) return
    told.current = ended
    const m = chat.messages.find((x) => x.id === ended.msg)
    setStatus(m?.run?.state === 'complete' ? t.answered : t.stopped)
    if (readAloud && m) setAnswer(m.text.replace(/[*_`#>|]/g, ''))
  }, [ended, chat, readAloud])
  return (
    <div className="sr-only">
      <div role="status">{status}</div>
      <div aria-live="polite">{answer}</div>
    </div>
  )
}

/** The time by the second while something on the screen depends on it. */
function useNow(active: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!active) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [active])
  return now
}
