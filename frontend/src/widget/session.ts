import { ApiError } from '../net/api'
import { config } from './config'

/** What this site's visitor left in the browser: who they were, and what they have agreed to and answered. */
type Kept = { visitor?: string; consent?: string; answered?: boolean }
/** What a problem says beside its code. */
export type Refusal = { code?: string; detail?: string; retry_ms?: number; reset_at?: string }
type Granted = { access_token: string; expires_in: number; visitor?: string; user: Visitor }
export type Visitor = { id: string; name: string; identified: boolean; email?: string }

const place = `aihub-widget:${config.key}`
const margin = 20_000
const answerWithin = 20_000
/** How long before an identity token's end the page around is asked for another. */
const warnBefore = 60_000

let kept: Kept = read()
let identity: string | undefined
let access: { token: string; until: number } | undefined
let opening: Promise<string> | undefined
let warning: ReturnType<typeof setTimeout> | undefined

/** The visitor of the session there is. */
export let visitor: Visitor | undefined
/** Where the page around is, and what it says of the visitor. */
export let where: { page: string; title: string; data: Record<string, string> } = { page: '', title: '', data: {} }

export const setWhere = (w: typeof where) => {
  where = w
}
export const known = () => identity !== undefined || kept.visitor !== undefined
export const identified = () => identity !== undefined
export const agreedTo = () => kept.consent
export const hasAnswered = () => kept.answered === true

export function agree(version: string) {
  keep({ consent: version })
}

/** A token that is valid now: the session is opened or renewed if it must be. */
export function token(fresh = false): Promise<string> {
  if (!fresh && access && Date.now() < access.until) return Promise.resolve(access.token)
  if (opening) return opening
  const mine: Promise<string> = alone(() => open())
    .finally(() => {
      if (opening === mine) opening = undefined
    })
    .then((t) => t || token())
  opening = mine
  return mine
}

/** One tab at a time, or two of them would become two visitors. Where a frame may not lock, each goes ahead. */
async function alone<T>(act: () => Promise<T>): Promise<T> {
  let result: Promise<T> | undefined
  try {
    await navigator.locks.request(place, () => {
      result = act()
      return result.catch(() => {})
    })
  } catch {
    // the browser gives this frame no locks
  }
  return result ?? act()
}

/** Returns '' when the page named somebody else meanwhile: what came then is not theirs. */
async function open(fields?: Record<string, string>): Promise<string> {
  const whose = identity
  kept = { ...kept, ...read() }
  const body = {
    key: config.key,
    page: where.page,
    locale: document.documentElement.lang === 'en' ? 'en' : 'pt-BR',
    ...(identity ? { identity_token: identity } : kept.visitor ? { visitor: kept.visitor } : {}),
    ...(config.consent && kept.consent === config.consent.version ? { consent: kept.consent } : {}),
    ...(fields ? { fields } : {}),
  }
  try {
    const granted: Granted = await (await call('POST', '/widget/sessions', undefined, body)).json()
    if (identity !== whose) return ''
    access = { token: granted.access_token, until: Date.now() + Math.max(granted.expires_in * 1000 - margin, 1000) }
    visitor = granted.user
    if (granted.visitor) keep({ visitor: granted.visitor })
    return access.token
  } catch (e) {
    if (identity !== whose) return ''
    // A visitor who stayed away too long is forgotten; they begin anew.
    if (e instanceof ApiError && e.status === 401 && !identity && kept.visitor) forget()
    throw e
  }
}

/** Opens the session with the answers to what the key asks. */
export async function answer(fields: Record<string, string>) {
  await open(fields)
  keep({ answered: true })
}

/** Goes on as the person whom the token names. Whether that is somebody else than before is returned. */
export function identify(jwt: string): boolean {
  const before = subject(identity)
  const now = subject(jwt)
  identity = jwt
  access = opening = undefined
  clearTimeout(warning)
  return before !== now
}

/** Calls back before the identity token ends. */
export function warnOfEnd(expiring: () => void) {
  const end = Number(claims(identity).exp) * 1000
  if (end) warning = setTimeout(expiring, Math.max(0, end - Date.now() - warnBefore))
}

/** Ends the session on the server and in this browser. */
export async function end() {
  const held = access?.token
  const had = identity === undefined && kept.visitor !== undefined
  clearTimeout(warning)
  try {
    if (had) await call('DELETE', '/widget/sessions', held ?? (await token()))
  } catch {
    // What can't be told the server now ends there by itself; here it ends in any case.
  }
  identity = access = visitor = undefined
  forget()
  kept = {}
  store(undefined)
}

export async function call(method: string, path: string, bearer?: string, body?: unknown): Promise<Response> {
  let r: Response
  try {
    r = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
      },
      credentials: 'omit',
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(answerWithin),
    })
  } catch {
    throw new ApiError(0, 'offline')
  }
  if (r.ok) return r
  const p: Refusal = await r.json().catch(() => ({}))
  throw Object.assign(new ApiError(r.status, p.code ?? 'internal', p.retry_ms), p)
}

function forget() {
  access = undefined
  keep({ visitor: undefined, answered: undefined })
}

function keep(change: Kept) {
  kept = { ...kept, ...change }
  store(kept)
}

function read(): Kept {
  try {
    return JSON.parse(localStorage.getItem(place) ?? '{}')
  } catch {
    return {} // a browser that keeps nothing for frames: the conversation lasts as long as the page
  }
}

function store(k: Kept | undefined) {
  try {
    if (k) localStorage.setItem(place, JSON.stringify(k))
    else localStorage.removeItem(place)
  } catch {
    // as above
  }
}

function claims(jwt: string | undefined): { sub?: unknown; exp?: unknown } {
  try {
    return JSON.parse(atob((jwt ?? '').split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/')))
  } catch {
    return {}
  }
}

const subject = (jwt: string | undefined) => claims(jwt).sub
