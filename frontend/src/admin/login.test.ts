import { expect, it } from 'vitest'
import { blank, bodyOf, draftOf, needsSecret } from './login'
import type { LoginProvider } from './rest'

const row: LoginProvider = {
  id: 'g_1',
  name: 'Conta Alfa',
  issuer: 'https://id.alfa.example',
  client_id: 'hub',
  client_secret: { set: true, last4: 'f00d' },
  domains: ['alfa.example', 'alfa.net'],
  create_users: true,
  link_by_email: false,
  role: 'usuario',
  role_claim: 'groups',
  roles: [{ value: 'noc', role: 'supervisor' }],
  state: 'active',
}

it('sends back what was read, and the secret only when there is something to say of it', () => {
  const { id: _, client_secret: __, ...same } = row
  const d = draftOf(row)
  expect(bodyOf(d)).toEqual(same)
  expect(bodyOf({ ...d, secret: 's' })).toEqual({ ...same, client_secret: 's' })
  expect(bodyOf({ ...d, open: true, secret: 's' })).toEqual({ ...same, client_secret: '' })
})

it('reads domains however they are separated, and drops rules without a value', () => {
  const d = { ...blank, domains: ' a.example, b.example\nc.example;', rules: [{ value: ' ', role: 'admin' as const }] }
  expect(bodyOf(d)).toMatchObject({ domains: ['a.example', 'b.example', 'c.example'], roles: [] })
})

it('asks for the secret again when the issuer or the client is another one', () => {
  const saved = draftOf(row)
  expect([
    needsSecret(saved, saved),
    needsSecret({ ...saved, client: 'other' }, saved),
    needsSecret({ ...saved, client: 'other', open: true }, saved),
    needsSecret(blank, blank),
  ]).toEqual([false, true, false, true])
})
