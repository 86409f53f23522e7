// What the shared components use of React, from Preact. preact/compat would do the same and more, for 4 KB.
import { Component, type ComponentType, h } from 'preact'

export { createContext, createElement, createRef, Fragment } from 'preact'
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'

/** A component that is only rendered again when `same` says that its properties differ. */
export function memo<P extends object>(Inner: ComponentType<P>, same: (a: P, b: P) => boolean = shallow) {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P) {
      return !same(this.props as P, next)
    }
    override render() {
      return h(Inner, this.props as P)
    }
  }
}

function shallow<P extends object>(a: P, b: P): boolean {
  for (const k in { ...a, ...b }) if (a[k] !== b[k]) return false
  return true
}
