import { describe, expect, it } from 'vitest'
import { fill, greeting, suggested } from './replies'

const v = { nome: 'Ana', atendente: 'Paula', empresa: 'Alfa', saudacao: 'Bom dia' }

describe('prepared answers', () => {
  it('name people and leave what they do not know', () => {
    expect(fill('{saudacao}, {nome}! {atendente} da {empresa}. {protocolo} {toString}', v)).toBe(
      'Bom dia, Ana! Paula da Alfa. {protocolo} {toString}',
    )
  })
  it('greet by the time of day', () => {
    expect([9, 13, 20].map((h) => greeting(new Date(2026, 10, 24, h)))).toEqual(['Bom dia', 'Boa tarde', 'Boa noite'])
  })
  it('are offered for a slash and a word, and for nothing else', () => {
    const replies = [
      { id: 'a', shortcut: 'boleto', text: 'Segue a segunda via' },
      { id: 'b', shortcut: 'visita', text: 'Agendada' },
    ]
    expect(suggested(replies, '/').map((r) => r.id)).toEqual(['a', 'b'])
    expect(suggested(replies, '/Bol').map((r) => r.id)).toEqual(['a'])
    expect(suggested(replies, '/via').map((r) => r.id)).toEqual(['a'])
    expect(suggested(replies, 'oi /bol')).toEqual([])
    expect(suggested(replies, '/bol oi')).toEqual([])
  })
})
