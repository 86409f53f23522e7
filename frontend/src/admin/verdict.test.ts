import { expect, it } from 'vitest'
import type { Alert } from './rest'
import { isTold, verdictOf } from './verdict'

const alert: Alert = {
  id: 'al_1',
  kind: 'test',
  conversation: '',
  at: '2026-01-05T12:00:00Z',
  state: 'pending',
  tries: 0,
  status: 0,
}

it('says of an alert what its receiver did, and what comes next', () => {
  const of = (change: Partial<Alert>) => Object.values(verdictOf({ ...alert, ...change })).join(': ')
  expect(of({})).toBe('muted: Entregando…')
  expect(of({ state: 'delivered', tries: 1, status: 204 })).toBe('ok: Entregue: o endereço respondeu 204')
  expect(of({ tries: 1, status: 500, next: '2026-01-05T12:00:05Z' })).toMatch(/^warn: O endereço respondeu 500\. Nova/)
  expect(of({ tries: 2, next: '2026-01-05T12:00:05Z' })).toMatch(/^warn: O endereço não respondeu\. Nova tentativa: /)
  expect(of({ state: 'failed', tries: 9, status: 404 })).toBe(
    'bad: O endereço respondeu 404. Desistimos após 9 tentativas',
  )
})

it('knows nothing of a delivery before its first try', () => {
  expect([isTold(alert), isTold({ ...alert, tries: 1 }), isTold({ ...alert, state: 'delivered' })]).toEqual([
    false,
    true,
    true,
  ])
})
