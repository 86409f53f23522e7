import { MessageSquare } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import type { Portal, Summary } from '../net/api'
import { Dialog } from '../shared/Dialog'
import { Field } from '../shared/Field'
import { exactly, t } from '../shared/i18n'
import { pageTheme, setTheme, type Theme } from '../shared/theme'
import { Button } from '../shared/ui'
import { PrivacyLink } from './Notice'
import { matching } from './Sidebar'

export type DialogName = 'search' | 'theme' | 'keys' | 'data' | 'rename'

type Props = {
  name: DialogName
  portal: Portal
  list: readonly Summary[]
  conv: string | undefined
  title: string
  onClose: () => void
}

/** The dialogs of the portal, by name. */
export default function Dialogs({ name, portal, list, conv, title, onClose }: Props) {
  switch (name) {
    case 'search':
      return <SearchDialog list={list} onClose={onClose} />
    case 'theme':
      return <ThemeDialog onClose={onClose} />
    case 'keys':
      return <KeysDialog onClose={onClose} />
    case 'data':
      return <DataDialog portal={portal} onClose={onClose} />
    case 'rename':
      return conv && <RenameDialog conv={conv} title={title} onClose={onClose} />
  }
}

import { eraseAll, everything } from './data'
import { api, can, errorText, open, refreshList, rename, save, say, useApp } from './store'

function ThemeDialog({ onClose }: { onClose: () => void }) {
  const [theme, set] = useState(pageTheme)
  const choose = (next: Theme) => {
    setTheme(next)
    set(next)
  }
  return (
    <Dialog title={t.appearance} onClose={onClose}>
      <fieldset className="grid gap-1">
        <legend className="sr-only">{t.appearance}</legend>
        {(['system', 'light', 'dark'] as const).map((x) => (
          <label
            key={x}
            className="flex min-h-11 cursor-pointer items-center gap-3 rounded-lg px-2 text-sm hover:bg-surface-2"
          >
            <input
              type="radio"
              name="theme"
              checked={theme === x}
              onChange={() => choose(x)}
              className="size-4 accent-accent"
            />
            {t.themes[x]}
          </label>
        ))}
      </fieldset>
    </Dialog>
  )
}

function KeysDialog({ onClose }: { onClose: () => void }) {
  const keys: [string, string][] = [
    [t.keys.send, 'Enter'],
    [t.keys.newline, 'Shift Enter'],
    [t.keys.stop, 'Esc'],
    [t.keys.editLast, '↑'],
    [t.keys.search, 'Ctrl K'],
    [t.keys.newChat, 'Ctrl Shift O'],
    [t.keys.help, 'Ctrl /'],
  ]
  return (
    <Dialog title={t.shortcuts} onClose={onClose}>
      <dl className="grid gap-1 text-sm">
        {keys.map(([what, combination]) => (
          <div key={what} className="flex min-h-9 items-center justify-between gap-4">
            <dt>{what}</dt>
            <dd className="flex gap-1">
              {combination.split(' ').map((k) => (
                <kbd key={k} className="rounded-md border border-line bg-surface-2 px-1.5 py-0.5 font-sans text-xs">
                  {k}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}

function RenameDialog({ conv, title, onClose }: { conv: string; title: string; onClose: () => void }) {
  return (
    <Dialog title={t.rename} onClose={onClose}>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          const next = String(new FormData(e.currentTarget).get('title')).trim()
          if (next && next !== title) void rename(conv, next)
          onClose()
        }}
      >
        <Field label={t.chatTitle} name="title" defaultValue={title} maxLength={120} autoFocus required />
        <div className="mt-4 flex justify-end gap-2">
          <Button look="quiet" onClick={onClose}>
            {t.cancel}
          </Button>
          <Button type="submit" look="main">
            {t.save}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

type Found = { id: string; title: string; excerpt?: string | undefined }

/** Search over the conversations: by title at once, and in the messages where the server searches. */
function SearchDialog({ list, onClose }: { list: readonly Summary[]; onClose: () => void }) {
  const [query, setQuery] = useState('')
  const [hits, setHits] = useState<Found[]>([])
  const [looking, setLooking] = useState(false)
  const [at, setAt] = useState(0)
  const listBox = useRef<HTMLUListElement>(null)
  useEffect(() => {
    setHits([])
    const worth = query.trim().length >= 2 && can('search')
    setLooking(worth)
    if (!worth) return
    let current = true
    const timer = setTimeout(async () => {
      try {
        const { items } = await api.search(query.trim())
        if (current) setHits(items.map((h) => ({ id: h.conversation_id, title: h.title, excerpt: h.excerpt })))
      } catch (e) {
        if (current) say(errorText(e))
      }
      if (current) setLooking(false)
    }, 200)
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [query])
  const titles: Found[] = matching(list, query).map((s) => ({ id: s.id, title: s.title }))
  const seen = new Set(titles.map((s) => s.id))
  const shown = new Map(hits.map((h) => [h.id, h]))
  const found = [...titles.map((f) => shown.get(f.id) ?? f), ...hits.filter((h) => !seen.has(h.id))].slice(0, 30)
  const active = Math.min(at, found.length - 1)
  const go = (conv: string) => {
    onClose()
    open(conv)
  }
  const key = (e: React.KeyboardEvent) => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault()
      const next = Math.max(0, Math.min(found.length - 1, active + (e.key === 'ArrowDown' ? 1 : -1)))
      setAt(next)
      listBox.current?.children[next]?.scrollIntoView({ block: 'nearest' })
    } else if (e.key === 'Enter' && found[active]) {
      e.preventDefault()
      go(found[active].id)
    }
  }
  return (
    <Dialog title={t.search} onClose={onClose} wide>
      <input
        type="search"
        role="combobox"
        aria-label={t.searchHint}
        aria-expanded="true"
        aria-controls="search-results"
        aria-activedescendant={found[active] ? `found-${found[active].id}` : undefined}
        placeholder={t.searchHint}
        value={query}
        autoFocus
        onChange={(e) => {
          setQuery(e.target.value)
          setAt(0)
        }}
        onKeyDown={key}
        className="min-h-11 w-full rounded-lg border border-line bg-bg px-3 text-base outline-none placeholder:text-muted focus:border-accent"
      />
      <ul
        ref={listBox}
        id="search-results"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the list of a combobox
        role="listbox"
        aria-label={t.conversations}
        className="mt-2 max-h-[50dvh] min-h-24 overflow-y-auto"
      >
        {found.map((f, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above handles the keyboard
          <li
            key={f.id}
            id={`found-${f.id}`}
            // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: an option of a combobox
            role="option"
            tabIndex={-1}
            aria-selected={i === active}
            onClick={() => go(f.id)}
            className="flex min-h-10 cursor-pointer items-center gap-2.5 rounded-lg px-2.5 py-1.5 text-sm hover:bg-surface-2 aria-selected:bg-surface-2"
          >
            <MessageSquare size={15} className="shrink-0 text-muted" aria-hidden />
            <span className="min-w-0">
              <span className="block truncate">{f.title || t.untitled}</span>
              {f.excerpt && <span className="block truncate text-xs text-muted">{f.excerpt}</span>}
            </span>
          </li>
        ))}
      </ul>
      <p role="status" className="text-sm text-muted">
        {found.length > 0 ? '' : looking ? t.loading : t.searchEmpty}
      </p>
    </Dialog>
  )
}

function DataDialog({ portal, onClose }: { portal: Portal; onClose: () => void }) {
  const consents = useApp((s) => s.me?.consents)
  const [sure, setSure] = useState(false)
  const [busy, setBusy] = useState(false)
  const erase = async () => {
    setBusy(true)
    try {
      await eraseAll()
      onClose()
      open(undefined)
      say(t.erased)
      void refreshList()
    } catch (e) {
      say(errorText(e))
    }
    setBusy(false)
  }
  const download = async () => {
    setBusy(true)
    try {
      save(await everything(), 'meus-dados.json')
    } catch (e) {
      say(errorText(e))
    }
    setBusy(false)
  }
  return (
    <Dialog title={t.myData} onClose={onClose}>
      <p className="mb-4 text-sm leading-relaxed text-muted">{t.myDataHelp(portal.name)}</p>
      <div className="grid gap-2">
        <Button disabled={busy} onClick={() => void download()}>
          {t.download}
        </Button>
        {sure ? (
          <div className="rounded-lg border border-line p-3">
            <p className="mb-3 text-sm">{t.eraseConfirm}</p>
            <div className="flex gap-2">
              <Button look="bad" disabled={busy} onClick={() => void erase()}>
                {t.erase}
              </Button>
              <Button look="quiet" onClick={() => setSure(false)}>
                {t.cancel}
              </Button>
            </div>
          </div>
        ) : (
          <Button look="bad" disabled={busy} onClick={() => setSure(true)}>
            {t.erase}
          </Button>
        )}
      </div>
      <div className="mt-4 grid gap-1 text-sm text-muted">
        {consents?.map((c) => (
          <p key={c.version}>{t.agreed(c.version, exactly(c.at))}</p>
        ))}
        {portal.privacy_url && <PrivacyLink url={portal.privacy_url} />}
      </div>
    </Dialog>
  )
}
