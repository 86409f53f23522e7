import type { MessageView, Owner, Quota } from './frames'

export type Portal = {
  slug: string
  name: string
  portal_name?: string
  color?: string
  logo_url?: string
  welcome?: string
  suggestions?: string[]
  privacy_url?: string
  /** Other ways to sign in than with a password. */
  logins?: { id: string; name: string }[]
  /** What people agree to before their first message. */
  notice: { version: string; text: Record<string, string> }
}
export type Me = {
  user: { id: string; name: string; email: string; role: string }
  tenant: { id: string; slug: string; name: string; currency: string }
  plan: { id: string; name: string }
  quota: Quota[]
  /** `model` is the provider's name, which answers carry. */
  models: { key: string; name: string; model: string }[]
  /** To which versions of the notice the person agreed. */
  consents: { version: string; at: string }[]
}
export type Summary = {
  id: string
  title: string
  state: string
  channel?: string
  owner?: Owner
  created_at: string
  updated_at: string
}
export type Page<T> = { items: T[]; next_cursor?: string | null }
export type Hit = { conversation_id: string; message_id?: string; title: string; excerpt?: string }
type Session = { access_token: string; expires_in: number }

/** A refusal as the server's problem document states it, or `offline` when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly retryMS?: number,
    readonly ref?: string,
  ) {
    super(code)
  }
}

/** What remembers that this browser has a session at a portal. */
export const signedInMark = (slug: string) => `signed-in:${slug}`

/** How long before its end a token is no longer used. */
const margin = 20_000
const answerWithin = 20_000

/**
 * The REST interface of one portal. The access token lives in this object only; the refresh token is an HttpOnly
 * cookie, so a reload stays signed in and no script can read it.
 */
export class Api {
  private access: { token: string; until: number } | undefined
  private refreshing: Promise<string> | undefined
  /** Told when the person must sign in again. */
  onSignedOut: () => void = () => {}

  constructor(
    readonly slug: string,
    private readonly base = '/api/v1',
  ) {}

  async login(email: string, password: string) {
    this.keep(await this.call<Session>('POST', '/auth/login', { tenant: this.slug, email, password, cookie: true }))
    localStorage.setItem(this.mark, '1')
  }

  /**
   * Whether this browser has signed in before; without that there is no cookie worth asking the server about. An
   * invitation in the address is for whoever was given it, not for who was here before.
   */
  get known(): boolean {
    return !location.hash.startsWith('#invite=') && localStorage.getItem(this.mark) !== null
  }

  private get mark() {
    return signedInMark(this.slug)
  }

  async logout() {
    this.access = undefined
    localStorage.removeItem(this.mark)
    await this.call('POST', '/auth/logout', { tenant: this.slug })
  }

  /** A token that is valid now. Rejects with status 401 when the person must sign in again. */
  async token(fresh = false): Promise<string> {
    if (!fresh && this.access && Date.now() < this.access.until) return this.access.token
    this.refreshing ??= this.refresh().finally(() => {
      this.refreshing = undefined
    })
    return this.refreshing
  }

  portal = () => this.call<Portal>('GET', `/portal/${encodeURIComponent(this.slug)}`)
  me = () => this.get<Me>('/me')
  conversations = (cursor?: string) => this.get<Page<Summary>>(`/conversations${query({ cursor, limit: 50 })}`)
  messages = (conv: string, cursor?: string) =>
    this.get<Page<MessageView>>(`/conversations/${conv}/messages${query({ cursor, limit: 50 })}`)
  consent = (version: string, locale: string) => this.authed('PUT', '/me/consent', { version, locale })
  rename = (conv: string, title: string) => this.authed('PATCH', `/conversations/${conv}`, { title })
  remove = (conv: string) => this.authed('DELETE', `/conversations/${conv}`)
  search = (q: string) => this.get<Page<Hit>>(`/search${query({ q, limit: 20 })}`)
  feedback = (msg: string, vote: 'up' | 'down' | 'none', reason?: string) =>
    this.authed('PUT', `/messages/${msg}/feedback`, { vote, ...(reason ? { reason } : {}) })

  rate = (conv: string, score: number, comment: string) =>
    this.authed('PUT', `/conversations/${conv}/rating`, { score, ...(comment ? { comment } : {}) })

  /** A conversation as a file, in the server's words. */
  transcript = (conv: string, format: 'md' | 'json') => this.file(`/conversations/${conv}/transcript?format=${format}`)

  async file(path: string): Promise<Blob> {
    return (await this.answer('GET', path)).blob()
  }

  get = <T>(path: string) => this.authed<T>('GET', path)
  authed = async <T = void>(method: string, path: string, body?: unknown) =>
    parsed<T>(await this.answer(method, path, body))

  /**
   * Any call in the person's name; one that finds the token expired is made again with a fresh one. `match` is the ETag
   * of what a change is based on; `within` is for calls that take their time.
   */
  async answer(method: string, path: string, body?: unknown, match?: string, within?: number): Promise<Response> {
    try {
      return await this.fetch(method, path, body, await this.token(), match, within)
    } catch (e) {
      if (!(e instanceof ApiError) || e.status !== 401 || e.code === 'signed_out') throw e
      return this.fetch(method, path, body, await this.token(true), match, within)
    }
  }

  /** One tab at a time: refresh tokens are used once, and the tabs of a browser share the cookie. */
  private refresh(): Promise<string> {
    const renew = async () =>
      this.keep(await this.call<Session>('POST', '/auth/refresh', { tenant: this.slug }).catch((e) => this.refused(e)))
    return navigator.locks ? navigator.locks.request(`aihub-refresh-${this.slug}`, renew) : renew()
  }

  private keep(s: Session): string {
    this.access = { token: s.access_token, until: Date.now() + Math.max(s.expires_in * 1000 - margin, 1000) }
    return s.access_token
  }

  private refused(e: unknown): never {
    if (!(e instanceof ApiError) || e.status < 400 || e.status >= 500 || e.status === 429) throw e
    this.access = undefined
    this.onSignedOut()
    throw new ApiError(401, 'signed_out')
  }

  private call = async <T>(method: string, path: string, body?: unknown) =>
    parsed<T>(await this.fetch(method, path, body))

  private async fetch(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
    match?: string,
    within = answerWithin,
  ): Promise<Response> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (token) headers.authorization = `Bearer ${token}`
    if (match) headers['if-match'] = match
    let r: Response
    try {
      r = await fetch(this.base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(within),
      })
    } catch {
      throw new ApiError(0, 'offline')
    }
    if (r.ok) return r
    const p: { code?: string; retry_ms?: number; ref?: string } = await r.json().catch(() => ({}))
    throw new ApiError(r.status, p.code ?? 'internal', p.retry_ms, p.ref)
  }
}

async function parsed<T>(r: Response): Promise<T> {
  const text = await r.text()
  return (text ? JSON.parse(text) : undefined) as T
}

function query(params: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(params)) if (v !== undefined) q.set(k, String(v))
  const s = q.toString()
  return s ? `?${s}` : ''
}
