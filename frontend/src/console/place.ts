import { create } from 'zustand'

export const slug = document.documentElement.dataset.slug ?? ''
const base = slug && location.pathname.startsWith(`/console/${slug}`) ? `/console/${slug}` : ''

/** Where the person is: the address is the state, so that it can be shared and the Back button works. */
export type Place = { path: string; query: URLSearchParams }

const here = (): Place => ({
  path: location.pathname.slice(base.length) || '/',
  query: new URLSearchParams(location.search),
})

export const usePlace = create<Place>(here)
addEventListener('popstate', () => usePlace.setState(here()))

export function address(path: string, query: URLSearchParams): string {
  const q = query.toString()
  return `${base}${path === '/' && base ? '' : path}${q ? `?${q}` : ''}`
}

export function go(path: string, query = usePlace.getState().query, replace = false) {
  history[replace ? 'replaceState' : 'pushState'](null, '', address(path, query))
  usePlace.setState(here())
}
