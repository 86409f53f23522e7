import { useState } from 'react'
import { Dialog } from '../shared/Dialog'
import { t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Problem } from './parts'
import { refusal, remove } from './rest'
import { forget } from './useEdit'
import { words } from './words'

/** Asks before a row goes for good, and stays with the reason when it could not. */
export function Delete({
  path,
  name,
  help,
  errors,
  onClose,
  onDone,
}: {
  path: string
  name: string
  help: string
  /** What a refusal's code means here. */
  errors?: Record<string, string> | undefined
  onClose: () => void
  onDone: () => void
}) {
  const a = words()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const go = async () => {
    setBusy(true)
    try {
      await remove(path)
      forget(path)
      onDone()
    } catch (e) {
      setProblem(refusal(e, errors))
      setBusy(false)
    }
  }
  return (
    <Dialog title={a.removeTitle(name)} onClose={onClose}>
      <p className="mb-4 text-sm text-muted">{help}</p>
      <Problem text={problem} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button look="quiet" data-begin="" onClick={onClose}>
          {t.cancel}
        </Button>
        <Button look="bad" disabled={busy} onClick={() => void go()}>
          {t.remove}
        </Button>
      </div>
    </Dialog>
  )
}
