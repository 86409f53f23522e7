import { create } from 'zustand'
import { Api, ApiError, type Me, type Portal } from '../net/api'
import { t } from '../shared/i18n'
import { slug } from './place'

export type Toast = { text: string; action?: { label: string; run: () => void }; bad?: boolean }

export type ConsoleState = {
  readonly phase: 'loading' | 'choose' | 'missing' | 'failed' | 'login' | 'forbidden' | 'ready'
  readonly portal: Portal | undefined
  readonly me: Me | undefined
  /** The session ended while the person was at work: they sign in again without leaving the page. */
  readonly expired: boolean
  readonly toast: Toast | undefined
}

export const api = new Api(slug)
export const useConsole = create<ConsoleState>(() => ({
  phase: 'loading',
  portal: undefined,
  me: undefined,
  expired: false,
  toast: undefined,
}))

api.onSignedOut = () => {
  if (useConsole.getState().me) useConsole.setState({ expired: true })
}

const staff = ['supervisor', 'admin']

/** Loads the tenant's looks and, if the browser is signed in, the person. */
export async function start() {
  if (!slug) {
    useConsole.setState({ phase: 'choose' })
    return
  }
  useConsole.setState({ phase: 'loading' })
  try {
    useConsole.setState({ portal: await api.portal() })
  } catch (e) {
    useConsole.setState({ phase: e instanceof ApiError && e.status === 404 ? 'missing' : 'failed' })
    return
  }
  if (!api.known) {
    useConsole.setState({ phase: 'login' })
    return
  }
  try {
    await api.token()
    await enter()
  } catch (e) {
    useConsole.setState({ phase: e instanceof ApiError && e.status === 401 ? 'login' : 'failed' })
  }
}

export async function login(email: string, password: string) {
  await api.login(email, password)
  const before = useConsole.getState().me
  await enter()
  // Another person on the same screen must not see what the first one left.
  if (before && before.user.id !== useConsole.getState().me?.user.id) location.reload()
}

export async function logout() {
  sessionStorage.clear()
  await api.logout().catch(() => {})
  location.assign(`/console/${slug}`)
}

async function enter() {
  const me = await api.me()
  useConsole.setState({ me, phase: staff.includes(me.user.role) ? 'ready' : 'forbidden', expired: false })
}

let toastTimer: ReturnType<typeof setTimeout> | undefined

/** Shows a short notice. */
export function say(text: string, more: Omit<Toast, 'text'> & { ms?: number } = {}) {
  const { ms = 4000, ...rest } = more
  clearTimeout(toastTimer)
  useConsole.setState({ toast: { text, ...rest } })
  toastTimer = setTimeout(hush, ms)
}

export function hush() {
  clearTimeout(toastTimer)
  useConsole.setState({ toast: undefined })
}

/** A refusal in the person's words. */
export function errorText(e: unknown): string {
  const code = e instanceof Error && 'code' in e && typeof e.code === 'string' ? e.code : 'other'
  return t.errors[code === 'lost' ? 'offline' : code] ?? t.errors.other
}
