import { describe, expect, it } from 'vitest'
import { masked } from './Asking'

describe('numbers get their usual punctuation, typed or pasted', () => {
  it.each([
    ['document', '52998224725', '529.982.247-25'],
    ['document', '529.982.247-25', '529.982.247-25'],
    ['document', '5299', '529.9'],
    ['document', '00000000000191', '00.000.000/0001-91'],
    ['document', '12abc34501de35', '12.ABC.345/01DE-35'],
    ['document', '', ''],
    ['phone', '49999990000', '(49) 99999-0000'],
    ['phone', '4933330000', '(49) 3333-0000'],
    ['phone', '49', '49'],
    ['phone', '+5549999990000', '+5549999990000'],
    ['name', 'Ana 1.2', 'Ana 1.2'],
  ] as const)('%s %s', (name, typed, shown) => {
    expect(masked(name, typed)).toBe(shown)
  })
})
