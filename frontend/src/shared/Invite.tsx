import { type FormEvent, useState } from 'react'
import { ApiError } from '../net/api'
import { Field } from './Field'
import { language, t } from './i18n'
import { Button } from './ui'

// Few people see this once, so that its texts are loaded with it.
const pt = {
  title: (name: string) => `Defina a sua senha em ${name}`,
  password: 'Nova senha',
  help: 'Pelo menos 8 caracteres.',
  set: 'Definir senha',
  done: 'Senha definida. Entre com o seu e-mail.',
  over: 'Este convite não vale mais. Peça outro a quem o enviou.',
  short: 'Use de 8 a 256 caracteres.',
}
const en: typeof pt = {
  title: (name) => `Set your password at ${name}`,
  password: 'New password',
  help: 'At least 8 characters.',
  set: 'Set password',
  done: 'Your password is set. Sign in with your email.',
  over: 'This invitation is no longer valid. Ask for another one.',
  short: 'Use 8 to 256 characters.',
}
export const inviteWords = () => (language === 'en' ? en : pt)

/** The invitation that the address carries, if it does; it is taken from there, so that it is in no history. */
export function takeInvite(): string | undefined {
  const token = /^#invite=(.+)$/.exec(location.hash)?.[1]
  if (token) history.replaceState(history.state, '', location.pathname + location.search)
  return token
}

/** Where an invited person sets their password. */
export function InviteForm({ token, onDone }: { token: string; onDone: () => void }) {
  const i = inviteWords()
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  const submit = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    const password = String(new FormData(e.currentTarget).get('password'))
    setBusy(true)
    try {
      await accept(token, password)
      onDone()
    } catch (error) {
      setBusy(false)
      const { status = 0, code = 'other' } = error instanceof ApiError ? error : {}
      setProblem(status === 401 ? i.over : code === 'bad_field' ? i.short : (t.errors[code] ?? t.errors.other))
    }
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field
        label={i.password}
        name="password"
        type="password"
        autoComplete="new-password"
        minLength={8}
        maxLength={256}
        required
        autoFocus
        help={i.help}
      />
      <p role="alert" className="text-sm text-bad empty:hidden">
        {problem}
      </p>
      <Button type="submit" look="main" disabled={busy} className="min-h-11">
        {i.set}
      </Button>
    </form>
  )
}

async function accept(token: string, password: string) {
  const r = await fetch('/api/v1/auth/invite', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, password }),
  }).catch(() => {
    throw new ApiError(0, 'offline')
  })
  if (r.ok) return
  const p: { code?: string } = await r.json().catch(() => ({}))
  throw new ApiError(r.status, p.code ?? 'internal')
}
