import { t } from '../shared/i18n'
import { Ask } from './Ask'
import { remove } from './rest'
import { forget } from './useEdit'
import { words } from './words'

/** Asks before a row goes for good; `typed` where so much goes with it that its name has to be written. */
export function Delete({
  path,
  name,
  help,
  typed = false,
  errors,
  onClose,
  onDone,
}: {
  path: string
  name: string
  help: string
  typed?: boolean | undefined
  /** What a refusal's code means here. */
  errors?: Record<string, string> | undefined
  onClose: () => void
  onDone: () => void
}) {
  return (
    <Ask
      title={words().removeTitle(name)}
      help={help}
      action={t.remove}
      typed={typed ? name : undefined}
      errors={errors}
      run={async () => {
        await remove(path)
        forget(path)
        onDone()
      }}
      onClose={onClose}
    />
  )
}
