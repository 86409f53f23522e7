import type { LoginProvider, Role, Secret } from './rest'

export type Rule = { value: string; role: Role }

/** A login provider as the form shows it. */
export type Draft = {
  name: string
  issuer: string
  client: string
  /** Empty: the one that is stored stays. */
  secret: string
  stored: Secret
  /** The client has no secret. */
  open: boolean
  /** As they are typed: separated by spaces, commas or lines. */
  domains: string
  create: boolean
  link: boolean
  role: Role
  claim: string
  rules: readonly Rule[]
  active: boolean
}

export const blank: Draft = {
  name: '',
  issuer: '',
  client: '',
  secret: '',
  stored: { set: false, last4: '' },
  open: false,
  domains: '',
  create: true,
  link: false,
  role: 'usuario',
  claim: '',
  rules: [],
  active: true,
}

export const draftOf = (r: LoginProvider): Draft => ({
  name: r.name,
  issuer: r.issuer,
  client: r.client_id,
  secret: '',
  stored: r.client_secret,
  open: !r.client_secret.set,
  domains: (r.domains ?? []).join(', '),
  create: r.create_users ?? false,
  link: r.link_by_email ?? false,
  role: r.role,
  claim: r.role_claim ?? '',
  rules: (r.roles ?? []).map(({ value, role }) => ({ value, role })),
  active: r.state === 'active',
})

export const bodyOf = (d: Draft) => ({
  name: d.name.trim(),
  issuer: d.issuer.trim(),
  client_id: d.client.trim(),
  ...(d.open ? { client_secret: '' } : d.secret ? { client_secret: d.secret } : {}),
  domains: d.domains.split(/[\s,;]+/).filter(Boolean),
  create_users: d.create,
  link_by_email: d.link,
  role: d.role,
  role_claim: d.claim.trim(),
  roles: d.rules.filter((r) => r.value.trim()).map((r) => ({ value: r.value.trim(), role: r.role })),
  state: d.active ? 'active' : 'disabled',
})

/** Whether the secret must be typed: there is none, or it belongs to another issuer or client and goes with it. */
export const needsSecret = (d: Draft, saved: Draft | undefined): boolean =>
  !d.open && (!d.stored.set || d.issuer.trim() !== saved?.issuer || d.client.trim() !== saved?.client)
