import { useEffect, useRef } from 'react'
import { keysOn } from '../console/prefs'

/** What a key without modifiers does; keys that are not here are the browser's. */
export type Keys = Record<string, (() => void) | undefined>

/** Answers single keys while nobody writes and no dialog or menu is open, unless the person has turned them off. */
export function useKeys(keys: Keys) {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const down = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.defaultPrevented) return
      const target = e.target as HTMLElement
      if (target.closest('input, textarea, select, [contenteditable], dialog, [popover], [role=menu]')) return
      const inList = target.closest('[role=listbox]') !== null
      // A focused button or link has its own Enter; arrows are the list's.
      const moves = e.key.startsWith('Arrow') || e.key === 'Enter' || e.key === 'Home' || e.key === 'End'
      if (moves && !inList && target !== document.body) return
      if (!moves && !keysOn()) return
      const act = latest.current[e.key.length === 1 ? e.key.toLowerCase() : e.key]
      if (!act) return
      e.preventDefault()
      act()
    }
    window.addEventListener('keydown', down)
    return () => window.removeEventListener('keydown', down)
  }, [])
}
