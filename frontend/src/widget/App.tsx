import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { t } from '../shared/i18n'
import { config } from './config'
import {
  askPlace,
  callPerson,
  canCall,
  chatOf,
  close,
  download,
  erase,
  isOver,
  type State,
  send,
  setDraft,
  startAnew,
  stop,
  typing,
  useWidget,
} from './store'
import { Thread } from './Thread'
import { words } from './texts'

export function App() {
  const s = useWidget()
  const shell = useRef<HTMLDivElement>(null)
  const composer = useRef<HTMLTextAreaElement>(null)
  const [Asking, setAsking] = useState<typeof import('./Asking')>() // few keys ask
  useEffect(() => {
    if (s.asking) void import('./Asking').then(setAsking)
  }, [s.asking])
  useEffect(() => {
    if (s.open) (composer.current ?? shell.current?.querySelector<HTMLElement>('main button, main input'))?.focus()
  }, [s.open])
  const leave = (e: KeyboardEvent) => {
    if (e.key === 'Escape' && !e.defaultPrevented) close()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc closes the chat from wherever the focus is in it
    <div ref={shell} className="shell" onKeyDown={leave}>
      <Header s={s} />
      {s.asking ? (
        Asking && (s.asking === 'consent' ? <Asking.Consent /> : <Asking.Fields s={s} />)
      ) : (
        <>
          <Thread s={s} />
          <Composer s={s} field={composer} />
        </>
      )}
      <Announcer s={s} />
    </div>
  )
}

function Header({ s }: { s: State }) {
  const w = words()
  const owner = chatOf(s)?.owner
  const human = owner?.kind === 'human'
  const waits = s.open && owner?.kind === 'queue'
  useEffect(() => {
    if (!waits) return
    void askPlace()
    const tick = setInterval(askPlace, 15_000)
    return () => clearInterval(tick)
  }, [waits])
  return (
    <header>
      {human && owner.name ? (
        <span className="logo">{initials(owner.name)}</span>
      ) : config.logo ? (
        <img src={config.logo} alt="" width="36" height="36" />
      ) : (
        <span className="logo">{config.name[0]}</span>
      )}
      <div>
        <h1>{human && owner.name ? owner.name : config.name}</h1>
        <p>{human ? w.human : owner?.kind !== 'queue' ? w.assistant : s.place ? w.place(s.place) : w.queue}</p>
      </div>
      {s.conv && <Menu s={s} />}
      <button type="button" className="icon" aria-label={w.close} onClick={close}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M6 6l12 12M18 6L6 18" />
        </svg>
      </button>
    </header>
  )
}

const initials = (name: string) =>
  name
    .split(/\s+/, 2)
    .map((part) => [...part][0])
    .join('')

function Menu({ s }: { s: State }) {
  const w = words()
  const menu = useRef<HTMLDivElement>(null)
  const [part, setPart] = useState<'erase' | 'mail'>()
  const [Mail, setMail] = useState<typeof import('./Mail').Mail>()
  const openMail = async () => {
    const loaded = await import('./Mail')
    setMail(() => loaded.Mail)
    setPart('mail')
  }
  const act = (f: () => unknown) => () => {
    menu.current?.hidePopover()
    void f()
  }
  return (
    <>
      <button type="button" className="icon" aria-label={w.menu} popoverTarget="menu" aria-haspopup="true">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M5 12h.01M12 12h.01M19 12h.01" />
        </svg>
      </button>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Esc closes the menu and not the chat */}
      <div
        ref={menu}
        id="menu"
        className="menu"
        popover="auto"
        onToggle={() => setPart(undefined)}
        onKeyDown={(e) => e.key === 'Escape' && e.stopPropagation()}
      >
        {part === 'mail' ? (
          Mail && <Mail conv={s.conv!} />
        ) : part ? (
          <>
            <p>{w.eraseSure}</p>
            <button type="button" className="bad" onClick={act(erase)}>
              {w.erase}
            </button>
            <button type="button" onClick={act(() => {})}>
              {t.cancel}
            </button>
          </>
        ) : (
          <>
            {canCall(s) && (
              <button type="button" onClick={act(callPerson)}>
                {t.callPerson}
              </button>
            )}
            <button type="button" onClick={act(startAnew)}>
              {w.newChat}
            </button>
            <button type="button" onClick={act(download)}>
              {w.download}
            </button>
            {config.mail && (
              <button type="button" onClick={openMail}>
                {w.mail}
              </button>
            )}
            <button type="button" onClick={() => setPart('erase')}>
              {w.erase}
            </button>
          </>
        )}
      </div>
    </>
  )
}

function Composer({ s, field }: { s: State; field: React.RefObject<HTMLTextAreaElement | null> }) {
  const w = words()
  const chat = chatOf(s)
  const run = chat?.open?.run
  const link = s.live.link.is
  const offline = link === 'waiting' || (link === 'connecting' && s.live.hello !== undefined)
  const human = chat?.owner.kind === 'human' ? chat.owner.name || t.support : undefined
  const text = s.draft.trim()
  const long = new TextEncoder().encode(text).length - (s.live.hello?.max_bytes ?? 16384) + 1024
  const locked = s.closed?.why === 'identity'
  const submit = () => {
    if (text && !run && long <= 0 && !locked && !s.entering) void send(text)
  }
  const key = (e: KeyboardEvent<HTMLTextAreaElement>) => {
    if ((e as unknown as { isComposing: boolean }).isComposing) return // Preact's events are the browser's
    if (e.key === 'Escape' && run) {
      e.preventDefault()
      void stop(run)
    } else if (e.key === 'Enter' && !e.shiftKey && !matchMedia('(pointer: coarse)').matches) {
      e.preventDefault()
      submit()
    }
  }
  return (
    <footer>
      {offline && (
        <p className="offline" role="status">
          {t.offline}
        </p>
      )}
      {long > 0 && (
        <p className="offline" role="alert">
          {t.tooLong(String(long))}
        </p>
      )}
      <form
        onSubmit={(e) => {
          e.preventDefault()
          submit()
        }}
      >
        <textarea
          ref={field}
          rows={1}
          value={s.draft}
          disabled={locked}
          placeholder={human ? t.placeholderHuman(human) : w.placeholder}
          aria-label={human ? t.placeholderHuman(human) : w.placeholder}
          enterKeyHint="send"
          onInput={(e) => {
            setDraft(e.currentTarget.value)
            typing()
          }}
          onKeyDown={key}
        />
        {run ? (
          <button type="button" className="send" aria-label={t.stop} onClick={() => stop(run)}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path className="solid" d="M7 7h10v10H7z" />
            </svg>
          </button>
        ) : (
          <button type="submit" className="send" aria-label={t.send} disabled={!text || locked}>
            <svg viewBox="0 0 24 24" aria-hidden="true">
              <path d="M12 19V5M5.5 11.5L12 5l6.5 6.5" />
            </svg>
          </button>
        )}
      </form>
      <p className="small">
        {human || isOver(chat) ? '' : t.aiNotice} {config.signed && <span>{w.signed}</span>}
      </p>
    </footer>
  )
}

/** What a screen reader is told: that something is being written, and a finished answer once, as plain text. */
function Announcer({ s }: { s: State }) {
  const chat = chatOf(s)
  const last = chat?.messages.at(-1)
  const done = last && last.role !== 'user' && !chat?.open ? last : undefined
  const first = useRef(done?.id)
  const text =
    done && done.id !== first.current ? done.text.replace(/[*_`#>|~]/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1') : ''
  return (
    <div className="unseen">
      <div role="status">{chat?.open ? t.writing : ''}</div>
      <div aria-live="polite">{text}</div>
    </div>
  )
}
