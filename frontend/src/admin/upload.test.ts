import { expect, it } from 'vitest'
import { maxFile, unfit } from './upload'

it('names what a file is refused for before it is sent', () => {
  const of = (name: string, size = 1) => unfit({ name, size })
  expect([of('guia.md'), of('Guia.PDF'), of('preços.csv', maxFile), of('a.b.txt')]).toEqual(Array(4).fill(undefined))
  expect([of('guia.docx'), of('md'), of('guia.md', maxFile + 1), of('guia.md', 0)]).toEqual([
    'kind',
    'kind',
    'big',
    'empty',
  ])
})
