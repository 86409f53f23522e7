import { expect, it } from 'vitest'
import { mask } from './mask'

it.each([
  ['meu cpf é 123.456.789-09, ok?', 'meu cpf é •••.•••.•••-09, ok?'],
  ['123456789-09', '•••••••••-09'],
  ['12345678909', '•••••••••09'],
  ['CNPJ 12.345.678/0001-95', 'CNPJ ••.•••.•••/••••-95'],
  ['12345678000195', '••••••••••0195'],
  ['ligue (11) 98765-4321', 'ligue (••) •••••-••21'],
  ['ligue +55 11 98765-4321.', 'ligue +•• •• •••••-••21.'],
  ['11 3456-7890', '•• ••••-••90'],
  ['98765-4321', '•••••-••21'],
  ['cartão 4111 1111 1111 1111', 'cartão •••• •••• •••• 1111'],
  ['4111111111111111', '••••••••••••1111'],
  ['ana.souza+x@alfa.com.br', 'a•••@alfa.com.br'],
])('hides personal data in %j', (text, hidden) => {
  expect(mask(text)).toBe(hidden)
})

it.each([
  'plano de 600 Mb por R$ 89,90',
  'em 23/11/2026 às 14h12',
  'chamado 48213',
  'ONU 2026-11',
  'protocolo 20261124',
])('leaves %j alone', (text) => {
  expect(mask(text)).toBe(text)
})
