import { KeyRound } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { Button } from '../shared/ui'
import { Copyable, Problem } from './parts'
import { read, refusal, renewSecret, type WidgetKey } from './rest'
import { snippet } from './widgetDraft'
import { words } from './words'

/** How a key comes onto a site: what to paste there, and the secret that vouches for its visitors. */
export function WidgetInstall({ id, required }: { id: string; required: boolean }) {
  const a = words()
  return (
    <section
      aria-label={a.install}
      className="mb-8 flex max-w-2xl flex-col gap-4 rounded-xl border border-line bg-bg p-4"
    >
      <div>
        <Copyable label={a.snippet} value={snippet(location.origin, id)} />
        <p className="mt-1.5 text-muted">
          {a.snippetHelp}{' '}
          <a href="/widget/docs" target="_blank" rel="noopener" className="text-accent underline underline-offset-3">
            {a.widgetDocs}
          </a>
        </p>
      </div>
      <Secret id={id} required={required} />
    </section>
  )
}

/** The secret with which the distributor's server signs who a visitor is: made here, shown once. */
function Secret({ id, required }: { id: string; required: boolean }) {
  const a = words()
  const [count, setCount] = useState<number>()
  const [secret, setSecret] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  const load = useCallback(async () => {
    try {
      setCount((await read<WidgetKey>(`/widget-keys/${id}`)).row.identity_secrets)
      setProblem(undefined)
    } catch (e) {
      setProblem(refusal(e))
    }
  }, [id])
  useEffect(() => void load(), [load])
  const make = async () => {
    setBusy(true)
    try {
      const key = await renewSecret(id)
      setCount(key.identity_secrets)
      setSecret(key.identity_secret)
      setProblem(undefined)
    } catch (e) {
      setProblem(refusal(e))
    } finally {
      setBusy(false)
    }
  }
  if (count === undefined) return <Problem text={problem} retry={() => void load()} />
  return (
    <div className="flex flex-col gap-3">
      <p className={required && count === 0 ? 'text-warn' : 'text-muted'}>
        {required && count === 0 ? a.secretMissing : a.secretCount[Math.min(count, 2)]}
      </p>
      <Problem text={problem} />
      {secret && (
        <div>
          <Copyable label={a.secretNew} value={secret} />
          <p role="status" className="mt-1.5 text-warn">
            {a.secretOnce}
          </p>
        </div>
      )}
      <Button className="self-start" disabled={busy} onClick={() => void make()}>
        <KeyRound size={15} aria-hidden />
        {a.secretMakeNew}
      </Button>
    </div>
  )
}
