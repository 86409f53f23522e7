import {
  Bell,
  BellOff,
  Check,
  CircleUser,
  Keyboard,
  Languages,
  LogOut,
  MessageSquareText,
  Radio,
  Settings,
  Volume2,
  VolumeX,
  X,
} from 'lucide-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { Monitor } from '../monitor/Monitor'
import { Field } from '../shared/Field'
import { language, t } from '../shared/i18n'
import { pageTheme, setCookie, setTheme, type Theme } from '../shared/theme'
import { Button, IconButton, Logo, Menu, type MenuItem } from '../shared/ui'
import { address, go, slug, usePlace } from './place'
import * as prefs from './prefs'
import { hush, login, logout, say, start, useConsole } from './session'
import { speak, w } from './words'

// Signing in and the administration are seldom, so they are no part of the first load.
const LoginPage = lazy(() => import('../shared/Login').then((m) => ({ default: m.LoginPage })))
const LoginDialog = lazy(() => import('../shared/Login').then((m) => ({ default: m.LoginDialog })))
const Admin = lazy(() => import('../admin/Admin'))
const Replies = lazy(() => import('../monitor/Replies'))

export function Console() {
  const [, redraw] = useState(0)
  const phase = useConsole((s) => s.phase)
  const portal = useConsole((s) => s.portal)
  const toggleLanguage = async () => {
    const next = language === 'en' ? 'pt-BR' : 'en'
    await speak(next)
    setCookie('lang', next)
    redraw((n) => n + 1)
  }
  switch (phase) {
    case 'loading':
      return <p className="sr-only">{w.loading}</p>
    case 'choose':
      return <Choose />
    case 'missing':
      return <Page title={w.noCompany}>{w.noCompanyHelp}</Page>
    case 'failed':
      return (
        <Page title={t.unavailable} action={<Button onClick={() => void start()}>{t.retry}</Button>}>
          {t.errors.offline}
        </Page>
      )
    case 'login':
      return (
        portal && (
          <Suspense>
            <LoginPage portal={portal} title={w.signInTo(portal.name)} onLogin={login} />
          </Suspense>
        )
      )
    case 'forbidden':
      return <Forbidden />
    case 'ready':
      return <Shell key={language} onLanguage={() => void toggleLanguage()} />
  }
}

function Page({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <main className="grid min-h-dvh place-items-center px-4 text-center">
      <div className="max-w-md">
        <h1 className="text-xl font-semibold tracking-tight text-balance">{title}</h1>
        <p className="mt-2 text-sm text-muted">{children}</p>
        {action && <div className="mt-5 flex flex-wrap justify-center gap-2">{action}</div>}
      </div>
    </main>
  )
}

/** Without a tenant in the address: which one. */
function Choose() {
  return (
    <main className="grid min-h-dvh place-items-center px-4">
      <form
        className="w-full max-w-sm rounded-2xl border border-line bg-surface p-6"
        onSubmit={(e) => {
          e.preventDefault()
          const name = String(new FormData(e.currentTarget).get('slug')).trim().toLowerCase()
          if (/^[a-z0-9-]{1,40}$/.test(name)) location.assign(`/console/${name}`)
        }}
      >
        <h1 className="mb-4 text-lg font-semibold tracking-tight">{w.console}</h1>
        <Field label={w.company} name="slug" autoFocus autoComplete="organization" autoCapitalize="none" required />
        <p className="mt-2 text-sm text-muted">{w.companyHelp}</p>
        <Button type="submit" look="main" className="mt-5 min-h-11 w-full">
          {w.go}
        </Button>
      </form>
    </main>
  )
}

function Forbidden() {
  const me = useConsole((s) => s.me)
  const operator = me?.user.role === 'operador'
  return (
    <Page
      title={w.notStaff}
      action={
        <>
          {!operator && (
            <a
              href={`/p/${slug}`}
              className="inline-flex min-h-9 items-center rounded-lg bg-brand px-3 text-sm font-medium text-brand-fg hover:ring-2 hover:ring-accent/25"
            >
              {w.toPortal}
            </a>
          )}
          <Button onClick={() => void logout()}>{w.otherAccount}</Button>
        </>
      }
    >
      {operator ? w.notStaffOperator : w.notStaffHelp(me?.user.name ?? '')}
    </Page>
  )
}

/** What every section of the console stands in: the rail on the left, notices, and signing in again. */
function Shell({ onLanguage }: { onLanguage: () => void }) {
  const { portal, me, expired, toast } = useConsole()
  const path = usePlace((p) => p.path)
  const section = sectionOf(path, me?.user.role === 'admin')
  return (
    <div className="flex h-dvh flex-col overflow-hidden text-[13px] md:flex-row print:block print:h-auto print:overflow-visible">
      <Rail section={section} onLanguage={onLanguage} />
      <div className="min-h-0 min-w-0 flex-1">
        <Suspense>{{ monitor: <Monitor />, replies: <Replies />, admin: <Admin /> }[section]}</Suspense>
      </div>
      <div
        role="status"
        className="pointer-events-none fixed right-4 bottom-4 left-4 z-20 flex justify-center md:left-auto md:justify-end"
      >
        {toast && (
          <div className="animate-rise pointer-events-auto flex max-w-md items-center gap-2 rounded-xl border border-line bg-surface py-1.5 pr-1.5 pl-4 font-medium shadow-[0_8px_28px_-8px_rgb(0_0_0/.3)]">
            <span className={toast.bad ? 'text-bad' : ''}>{toast.text}</span>
            {toast.action && (
              <Button look="quiet" className="min-h-8 text-accent" onClick={toast.action.run}>
                {toast.action.label}
              </Button>
            )}
            <IconButton label={w.toastClose} onClick={hush}>
              <X size={15} aria-hidden />
            </IconButton>
          </div>
        )}
      </div>
      {expired && portal && (
        <Suspense>
          <LoginDialog portal={portal} email={me?.user.email} onLogin={login} onSignOut={() => void logout()} />
        </Suspense>
      )}
    </div>
  )
}

type Section = 'monitor' | 'replies' | 'admin'

/** The section at a path; what is for administrators alone is for others the first one. */
function sectionOf(path: string, admin: boolean): Section {
  if (path === '/replies') return 'replies'
  if (admin && /^\/admin(\/|$)/.test(path)) return 'admin'
  return 'monitor'
}

function Rail({ section, onLanguage }: { section: Section; onLanguage: () => void }) {
  const { portal, me } = useConsole()
  const conv = usePlace((p) => p.path.startsWith('/s/'))
  const [, redraw] = useState(0)
  const again = () => redraw((n) => n + 1)
  const theme = pageTheme()
  const themes: MenuItem[] = (['system', 'light', 'dark'] satisfies Theme[]).map((name) => ({
    label: w.themes[name],
    icon: <Check size={15} aria-hidden className={theme === name ? '' : 'invisible'} />,
    run: () => {
      setTheme(name)
      again()
    },
  }))
  const items: MenuItem[] = [
    ...themes,
    'line',
    {
      label: prefs.notifying() ? w.notifyOff : w.notifyOn,
      icon: prefs.notifying() ? <BellOff size={15} aria-hidden /> : <Bell size={15} aria-hidden />,
      run: async () => {
        if (!(await prefs.setNotifying(!prefs.notifying()))) say(w.notifyDenied)
        again()
      },
    },
    {
      label: prefs.sounding() ? w.soundOff : w.soundOn,
      icon: prefs.sounding() ? <VolumeX size={15} aria-hidden /> : <Volume2 size={15} aria-hidden />,
      run: () => {
        prefs.setSounding(!prefs.sounding())
        again()
      },
    },
    {
      label: prefs.keysOn() ? w.keysOff : w.keysOn,
      icon: <Keyboard size={15} aria-hidden />,
      run: () => {
        prefs.setKeysOn(!prefs.keysOn())
        again()
      },
    },
    'line',
    { label: t.otherLanguage, icon: <Languages size={15} aria-hidden />, run: onLanguage },
    { label: t.signOut, icon: <LogOut size={15} aria-hidden />, run: () => void logout() },
  ]
  return (
    <nav
      aria-label={w.navigation}
      className={`flex shrink-0 items-center gap-1 border-line bg-bg px-2 max-md:h-12 max-md:border-b md:w-13 md:flex-col md:border-r md:py-2.5 print:hidden ${conv ? 'max-md:hidden' : ''}`}
    >
      <span className="grid size-9 place-items-center md:mb-2" title={portal?.name}>
        <Logo name={portal?.name ?? ''} url={portal?.logo_url} size="size-7 rounded-lg text-[11px]" />
      </span>
      <span className="flex-1 truncate px-1 font-semibold md:hidden">{portal?.name}</span>
      <RailLink path="/" label={w.nav.monitor} current={section === 'monitor'}>
        <Radio size={18} aria-hidden />
      </RailLink>
      <RailLink path="/replies" label={w.nav.replies} current={section === 'replies'}>
        <MessageSquareText size={18} aria-hidden />
      </RailLink>
      {me?.user.role === 'admin' && (
        <RailLink path="/admin" label={w.nav.admin} current={section === 'admin'}>
          <Settings size={18} aria-hidden />
        </RailLink>
      )}
      <span className="max-md:hidden md:flex-1" />
      <Menu
        label={w.account}
        trigger={<CircleUser size={19} aria-hidden />}
        items={items}
        header={
          <div className="px-2.5 pt-1.5 pb-2">
            <div className="font-medium">{me?.user.name}</div>
            <div className="text-xs text-muted">
              {w.roles[me?.user.role ?? ''] ?? me?.user.role} · {portal?.name}
            </div>
          </div>
        }
        className="grid size-9 place-items-center rounded-lg text-muted hover:bg-surface-2 hover:text-fg aria-expanded:bg-surface-2 pointer-coarse:size-11"
      />
    </nav>
  )
}

function RailLink({
  path,
  label,
  current,
  children,
}: {
  path: string
  label: string
  current: boolean
  children: ReactNode
}) {
  return (
    <a
      href={address(path, new URLSearchParams())}
      aria-label={label}
      title={label}
      aria-current={current ? 'page' : undefined}
      onClick={(e) => {
        if (e.metaKey || e.ctrlKey || e.shiftKey) return
        e.preventDefault()
        go(path, new URLSearchParams())
      }}
      className="grid size-9 place-items-center rounded-lg text-muted hover:bg-surface-2 hover:text-fg aria-[current]:bg-soft aria-[current]:text-accent pointer-coarse:size-11"
    >
      {children}
    </a>
  )
}
