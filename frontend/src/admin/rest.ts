import { api, errorText } from '../console/session'
import { ApiError, type Page } from '../net/api'
import type { components } from '../net/api.gen'
import { words } from './words'

// The managed rows of the REST interface, under the names that the server's description gives them.
type Schemas = components['schemas']
export type ArticleRow = Schemas['ArticleRow']
export type Article = Schemas['ArticleView']
export type Passage = Schemas['PassageView']
export type AlertSettings = Schemas['AlertsView']
export type Alert = Schemas['AlertView']
export type Privacy = Schemas['PrivacyView']
export type LoginProvider = Schemas['LoginProviderView']
export type Role = LoginProvider['role']
export type Secret = Schemas['SecretView']
export type UsageRow = Schemas['UsageRow']
export type UsageReport = Schemas['UsageOutputBody'] & { items: UsageRow[] }
export type PersonUse = Schemas['PersonUseRow']
export type User = Schemas['UserView']
export type LLMConfig = Schemas['LlmConfigView']
export type Trial = Schemas['LlmTestOutputBody']
export type LimitRow = Schemas['LimitBody']
export type Model = Schemas['ModelView']
export type Plan = Schemas['PlanView']
export type Subscription = Schemas['SubscriptionView']
export type WidgetKey = Schemas['WidgetKeyView']
export type AuditEntry = Schemas['AuditRow']
export type AuditCheck = Schemas['AuditCheckOutputBody']
export type APIKey = Schemas['ApiKeyView']

/** A row with the ETag that a change of it is based on. */
export type Tagged<V> = { row: V; tag: string }

async function tagged<V>(answer: Promise<Response>): Promise<Tagged<V>> {
  const r = await answer
  return { row: (await r.json()) as V, tag: r.headers.get('etag') ?? '' }
}

export const read = <V>(path: string) => tagged<V>(api.answer('GET', path))
export const add = <V>(path: string, body: object) => tagged<V>(api.answer('POST', path, body))
export const change = <V>(path: string, body: object, tag?: string) => tagged<V>(api.answer('PATCH', path, body, tag))
export const remove = (path: string) => api.authed('DELETE', path)
/** Asks a model something small; it may take its time to answer. */
export const trial = async (id: string): Promise<Trial> =>
  (await api.answer('POST', `/llm-configs/${id}/test`, undefined, undefined, 60_000)).json()
/** Makes a secret that signs who visitors are; the answer alone has it. */
export const renewSecret = (id: string) => api.authed<WidgetKey>('POST', `/widget-keys/${id}/secret`)
export const list = <V>(path: string) => api.get<Page<V>>(path)

/** How many pages of a list are read to look something up: a distributor with more is shown without the rest. */
const mostPages = 20

/** The rows of a list, page by page. */
export async function* everyPage<V>(path: string): AsyncGenerator<V[]> {
  for (let i = 0, cursor = ''; i < mostPages; i++) {
    const page = await list<V>(`${path}${path.includes('?') ? '&' : '?'}limit=100${cursor && `&cursor=${cursor}`}`)
    yield page.items
    if (!page.next_cursor) return
    cursor = page.next_cursor
  }
}

/** Whether there is no such row. */
export const isGone = (e: unknown) => e instanceof ApiError && e.status === 404

/** Whether a change was refused because somebody else had changed the row. */
export const isStale = (e: unknown) => e instanceof ApiError && e.status === 412

/**
 * A refusal in the words of the administration, with the name under which the server's log has it. `own` says what a
 * code means at one place.
 */
export function refusal(e: unknown, own: Record<string, string> = {}): string {
  const a = words()
  const { code = 'other', ref } = e instanceof ApiError ? e : {}
  const text = own[code] ?? a.errors[code] ?? errorText(e)
  return ref ? `${text} ${a.errorRef(ref)}` : text
}
