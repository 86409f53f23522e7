import { slug } from '../console/place'
import { w } from '../console/words'
import type { Role, User } from './rest'

/** A person as the form shows them. */
export type Draft = { name: string; email: string; role: Role; active: boolean }

export const blank: Draft = { name: '', email: '', role: 'usuario', active: true }

export const draftOf = (r: User): Draft => ({
  name: r.name,
  email: r.email,
  role: r.role,
  active: r.state === 'active',
})

export const bodyOf = (d: Draft) => ({
  name: d.name.trim(),
  email: d.email.trim(),
  role: d.role,
  state: d.active ? 'active' : 'disabled',
})

/** The roles that people of a distributor may have. */
export const roleNames = (): Record<Role, string> => {
  const { usuario, supervisor, admin } = w.roles as Record<Role, string>
  return { usuario, supervisor, admin }
}

/** The address at which a person sets their password. What follows # stays in the browser, out of every log. */
export const inviteLink = (role: Role, token: string) =>
  `${location.origin}${role === 'usuario' ? '/p' : '/console'}/${slug}#invite=${token}`

/** The first links of people who have just been added, until the page is left: the server tells them once. */
export const invites = new Map<string, string>()
