import { Eye, EyeOff } from 'lucide-react'
import { type FormEvent, useRef, useState } from 'react'
import { ApiError, type Portal, signedInMark } from '../net/api'
import { Dialog } from './Dialog'
import { Field } from './Field'
import { InviteForm, inviteWords, takeInvite } from './Invite'
import { t, wait } from './i18n'
import { Button, IconButton, Logo } from './ui'

type Login = (email: string, password: string) => Promise<void>

export function LoginPage({
  portal,
  title = t.signInTo(portal.portal_name || portal.name),
  onLogin,
}: {
  portal: Portal
  title?: string
  onLogin: Login
}) {
  const [invite, setInvite] = useState(takeInvite)
  const [invited, setInvited] = useState(false)
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-8">
      <div className="w-full max-w-sm">
        <div className="mb-7 flex flex-col items-center gap-4 text-center">
          <Logo name={portal.name} url={portal.logo_url} size="size-14 rounded-2xl text-xl" />
          <h1 className="text-xl font-semibold tracking-tight text-balance">
            {invite ? inviteWords().title(portal.portal_name || portal.name) : title}
          </h1>
        </div>
        <div className="rounded-2xl border border-line bg-surface p-6">
          {invite ? (
            <InviteForm
              token={invite}
              onDone={() => {
                setInvite(undefined)
                setInvited(true)
              }}
            />
          ) : (
            <>
              {invited && (
                <p role="status" className="mb-4 text-sm text-ok">
                  {inviteWords().done}
                </p>
              )}
              <LoginForm onLogin={onLogin} />
              <OtherLogins portal={portal} />
            </>
          )}
        </div>
      </div>
    </main>
  )
}

/** Signs in again without leaving the page; what was written stays. */
export function LoginDialog({
  portal,
  email,
  onLogin,
  onSignOut,
}: {
  portal: Portal
  email: string | undefined
  onLogin: Login
  onSignOut: () => void
}) {
  return (
    <Dialog title={t.sessionEnded} onClose={() => {}} closable={false}>
      <p className="mb-4 text-sm text-muted">{t.sessionEndedHelp}</p>
      <LoginForm email={email} onLogin={onLogin} />
      <OtherLogins portal={portal} />
      <Button look="quiet" className="mt-2 w-full" onClick={onSignOut}>
        {t.signOut}
      </Button>
    </Dialog>
  )
}

/** The distributor's own identity providers. They are other pages, which come back to this one. */
function OtherLogins({ portal }: { portal: Portal }) {
  const to = location.pathname.startsWith('/console') ? '&to=console' : ''
  return (
    <div className="mt-4 flex flex-col gap-2 empty:hidden">
      {portal.logins?.map((login) => (
        <a
          key={login.id}
          href={`/auth/oidc/${portal.slug}/start?provider=${login.id}${to}`}
          onClick={() => localStorage.setItem(signedInMark(portal.slug), '1')}
          className="grid min-h-11 place-items-center rounded-lg border border-line px-3 text-sm font-medium hover:bg-surface-2"
        >
          {t.signInWith(login.name)}
        </a>
      ))}
    </div>
  )
}

/** Why the way back from another provider ended here, said once. */
function cameBack(): string | undefined {
  const why = new URLSearchParams(location.search).get('signin')
  if (!why) return undefined
  history.replaceState(history.state, '', location.pathname)
  return why === 'denied' ? t.loginDenied : t.errors[why === 'suspended' ? 'tenant_suspended' : 'other']
}

export function LoginForm({ email = '', onLogin }: { email?: string | undefined; onLogin: Login }) {
  const [problem, setProblem] = useState(cameBack)
  const [busy, setBusy] = useState(false)
  const [shown, setShown] = useState(false)
  const [missing, setMissing] = useState<{ email?: boolean; password?: boolean }>({})
  const password = useRef<HTMLInputElement>(null)

  const submit = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    const data = new FormData(e.currentTarget)
    const who = String(data.get('email')).trim()
    const secret = String(data.get('password'))
    setMissing({ email: !who, password: !secret })
    if (!who || !secret) return
    setBusy(true)
    setProblem(undefined)
    try {
      await onLogin(who, secret)
    } catch (error) {
      setBusy(false)
      setProblem(problemOf(error))
      password.current?.select()
    }
  }
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      <Field
        label={t.email}
        name="email"
        type="email"
        autoComplete="username"
        defaultValue={email}
        autoFocus={!email}
        error={missing.email ? t.required : undefined}
      />
      <Field
        ref={password}
        label={t.password}
        name="password"
        type={shown ? 'text' : 'password'}
        autoComplete="current-password"
        autoFocus={!!email}
        data-begin={email ? true : undefined}
        error={missing.password ? t.required : undefined}
        end={
          <IconButton label={shown ? t.hidePassword : t.showPassword} onClick={() => setShown(!shown)}>
            {shown ? <EyeOff size={17} aria-hidden /> : <Eye size={17} aria-hidden />}
          </IconButton>
        }
      />
      <p role="alert" className="text-sm text-bad empty:hidden">
        {problem}
      </p>
      <Button type="submit" look="main" disabled={busy} className="min-h-11">
        {busy ? t.signingIn : t.signIn}
      </Button>
    </form>
  )
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiError)) return t.errors.other
  if (error.status === 401) return t.wrongLogin
  if (error.code === 'rate_limited') return t.lockedLogin(wait(error.retryMS ?? 60_000))
  return t.errors[error.code] ?? t.errors.other
}
