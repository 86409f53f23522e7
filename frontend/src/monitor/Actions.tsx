import { type FormEvent, type ReactNode, useState } from 'react'
import type { Chat } from '../chat/chat'
import { TextArea } from '../console/TextArea'
import { w } from '../console/words'
import { Dialog } from '../shared/Dialog'
import { Button } from '../shared/ui'
import * as store from './store'

export type ActionName = 'take' | 'release' | 'end' | 'help'

type Props = { chat: Chat | undefined; onClose: () => void; blocked: string | undefined }

export function ActionDialog({ name, ...rest }: Props & { name: ActionName }) {
  if (name === 'help') return <Help onClose={rest.onClose} />
  if (!rest.chat) return null
  const props = { ...rest, chat: rest.chat }
  return { take: <Take {...props} />, release: <Release {...props} />, end: <End {...props} /> }[name]
}

type FormProps = { chat: Chat; onClose: () => void; blocked: string | undefined }

function Take({ chat, onClose, blocked }: FormProps) {
  const [note, setNote] = useState('')
  const [short, setShort] = useState(false)
  const submit = async () => {
    setShort(note.trim().length < 3)
    if (note.trim().length < 3) return
    if (await store.take(chat.conv, note.trim())) onClose()
  }
  return (
    <Form title={w.takeTitle} action={w.take} blocked={blocked} onClose={onClose} onSubmit={submit}>
      <p className="mb-4 text-sm text-muted">{w.takeHelp}</p>
      <Lines label={w.reason} value={note} onChange={setNote} error={short ? w.reasonShort : undefined} />
    </Form>
  )
}

function Release({ chat, onClose, blocked }: FormProps) {
  const [note, setNote] = useState('')
  const [cut, setCut] = useState(false)
  const submit = async () => {
    if (await store.release(chat.conv, note.trim(), cut && note.trim() !== '')) onClose()
  }
  return (
    <Form title={w.releaseTitle} action={w.release} blocked={blocked} onClose={onClose} onSubmit={submit}>
      <p className="mb-4 text-sm text-muted">{w.releaseHelp}</p>
      <Lines label={w.summaryLabel} value={note} onChange={setNote} rows={3} />
      <label className="mt-3 flex min-h-8 cursor-pointer items-center gap-2.5 text-sm pointer-coarse:min-h-11">
        <input
          type="checkbox"
          checked={cut}
          disabled={note.trim() === ''}
          onChange={(e) => setCut(e.target.checked)}
          className="size-4 accent-accent"
        />
        {w.cut}
      </label>
    </Form>
  )
}

function End({ chat, onClose, blocked }: FormProps) {
  const [reason, setReason] = useState(w.endReasons[0]!)
  const [message, setMessage] = useState('')
  const mine = chat.owner.kind === 'human' && chat.owner.id === store.myID()
  const submit = async () => {
    store.end(chat.conv, reason, message.trim())
    onClose()
  }
  return (
    <Form title={w.endTitle} action={w.confirmEnd} blocked={blocked} onClose={onClose} onSubmit={submit}>
      <p className="mb-4 text-sm text-muted">{w.endHelp}</p>
      <fieldset className="mb-4">
        <legend className="mb-1.5 text-sm font-medium">{w.endReason}</legend>
        {w.endReasons.map((r) => (
          <label key={r} className="flex min-h-8 cursor-pointer items-center gap-2.5 text-sm pointer-coarse:min-h-11">
            <input
              type="radio"
              name="reason"
              checked={reason === r}
              data-begin={r === w.endReasons[0] ? '' : undefined}
              onChange={() => setReason(r)}
              className="size-4 accent-accent"
            />
            {r}
          </label>
        ))}
      </fieldset>
      {mine && <Lines label={w.endMessage} value={message} onChange={setMessage} rows={2} focus={false} />}
    </Form>
  )
}

type DialogFormProps = {
  title: string
  action: string
  blocked: string | undefined
  onClose: () => void
  onSubmit: () => Promise<void>
  children: ReactNode
}

function Form({ title, action, blocked, onClose, onSubmit, children }: DialogFormProps) {
  const [busy, setBusy] = useState(false)
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    if (blocked) return
    setBusy(true)
    await onSubmit()
    setBusy(false)
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        {children}
        {blocked && <p className="mt-3 text-sm text-warn">{blocked}</p>}
        <div className="mt-5 flex justify-end gap-2">
          <Button look="quiet" onClick={onClose}>
            {w.cancel}
          </Button>
          <Button type="submit" look="main" disabled={busy || blocked !== undefined}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** A text of a few lines, which grows; Enter sends the form. */
function Lines({
  onChange,
  focus = true,
  ...rest
}: {
  label: string
  value: string
  onChange: (v: string) => void
  error?: string | undefined
  rows?: number
  focus?: boolean
}) {
  return (
    <TextArea
      rows={1}
      maxLength={500}
      data-begin={focus ? '' : undefined}
      {...rest}
      onChange={(e) => onChange(e.target.value)}
      onKeyDown={(e) => {
        if (e.key !== 'Enter' || e.shiftKey || e.nativeEvent.isComposing) return
        e.preventDefault()
        e.currentTarget.form?.requestSubmit()
      }}
      className="field-sizing-content max-h-40 resize-none"
    />
  )
}

const shortcuts: [string[], keyof typeof w.keys][] = [
  [['J', '↓'], 'next'],
  [['K', '↑'], 'previous'],
  [['Enter'], 'open'],
  [['A'], 'take'],
  [['S'], 'whisper'],
  [['E'], 'end'],
  [['/'], 'filter'],
  [['L'], 'last'],
  [['Esc'], 'leave'],
  [['?'], 'help'],
]

function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={w.keys.title} onClose={onClose}>
      <dl className="grid grid-cols-[1fr_auto] gap-x-6 gap-y-2 text-sm">
        {shortcuts.map(([keys, name]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{w.keys[name]}</dt>
            <dd className="flex justify-end gap-1">
              {keys.map((k) => (
                <kbd
                  key={k}
                  className="min-w-6 rounded-md border border-line bg-surface-2 px-1.5 text-center font-sans text-xs leading-5.5"
                >
                  {k}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p className="mt-4 text-xs text-muted">{w.keys.off}</p>
    </Dialog>
  )
}
