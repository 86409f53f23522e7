import { greeting, type ToFrame, type ToHost } from './wire'

let port: MessagePort | undefined
let listen: ((m: ToFrame) => void) | undefined
const early: ToFrame[] = []

// Here and not in a component: the page around may speak as soon as this document is loaded. The browser lets only the
// key's pages frame it, so whoever is the parent may.
addEventListener('message', (e) => {
  const [given] = e.ports
  if (e.source !== window.parent || e.data !== greeting || !given) return
  port?.close()
  port = given
  port.onmessage = ({ data }) => receive(data)
  tell({ t: 'ready' })
})

function receive(data: unknown) {
  let m: ToFrame
  try {
    m = JSON.parse(String(data))
  } catch {
    return
  }
  if (listen) listen(m)
  else early.push(m)
}

/** Hears the page around from now on, and what it said before. */
export function hear(f: (m: ToFrame) => void) {
  listen = f
  for (const m of early.splice(0)) f(m)
}

export function tell(m: ToHost) {
  port?.postMessage(m)
}

/** Tells the page around of an event. No text of the conversation is in any: the page's other scripts hear it too. */
export function emit(name: string, detail?: unknown) {
  tell({ t: 'event', name, detail })
}
