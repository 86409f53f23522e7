import { beforeEach, expect, it } from 'vitest'
import { load, toggle } from './views'

beforeEach(() => localStorage.clear())

it('keeps a filter once, drops it when toggled again, and survives what others wrote', () => {
  const one = { view: 'risk', channel: 'widget', text: '' } as const
  const two = { view: 'all', channel: '', text: 'vip' } as const
  toggle('alfa', one)
  toggle('alfa', two)
  expect(load('alfa')).toEqual([two, one])
  expect(load('beta')).toEqual([])
  toggle('alfa', { ...one })
  expect(load('alfa')).toEqual([two])
  localStorage.setItem('views:alfa', '[{"view":"x"},7,null]')
  expect(load('alfa')).toEqual([])
  localStorage.setItem('views:alfa', '{')
  expect(load('alfa')).toEqual([])
})
