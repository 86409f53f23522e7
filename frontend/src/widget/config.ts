export type Texts = Record<string, string>
export type FieldName = 'name' | 'email' | 'phone' | 'document' | 'contract'

/** What the server writes into the page about the key. */
export type Config = {
  key: string
  name: string
  logo: string
  identity: boolean
  greeting: Texts | null
  fields: { name: FieldName; required: boolean }[]
  purpose: Texts | null
  consent?: { version: string; text: Texts | null; url?: string }
  hours?: { open: boolean; open_at?: string }
  fallback: { whatsapp?: string; phone?: string; url?: string }
  signed: boolean
  /** A conversation can be sent by mail. */
  mail: boolean
}

export const config: Config = JSON.parse(document.querySelector<HTMLMetaElement>('meta[name=widget]')?.content ?? '{}')
