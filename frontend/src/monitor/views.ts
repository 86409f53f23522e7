import type { Filter } from './board'

// Filters that a person of the staff keeps on this device. The address says the same to others.

const most = 8

export const same = (a: Filter, b: Filter) => a.view === b.view && a.channel === b.channel && a.text === b.text

export function load(slug: string): Filter[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(`views:${slug}`) ?? '[]')
    return Array.isArray(kept) ? kept.filter(isFilter).slice(0, most) : []
  } catch {
    return [] // something else wrote there
  }
}

/** Keeps a filter, or drops it when it is kept already; the newest stands first. */
export function toggle(slug: string, filter: Filter): Filter[] {
  const before = load(slug)
  const others = before.filter((f) => !same(f, filter))
  const after = others.length < before.length ? others : [filter, ...others].slice(0, most)
  localStorage.setItem(`views:${slug}`, JSON.stringify(after))
  return after
}

function isFilter(x: unknown): x is Filter {
  const f = x as Filter | null
  return (
    typeof f === 'object' &&
    f !== null &&
    ['all', 'risk', 'waiting', 'mine'].includes(f.view) &&
    typeof f.channel === 'string' &&
    typeof f.text === 'string'
  )
}
