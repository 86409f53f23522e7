import { Pencil, Plus, Trash2 } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { api, errorText, useConsole } from '../console/session'
import { TextArea } from '../console/TextArea'
import { w } from '../console/words'
import type { Page } from '../net/api'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { Button, IconButton } from '../shared/ui'
import type { Reply } from './replies'

/** The answers that the staff has prepared: all of them, to add, change and delete. */
export default function Replies() {
  const portal = useConsole((s) => s.portal)
  const [list, setList] = useState<Reply[]>()
  const [editing, setEditing] = useState<Reply>()
  const [problem, setProblem] = useState<string>()

  const attempt = useCallback(async (what: () => Promise<unknown>) => {
    try {
      await what()
      setList((await api.get<Page<Reply>>('/canned-replies?limit=100')).items)
      setProblem(undefined)
      return true
    } catch (e) {
      setProblem(errorText(e))
      return false
    }
  }, [])
  useEffect(() => void attempt(async () => {}), [attempt])
  useEffect(() => {
    document.title = `${w.repliesTitle} · ${portal?.name ?? ''}`
  }, [portal])

  const save = async (r: Reply) => {
    const body = { shortcut: r.shortcut, text: r.text }
    const done = await attempt(() =>
      r.id ? api.authed('PATCH', `/canned-replies/${r.id}`, body) : api.authed('POST', '/canned-replies', body),
    )
    if (done) setEditing(undefined)
  }
  return (
    <main className="h-full overflow-y-auto bg-surface">
      <div className="mx-auto max-w-3xl px-4 py-6 md:px-8">
        <div className="mb-5 flex flex-wrap items-end justify-between gap-3">
          <div>
            <h1 className="text-lg font-semibold tracking-tight">{w.repliesTitle}</h1>
            <p className="mt-1 max-w-xl text-muted">{w.repliesHelp}</p>
          </div>
          <Button onClick={() => setEditing({ id: '', shortcut: '', text: '' })}>
            <Plus size={15} aria-hidden />
            {w.replyNew}
          </Button>
        </div>
        {problem && (
          <p role="alert" className="mb-4 text-bad">
            {problem}
          </p>
        )}
        {editing && (
          <Form key={editing.id} reply={editing} onSave={(r) => void save(r)} onCancel={() => setEditing(undefined)} />
        )}
        {list?.length === 0 && !editing && <p className="py-16 text-center text-muted">{w.repliesEmpty}</p>}
        <ul className="flex flex-col gap-2">
          {list?.map((r) => (
            <li key={r.id} className="flex items-start gap-3 rounded-xl border border-line p-3">
              <div className="min-w-0 flex-1">
                <p className="font-medium">/{r.shortcut}</p>
                <p className="mt-1 text-muted whitespace-pre-wrap">{r.text}</p>
              </div>
              <IconButton label={w.replyEdit(r.shortcut)} onClick={() => setEditing(r)}>
                <Pencil size={15} aria-hidden />
              </IconButton>
              <IconButton
                label={w.replyDelete(r.shortcut)}
                onClick={() => void attempt(() => api.authed('DELETE', `/canned-replies/${r.id}`))}
              >
                <Trash2 size={15} aria-hidden />
              </IconButton>
            </li>
          ))}
        </ul>
      </div>
    </main>
  )
}

function Form({ reply, onSave, onCancel }: { reply: Reply; onSave: (r: Reply) => void; onCancel: () => void }) {
  const [text, setText] = useState(reply.text)
  return (
    <form
      className="mb-5 flex flex-col gap-3 rounded-xl border border-line bg-bg p-4"
      onSubmit={(e) => {
        e.preventDefault()
        const shortcut = String(new FormData(e.currentTarget).get('shortcut'))
          .toLowerCase()
          .replace(/[\s/]+/g, '-')
        if (shortcut && text.trim()) onSave({ ...reply, shortcut, text: text.trim() })
      }}
    >
      <Field label={w.replyName} name="shortcut" defaultValue={reply.shortcut} maxLength={40} autoFocus required />
      <TextArea
        label={w.replyText}
        value={text}
        rows={4}
        maxLength={4000}
        required
        onChange={(e) => setText(e.target.value)}
      />
      <div className="flex gap-2">
        <Button type="submit" look="main">
          {w.replySave}
        </Button>
        <Button look="quiet" onClick={onCancel}>
          {t.cancel}
        </Button>
      </div>
    </form>
  )
}
