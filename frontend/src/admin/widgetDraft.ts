import { amount, typed, within } from './amount'
import type { WidgetKey } from './rest'
import type { Faults } from './useEdit'
import { words } from './words'

/** What people may be asked before their first message, in the order in which it is asked. */
export const fieldNames = ['name', 'email', 'phone', 'document', 'contract'] as const
export type FieldName = (typeof fieldNames)[number]
export type Asked = 'no' | 'optional' | 'required'

/** When people of the staff answer; 0 is Sunday. */
export type Hours = { readonly days: readonly number[]; readonly from: string; readonly to: string }

/** Texts by language; the form shows two and keeps the others. */
export type Texts = Readonly<Record<string, string>>

/** A key of the widget as the form shows it. */
export type Draft = {
  name: string
  origins: readonly string[]
  plan: string
  perMinute: string
  perDay: string
  identity: WidgetKey['identity']
  days: string
  poweredBy: boolean
  greeting: Texts
  fields: Readonly<Record<FieldName, Asked>>
  purpose: Texts
  hours: readonly Hours[]
  whatsapp: string
  phone: string
  url: string
  consentVersion: string
  consent: Texts
  consentURL: string
  active: boolean
}

const nothing: Record<FieldName, Asked> = { name: 'no', email: 'no', phone: 'no', document: 'no', contract: 'no' }

export const blank: Draft = {
  name: '',
  origins: [''],
  plan: '',
  perMinute: '',
  perDay: '',
  identity: 'optional',
  days: '',
  poweredBy: true,
  greeting: {},
  fields: nothing,
  purpose: {},
  hours: [],
  whatsapp: '',
  phone: '',
  url: '',
  consentVersion: '',
  consent: {},
  consentURL: '',
  active: true,
}

export const draftOf = (r: WidgetKey): Draft => ({
  name: r.name,
  origins: r.origins ?? [],
  plan: r.plan_id ?? '',
  perMinute: typed(r.caps?.per_minute || null),
  perDay: typed(r.caps?.per_day || null),
  identity: r.identity,
  days: typed(r.days || null),
  poweredBy: r.powered_by,
  greeting: r.greeting ?? {},
  fields: {
    ...nothing,
    ...Object.fromEntries((r.fields ?? []).map((f) => [f.name, f.required ? 'required' : 'optional'])),
  },
  purpose: r.purpose ?? {},
  hours: (r.hours ?? []).map(({ days, from, to }) => ({ days: days ?? [], from, to })),
  whatsapp: r.fallback?.whatsapp ?? '',
  phone: r.fallback?.phone ?? '',
  url: r.fallback?.url ?? '',
  consentVersion: r.consent?.version ?? '',
  consent: r.consent?.text ?? {},
  consentURL: r.consent?.url ?? '',
  active: r.state === 'active',
})

export const bodyOf = (d: Draft) => ({
  name: d.name.trim(),
  origins: d.origins.filter((o) => o.trim()).map((o) => originOf(o) ?? o.trim()),
  plan_id: d.plan,
  caps: { per_minute: amount(d.perMinute) ?? 0, per_day: amount(d.perDay) ?? 0 },
  identity: d.identity,
  days: amount(d.days) ?? 0,
  powered_by: d.poweredBy,
  greeting: told(d.greeting),
  fields: fieldNames
    .filter((name) => d.fields[name] !== 'no')
    .map((name) => ({ name, required: d.fields[name] === 'required' })),
  purpose: told(d.purpose),
  hours: d.hours,
  fallback: { whatsapp: d.whatsapp.replace(/\D/g, ''), phone: d.phone.trim(), url: d.url.trim() },
  consent: { version: d.consentVersion.trim(), text: told(d.consent), url: d.consentURL.trim() },
  state: d.active ? 'active' : 'disabled',
})

/** The texts that say something. */
const told = (texts: Texts): Texts => Object.fromEntries(Object.entries(texts).filter(([, text]) => text.trim()))

/**
 * The origin of what was typed or pasted, whole addresses and bare host names, too; undefined where it names no page that
 * could have the widget: outside of the own machine that takes https.
 */
export function originOf(text: string): string | undefined {
  const typed = text.trim()
  if (/^https?:\/\/(localhost|127\.0\.0\.1):\*$/.test(typed)) return typed
  let u: URL
  try {
    u = new URL(/^[a-z]+:\/\//i.test(typed) ? typed : `https://${typed}`)
  } catch {
    return undefined
  }
  const local = u.hostname === 'localhost' || u.hostname === '127.0.0.1'
  const secure = u.protocol === 'https:' || (local && u.protocol === 'http:')
  return secure && !u.username && (local || u.hostname.includes('.')) ? u.origin : undefined
}

export function check(d: Draft): Faults<Draft> {
  const a = words()
  const faults: Faults<Draft> = {}
  const named = d.origins.filter((o) => o.trim())
  if (named.length === 0) faults.origins = a.originNone
  else if (!named.every(originOf)) faults.origins = a.originWrong
  if (!within(d.perMinute, 0, 1e6, true)) faults.perMinute = a.limitWrong
  if (!within(d.perDay, 0, 1e8, true)) faults.perDay = a.limitWrong
  if (!within(d.days, 0, 365, true)) faults.days = a.widgetDaysWrong
  if (d.hours.some((h) => h.days.length === 0 || !h.from || !h.to)) faults.hours = a.hoursWrong
  if (d.whatsapp.replace(/\D/g, '').length > 20) faults.whatsapp = a.whatsappWrong
  if (!/^[a-zA-Z0-9_-]{0,40}$/.test(d.consentVersion.trim())) faults.consentVersion = a.consentVersionWrong
  else if (d.consentVersion.trim() === '' && Object.keys(told(d.consent)).length > 0)
    faults.consentVersion = a.consentVersionNone
  return faults
}

/** What the distributor's site includes. */
export const snippet = (hub: string, key: string) => `<script async src="${hub}/widget.js" data-key="${key}"></script>`
