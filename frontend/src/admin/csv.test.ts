import { expect, test } from 'vitest'
import { csv } from './csv'

test('cells are quoted where they must be, numbers have a comma, and no text is a formula', async () => {
  const blob = csv([
    ['Modelo', 'Respostas', 'Custo'],
    ['a;"b"', 1234.5, '0,0037'],
    ['=HYPERLINK("x")', 0, ''],
  ])
  expect([...new Uint8Array(await blob.arrayBuffer()).slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
  expect((await blob.text()).replace('\ufeff', '')).toBe(
    'Modelo;Respostas;Custo\r\n"a;""b""";1234,5;0,0037\r\n"\'=HYPERLINK(""x"")";0;\r\n',
  )
})
