import { expect, test } from 'vitest'
import type { WidgetKey } from './rest'
import { blank, bodyOf, check, draftOf, originOf } from './widgetDraft'

const row: WidgetKey = {
  id: 'pk_1',
  name: 'Site',
  origins: ['https://www.alfa.example'],
  plan_id: 'p_1',
  caps: { per_minute: 0, per_day: 12_000 },
  identity: 'required',
  days: 90,
  powered_by: false,
  greeting: { 'pt-BR': 'Olá', es: 'Hola' },
  fields: [
    { name: 'name', required: true },
    { name: 'document', required: false },
  ],
  purpose: { 'pt-BR': 'Para achar o contrato.' },
  hours: [{ days: [1, 2], from: '08:00', to: '18:00' }],
  fallback: { whatsapp: '5549999990000', phone: '0800', url: '' },
  consent: { version: '2026-11', text: { 'pt-BR': 'Guardamos a conversa.' }, url: '' },
  state: 'active',
  identity_secrets: 1,
}

test('a row that is not touched is sent as it was, with languages the form does not show', () => {
  const { id: _i, identity_secrets: _s, ...rest } = row
  expect(bodyOf(draftOf(row))).toEqual(rest)
  expect(check(draftOf(row))).toEqual({})
})

test('what people paste becomes an origin', () => {
  expect(originOf('www.alfa.example')).toBe('https://www.alfa.example')
  expect(originOf(' https://alfa.example/contato?x=1 ')).toBe('https://alfa.example')
  expect(originOf('https://Alfa.Example:8443')).toBe('https://alfa.example:8443')
  expect(originOf('http://localhost:3000')).toBe('http://localhost:3000')
  expect(originOf('http://localhost:*')).toBe('http://localhost:*')
  for (const text of ['http://alfa.example', 'ftp://alfa.example', 'alfa', 'https://', 'https://a@alfa.example', 'x y'])
    expect(originOf(text), text).toBeUndefined()
})

test('a key has at least one page, and every page is one', () => {
  expect(check({ ...blank, origins: ['', ' '] })).toHaveProperty('origins')
  expect(check({ ...blank, origins: ['alfa.example', 'http://beta.example'] })).toHaveProperty('origins')
  expect(check({ ...blank, origins: ['alfa.example', ''] })).toEqual({})
})

test('figures, hours and the consent are told when they are none', () => {
  const d = { ...blank, origins: ['alfa.example'] }
  expect(check({ ...d, perDay: 'x' })).toHaveProperty('perDay')
  expect(check({ ...d, days: '366' })).toHaveProperty('days')
  expect(check({ ...d, hours: [{ days: [], from: '08:00', to: '18:00' }] })).toHaveProperty('hours')
  expect(check({ ...d, consent: { 'pt-BR': 'Guardamos.' } })).toHaveProperty('consentVersion')
  expect(check({ ...d, consentVersion: 'v 1' })).toHaveProperty('consentVersion')
  expect(bodyOf({ ...d, whatsapp: '+55 (49) 99999-0000' }).fallback.whatsapp).toBe('5549999990000')
})
