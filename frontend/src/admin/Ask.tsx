import { useState } from 'react'
import { Dialog } from '../shared/Dialog'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Problem } from './parts'
import { refusal } from './rest'
import { words } from './words'

/** Asks before something that can't be taken back, and stays with the reason when it could not be done. */
export function Ask({
  title,
  help,
  action,
  typed,
  errors,
  run,
  onClose,
}: {
  title: string
  /** What is lost. */
  help: string
  action: string
  /** What has to be written first, so that it is not done in passing. */
  typed?: string | undefined
  /** What a refusal's code means here. */
  errors?: Record<string, string> | undefined
  run: () => Promise<unknown>
  onClose: () => void
}) {
  const a = words()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const [text, setText] = useState('')
  const go = async () => {
    setBusy(true)
    try {
      await run()
    } catch (e) {
      setProblem(refusal(e, errors))
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <p className="mb-4 text-sm text-muted">{help}</p>
      {typed !== undefined && (
        <div className="mb-4">
          <Field label={a.typeName(typed)} autoComplete="off" value={text} onChange={(e) => setText(e.target.value)} />
        </div>
      )}
      <Problem text={problem} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button look="quiet" data-begin={typed === undefined ? '' : undefined} onClick={onClose}>
          {t.cancel}
        </Button>
        <Button
          look="bad"
          disabled={busy || (typed !== undefined && text.trim() !== typed.trim())}
          onClick={() => void go()}
          className="disabled:opacity-50"
        >
          {action}
        </Button>
      </div>
    </Dialog>
  )
}
