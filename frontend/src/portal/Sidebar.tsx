import {
  Download,
  Ellipsis,
  Keyboard,
  Languages,
  LogOut,
  Moon,
  Pencil,
  Plus,
  Search,
  ShieldCheck,
  Trash2,
  Volume2,
  VolumeX,
  X,
} from 'lucide-react'
import { useState } from 'react'
import type { Me, Portal, Summary } from '../net/api'
import type { Quota } from '../net/frames'
import { number, percent, t } from '../shared/i18n'
import { Bar, IconButton, initials, Logo, Menu } from '../shared/ui'
import type { DialogName } from './Dialogs'
import { shown, used } from './quota'
import { address, exportChat, moreOfList, open, remove, rename, setReadAloud } from './store'

export type SidebarProps = {
  portal: Portal
  me: Me
  list: readonly Summary[]
  loaded: boolean
  more: boolean
  current: string | undefined
  quota: readonly Quota[]
  readAloud: boolean
  onNavigate: () => void
  onDialog: (dialog: DialogName) => void
  onLanguage: () => void
  onSignOut: () => void
  onClose?: () => void
}

export function Sidebar(p: SidebarProps) {
  const name = p.portal.portal_name || p.portal.name
  return (
    <div className="flex h-full flex-col bg-surface">
      <div className="flex items-center gap-2.5 px-4 pt-3.5 pb-3">
        <Logo name={p.portal.name} url={p.portal.logo_url} />
        <strong className="min-w-0 flex-1 truncate text-[15px] font-semibold tracking-tight">{name}</strong>
        {p.onClose && (
          <IconButton label={t.close} onClick={p.onClose} className="-mr-2">
            <X size={18} aria-hidden />
          </IconButton>
        )}
      </div>
      <div className="flex gap-2 px-3">
        <a
          href={address(undefined)}
          onClick={(e) => follow(e, undefined, p.onNavigate)}
          className="flex min-h-9 flex-1 items-center gap-2 rounded-lg border border-line px-3 text-sm font-medium transition-colors hover:bg-surface-2 pointer-coarse:min-h-11"
        >
          <Plus size={16} aria-hidden />
          {t.newChat}
        </a>
        <IconButton
          label={`${t.search} (Ctrl+K)`}
          aria-keyshortcuts="Control+K"
          onClick={() => p.onDialog('search')}
          className="size-9.5 border border-line"
        >
          <Search size={16} aria-hidden />
        </IconButton>
      </div>
      <nav aria-label={t.conversations} className="mt-4 min-h-0 flex-1 overflow-y-auto px-2 pb-3">
        {p.loaded && p.list.length === 0 && <p className="px-2.5 py-1 text-sm text-muted">{t.noChats}</p>}
        {groups(p.list).map(([label, items]) => (
          <section key={label} className="mb-4">
            <h2 className="px-2.5 pb-1 text-xs font-medium text-muted">{label}</h2>
            <ul>
              {items.map((s) => (
                <Entry key={s.id} entry={s} current={s.id === p.current} onNavigate={p.onNavigate} />
              ))}
            </ul>
          </section>
        ))}
        {p.more && (
          <button
            type="button"
            onClick={() => void moreOfList()}
            className="min-h-9 w-full rounded-lg px-2.5 text-left text-sm text-muted hover:bg-surface-2 hover:text-fg"
          >
            {t.loadMore}
          </button>
        )}
      </nav>
      <div className="border-t border-line">
        <Usage quota={p.quota} />
        <div className="p-2">
          <Menu
            label={t.account}
            labelled
            className="flex min-h-11 w-full items-center gap-2.5 rounded-lg px-2 text-left transition-colors hover:bg-surface-2"
            trigger={
              <>
                <span
                  aria-hidden
                  className="grid size-7 shrink-0 place-items-center rounded-full bg-surface-2 text-[11px] font-semibold"
                >
                  {initials(p.me.user.name || p.me.user.email)}
                </span>
                <span className="min-w-0 flex-1 truncate text-sm">
                  {p.me.user.name || p.me.user.email}
                  <span className="sr-only">. {t.account}</span>
                </span>
                <Ellipsis size={16} className="text-muted" aria-hidden />
              </>
            }
            header={
              <div className="px-2.5 pt-1.5 pb-2 text-xs text-muted">
                {p.me.user.email}
                <br />
                {p.me.plan.name}
              </div>
            }
            items={[
              { label: t.appearance, icon: <Moon size={16} aria-hidden />, run: () => p.onDialog('theme') },
              { label: t.otherLanguage, icon: <Languages size={16} aria-hidden />, run: p.onLanguage },
              {
                label: t.readAloud,
                icon: p.readAloud ? <Volume2 size={16} aria-hidden /> : <VolumeX size={16} aria-hidden />,
                run: () => setReadAloud(!p.readAloud),
              },
              { label: t.shortcuts, icon: <Keyboard size={16} aria-hidden />, run: () => p.onDialog('keys') },
              { label: t.myData, icon: <ShieldCheck size={16} aria-hidden />, run: () => p.onDialog('data') },
              'line',
              { label: t.signOut, icon: <LogOut size={16} aria-hidden />, run: p.onSignOut },
            ]}
          />
        </div>
      </div>
    </div>
  )
}

/** Goes to a conversation unless the person asked for a new tab or window. */
export function follow(e: React.MouseEvent, conv: string | undefined, after: () => void) {
  if (e.metaKey || e.ctrlKey || e.shiftKey || e.button !== 0) return
  e.preventDefault()
  open(conv)
  after()
}

function Entry({ entry, current, onNavigate }: { entry: Summary; current: boolean; onNavigate: () => void }) {
  const [editing, setEditing] = useState(false)
  const title = entry.title || t.untitled
  if (editing) {
    const done = (value: string) => {
      setEditing(false)
      if (value.trim() && value.trim() !== entry.title) void rename(entry.id, value.trim())
    }
    return (
      <li>
        <input
          aria-label={t.chatTitle}
          defaultValue={entry.title}
          maxLength={120}
          // biome-ignore lint/a11y/noAutofocus: it replaces the entry the person has just acted on
          autoFocus
          onFocus={(e) => e.currentTarget.select()}
          onBlur={(e) => done(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === 'Enter' && !e.nativeEvent.isComposing) done(e.currentTarget.value)
            if (e.key === 'Escape') setEditing(false)
          }}
          className="min-h-9 w-full rounded-lg border border-accent bg-bg px-2.5 text-sm outline-none pointer-coarse:text-base"
        />
      </li>
    )
  }
  return (
    <li className="group relative">
      <a
        href={address(entry.id)}
        aria-current={current ? 'page' : undefined}
        onClick={(e) => follow(e, entry.id, onNavigate)}
        onDoubleClick={() => setEditing(true)}
        title={title}
        className="block truncate rounded-lg py-1.5 pr-2.5 pl-2.5 group-focus-within:pr-9 group-hover:pr-9 text-sm leading-6 text-muted transition-colors hover:bg-surface-2 hover:text-fg aria-[current]:bg-soft aria-[current]:font-medium aria-[current]:text-fg pointer-coarse:py-2.5 pointer-coarse:pr-12"
      >
        {title}
      </a>
      <Menu
        label={t.options(title)}
        className="absolute top-1 right-1 grid size-7 place-items-center rounded-md text-muted opacity-0 group-hover:opacity-100 hover:bg-line/60 hover:text-fg focus-visible:opacity-100 aria-expanded:opacity-100 pointer-coarse:top-0.5 pointer-coarse:size-10 pointer-coarse:opacity-100"
        trigger={<Ellipsis size={15} aria-hidden />}
        items={chatActions(entry.id, () => setEditing(true))}
      />
    </li>
  )
}

/** What can be done with a conversation as a whole. */
export function chatActions(conv: string, onRename: () => void) {
  return [
    { label: t.rename, icon: <Pencil size={15} aria-hidden />, run: onRename },
    { label: t.exportAs('md'), icon: <Download size={15} aria-hidden />, run: () => void exportChat(conv, 'md') },
    { label: t.exportAs('json'), icon: <Download size={15} aria-hidden />, run: () => void exportChat(conv, 'json') },
    'line' as const,
    { label: t.remove, icon: <Trash2 size={15} aria-hidden />, run: () => remove(conv), bad: true },
  ]
}

function Usage({ quota }: { quota: readonly Quota[] }) {
  const q = shown(quota)
  if (!q) return null
  const part = used(q)
  const byMessages = q.messages_limit > 0 && q.messages_used / q.messages_limit >= part
  const [n, of, unit] = byMessages
    ? [q.messages_used, q.messages_limit, t.messages]
    : [q.tokens_used, q.tokens_limit, t.tokens]
  const detail = `${t.usedOf(number(n), number(of))} ${unit}`
  return (
    <div className="border-b border-line px-4 py-3" title={detail}>
      <div className="mb-2 flex justify-between text-xs text-muted">
        <span>{t.usage[q.window]}</span>
        <span className="tabular-nums">{percent(part)}</span>
      </div>
      <Bar value={part} label={`${t.usage[q.window]}: ${detail}`} />
    </div>
  )
}

/** Conversations by when they were last active. */
export function groups(list: readonly Summary[], now = new Date()): [string, Summary[]][] {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime()
  const day = 86_400_000
  const label = (s: Summary) => {
    const at = Date.parse(s.updated_at)
    if (at >= midnight) return t.today
    if (at >= midnight - day) return t.yesterday
    if (at >= midnight - 7 * day) return t.lastDays
    if (at >= midnight - 30 * day) return t.lastMonth
    return t.earlier
  }
  const out = new Map<string, Summary[]>()
  for (const s of list) out.set(label(s), [...(out.get(label(s)) ?? []), s])
  return [...out]
}

/** Which conversations of the list match. */
export function matching(list: readonly Summary[], query: string): Summary[] {
  const plain = (s: string) => s.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
  const words = plain(query).split(/\s+/)
  return list.filter((s) => words.every((w) => plain(s.title).includes(w)))
}
