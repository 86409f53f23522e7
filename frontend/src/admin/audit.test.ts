import { expect, test } from 'vitest'
import { actionGroups, actionText, detailText, placeOf } from './audit'

test('what people did is told in their words, and what is not known as it stands in the ledger', () => {
  expect(actionText('conversa.assumida')).toBe('Assumiu')
  expect(actionText('plano.criar')).toBe('Criou plano')
  expect(actionText('pessoa.revogar_sessoes')).toBe('Encerrou as sessões de uma pessoa')
  expect(actionText('nave.lancar')).toBe('nave.lancar')
})

test('every action that can be looked for has a text, once', () => {
  const all = actionGroups().flatMap((g) => Object.entries(g.options))
  expect(new Set(all.map(([key]) => key)).size).toBe(all.length)
  expect(all.filter(([key, text]) => key === text)).toEqual([])
})

test('details are named, and what can be looked at has a place', () => {
  expect(detailText({ campos: 'name role', motivo: 'pedido' })).toBe('campos: name role · motivo: pedido')
  expect(placeOf('c_1')).toBe('/s/c_1')
  expect(placeOf('u_1')).toBe('/admin/people/u_1')
  expect(placeOf('alfa')).toBeUndefined()
})
