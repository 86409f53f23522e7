import type { ReactNode } from 'react'
import { address, go } from '../console/place'

/** A link to another page of the console, which stays loaded. */
export function Link({
  path,
  current = false,
  className,
  children,
}: {
  path: string
  current?: boolean
  className: string
  children: ReactNode
}) {
  return (
    <a
      href={address(path, new URLSearchParams())}
      aria-current={current ? 'page' : undefined}
      onClick={(e) => {
        if (e.metaKey || e.ctrlKey || e.shiftKey) return
        e.preventDefault()
        go(path, new URLSearchParams())
      }}
      className={className}
    >
      {children}
    </a>
  )
}
