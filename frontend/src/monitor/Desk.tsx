import { ArrowUp, BookmarkPlus, Ear, RefreshCw, StickyNote } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import type { Chat } from '../chat/chat'
import { useConsole } from '../console/session'
import { w } from '../console/words'
import { Button, IconButton } from '../shared/ui'
import { fill, greeting, type Reply, suggested } from './replies'
import * as store from './store'
import { useMonitor } from './store'

export type Mode = 'reply' | 'ai' | 'staff'

/** What the person can write in this conversation now. */
export function modesFor(chat: Chat): Mode[] {
  if (store.isClosed(chat)) return []
  const can = store.rights(chat)
  return [...(can.reply ? (['reply'] as const) : []), ...(can.guide ? (['ai'] as const) : []), 'staff']
}

type Props = {
  chat: Chat
  name: string
  mode: Mode | undefined
  onMode: (m: Mode | undefined) => void
  /** Why nothing can be done now. */
  blocked: string | undefined
}

/** Where the staff writes: to the customer when they attend, to the AI, or to each other. */
export function Desk({ chat, name, mode, onMode, blocked }: Props) {
  const modes = modesFor(chat)
  const replying = modes.includes('reply')
  const shown = mode && modes.includes(mode) ? mode : replying ? 'reply' : undefined
  if (!shown) return <Bar chat={chat} modes={modes} onMode={onMode} blocked={blocked} />
  return (
    <div className="shrink-0 px-4 pb-[max(0.75rem,env(safe-area-inset-bottom))] md:px-6">
      <div className={`mx-auto max-w-[46rem] rounded-2xl border bg-surface ${looks[shown]}`}>
        <div role="tablist" aria-label={w.mode} className="flex items-center gap-0.5 px-2 pt-1.5">
          {modes.map((m) => (
            <button
              key={m}
              type="button"
              role="tab"
              aria-selected={m === shown}
              onClick={() => onMode(m)}
              className="min-h-7 rounded-md px-2 text-xs text-muted hover:text-fg aria-selected:bg-surface-2 aria-selected:font-medium aria-selected:text-fg pointer-coarse:min-h-11"
            >
              {w.modes[m]}
            </button>
          ))}
        </div>
        <Box
          key={`${chat.conv} ${shown}`}
          chat={chat}
          name={name}
          mode={shown}
          blocked={blocked}
          onClose={() => onMode(undefined)}
        />
      </div>
    </div>
  )
}

const looks: Record<Mode, string> = {
  reply: 'border-line focus-within:border-accent',
  ai: 'border-dashed border-warn/70 focus-within:border-warn',
  staff: 'border-dashed border-line focus-within:border-muted',
}
const coarse = () => matchMedia('(pointer: coarse)').matches

function Box({
  chat,
  name,
  mode,
  blocked,
  onClose,
}: {
  chat: Chat
  name: string
  mode: Mode
  blocked: string | undefined
  onClose: () => void
}) {
  const draft = `${chat.conv} ${mode}`
  const [text, setText] = useState(() => store.drafts.get(draft) ?? '')
  const [picked, setPicked] = useState(0)
  const [naming, setNaming] = useState(false)
  const box = useRef<HTMLTextAreaElement>(null)
  const ids = useId()
  const replies = useMonitor((s) => s.replies)
  const offered = mode === 'reply' ? suggested(replies, text) : []
  const hint = mode === 'reply' ? w.replyHint(name) : mode === 'ai' ? w.whisperHint : w.noteHint

  useEffect(() => {
    if (!coarse()) box.current?.focus()
  }, [])
  const change = (value: string) => {
    setText(value)
    setPicked(0)
    store.drafts.set(draft, value)
    if (mode === 'reply' && value) store.typing(chat.conv)
  }
  const use = (r: Reply) => {
    const { me, portal } = useConsole.getState()
    change(
      fill(r.text, {
        nome: name.split(' ')[0] ?? name,
        atendente: me?.user.name ?? '',
        empresa: portal?.name ?? '',
        saudacao: greeting(new Date()),
      }),
    )
    box.current?.focus()
  }
  const submit = async (now = false) => {
    const value = text.trim()
    if (!value || blocked) return
    if (mode === 'reply') store.send(chat.conv, value)
    else if (!(await store.whisper(chat.conv, value, mode, now))) return
    change('')
    box.current?.focus()
  }
  const key = (e: React.KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return
    if (offered.length > 0) {
      const to = { ArrowDown: picked + 1, ArrowUp: picked - 1 }[e.key]
      if (to !== undefined) {
        e.preventDefault()
        setPicked((to + offered.length) % offered.length)
        return
      }
      if (e.key === 'Enter' || e.key === 'Tab') {
        e.preventDefault()
        use(offered[picked]!)
        return
      }
    }
    if (e.key === 'Enter' && !e.shiftKey && !coarse()) {
      e.preventDefault()
      void submit()
    } else if (e.key === 'Escape') {
      e.preventDefault()
      if (offered.length > 0) change('')
      else {
        onClose()
        document.getElementById('sessions')?.focus()
      }
    }
  }
  return (
    <form
      className="relative"
      onSubmit={(e) => {
        e.preventDefault()
        void submit()
      }}
    >
      {offered.length > 0 && (
        <div
          id={`${ids}-replies`}
          role="listbox"
          aria-label={w.replies}
          className="absolute inset-x-2 bottom-full mb-1 max-h-64 overflow-y-auto rounded-xl border border-line bg-surface p-1 shadow-[0_8px_28px_-8px_rgb(0_0_0/.25)]"
        >
          {offered.map((r, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the text box has the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the text box has the focus and names the option
            <div
              key={r.id}
              id={`${ids}-${i}`}
              role="option"
              aria-selected={i === picked}
              onPointerDown={(e) => e.preventDefault()}
              onClick={() => use(r)}
              className="flex min-h-9 cursor-pointer items-center gap-3 rounded-lg px-2.5 hover:bg-surface-2 aria-selected:bg-surface-2 pointer-coarse:min-h-11"
            >
              <span className="shrink-0 font-medium">/{r.shortcut}</span>
              <span className="truncate text-muted">{r.text}</span>
            </div>
          ))}
        </div>
      )}
      <div className="flex items-end gap-1.5 py-1 pr-2 pl-3.5 pb-2">
        <textarea
          ref={box}
          id="desk"
          rows={1}
          value={text}
          aria-label={hint}
          placeholder={hint}
          aria-describedby={blocked ? `${ids}-blocked` : undefined}
          aria-autocomplete={mode === 'reply' ? 'list' : undefined}
          aria-controls={offered.length > 0 ? `${ids}-replies` : undefined}
          aria-activedescendant={offered.length > 0 ? `${ids}-${picked}` : undefined}
          onChange={(e) => change(e.target.value)}
          onKeyDown={key}
          className="field-sizing-content max-h-40 min-h-8 min-w-0 flex-1 resize-none bg-transparent py-1.5 text-sm leading-5 outline-none placeholder:text-muted max-sm:text-base"
        />
        {mode === 'reply' && text.trim() !== '' && offered.length === 0 && (
          <IconButton label={w.saveReply} onClick={() => setNaming(!naming)} aria-pressed={naming}>
            <BookmarkPlus size={16} aria-hidden />
          </IconButton>
        )}
        {mode === 'ai' && chat.open && text.trim() !== '' && (
          <IconButton label={w.whisperNow} disabled={blocked !== undefined} onClick={() => void submit(true)}>
            <RefreshCw size={15} aria-hidden />
          </IconButton>
        )}
        <button
          type="submit"
          aria-label={w.send}
          title={blocked ?? w.send}
          disabled={!text.trim() || blocked !== undefined}
          className="grid size-8 shrink-0 place-items-center rounded-full bg-brand text-brand-fg disabled:bg-surface-2 disabled:text-muted pointer-coarse:size-11"
        >
          <ArrowUp size={16} aria-hidden />
        </button>
      </div>
      {naming && <SaveReply text={text} onDone={() => setNaming(false)} />}
      {blocked && (
        <p id={`${ids}-blocked`} className="px-3.5 pb-2 text-xs text-warn">
          {blocked}
        </p>
      )}
    </form>
  )
}

/** Names what has been written, to use it again. */
function SaveReply({ text, onDone }: { text: string; onDone: () => void }) {
  const [title, setTitle] = useState('')
  const save = async () => {
    if (title && (await store.saveReply(title, text.trim()))) onDone()
  }
  return (
    <div className="flex items-center gap-2 border-t border-line px-3 py-2">
      <input
        aria-label={w.replyName}
        placeholder={w.replyName}
        value={title}
        maxLength={40}
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to name it
        autoFocus
        onChange={(e) => setTitle(e.target.value.toLowerCase().replace(/[\s/]+/g, '-'))}
        onKeyDown={(e) => {
          if (e.key === 'Escape') onDone()
          else if (e.key === 'Enter') void save()
          else return
          e.preventDefault()
          e.stopPropagation()
        }}
        className="min-h-8 min-w-0 flex-1 rounded-lg border border-line bg-bg px-2.5 outline-none focus:border-accent max-sm:text-base"
      />
      <Button className="min-h-8" disabled={!title} onClick={() => void save()}>
        {w.saveReply}
      </Button>
    </div>
  )
}

/** While the person only watches: who answers, and what they can do. */
function Bar({
  chat,
  modes,
  onMode,
  blocked,
}: {
  chat: Chat
  modes: Mode[]
  onMode: (m: Mode) => void
  blocked: string | undefined
}) {
  const o = chat.owner
  const text = store.isClosed(chat)
    ? w.closedConv
    : o.kind === 'human'
      ? w.attendedBy(o.name || w.someone)
      : o.kind === 'queue'
        ? w.queueBar
        : w.silent
  return (
    <div className="flex min-h-12 shrink-0 flex-wrap items-center gap-x-2 gap-y-1 border-t border-line px-4 py-1.5 pb-[max(0.375rem,env(safe-area-inset-bottom))] md:px-6">
      <p className={`min-w-0 flex-1 basis-32 ${blocked ? 'text-warn' : 'text-muted'}`}>{blocked ?? text}</p>
      {modes.includes('ai') && (
        <Button look="quiet" className="min-h-8 disabled:opacity-50" disabled={!!blocked} onClick={() => onMode('ai')}>
          <Ear size={15} aria-hidden />
          {w.whisper}
        </Button>
      )}
      {modes.includes('staff') && (
        <Button
          look="quiet"
          className="min-h-8 disabled:opacity-50"
          disabled={!!blocked}
          onClick={() => onMode('staff')}
        >
          <StickyNote size={14} aria-hidden />
          {w.note}
        </Button>
      )}
    </div>
  )
}
