import { useCallback, useLayoutEffect, useRef, useState } from 'react'

/** How near to the end the person must be for the view to follow what is written. */
const near = 40

/** Keeps the end in view while the person is there, and lets go as soon as they scroll up. */
export function useFollow(box: React.RefObject<HTMLElement | null>, content: React.RefObject<HTMLElement | null>) {
  const stuck = useRef(true)
  const [away, setAway] = useState(false)
  const toEnd = useCallback(
    (smooth = false) => {
      stuck.current = true
      setAway(false)
      box.current?.scrollTo({ top: box.current.scrollHeight, behavior: smooth ? 'smooth' : 'instant' })
    },
    [box],
  )
  useLayoutEffect(() => {
    const b = box.current
    const c = content.current
    if (!b || !c) return
    let before = b.scrollTop
    const scrolled = () => {
      const left = b.scrollHeight - b.scrollTop - b.clientHeight
      // Only going up lets go: growing text moves the end away without the person doing anything.
      if (left <= near) stuck.current = true
      else if (b.scrollTop < before) stuck.current = false
      before = b.scrollTop
      setAway(!stuck.current && left > near)
    }
    const grown = new ResizeObserver(() => {
      if (stuck.current) b.scrollTop = b.scrollHeight
      before = b.scrollTop
    })
    b.addEventListener('scroll', scrolled, { passive: true })
    grown.observe(c)
    grown.observe(b)
    b.scrollTop = b.scrollHeight
    return () => {
      b.removeEventListener('scroll', scrolled)
      grown.disconnect()
    }
  }, [box, content])
  return { away, toEnd }
}
