import { expect, test } from 'vitest'
import { ApiError } from '../net/api'
import { refusal } from './rest'

test('a refusal is told in plain words, those of the place first, with its entry in the log', () => {
  expect(refusal(new ApiError(404, 'not_found'))).toBe('Isto não existe mais. Outra pessoa pode ter excluído.')
  expect(refusal(new ApiError(409, 'conflict'), { conflict: 'Alguém ainda está neste plano.' })).toBe(
    'Alguém ainda está neste plano.',
  )
  expect(refusal(new ApiError(500, 'internal', undefined, 'r_1'))).toBe('Algo deu errado. (registro r_1)')
  expect(refusal(new Error('of the program'))).toBe('Algo deu errado.')
})
