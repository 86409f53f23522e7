import type { Chat, Message } from './chat'

/** A message on the way from the first one to the end that is shown, with its alternatives. */
export type Step = { message: Message; parent: string; variants: readonly string[] }

/**
 * The messages to show. Messages form a tree: an answer follows its question, an edited question follows what the
 * first one followed. A message that names no parent follows the one before it.
 */
export function path(chat: Pick<Chat, 'messages' | 'chosen'>): Step[] {
  const known = new Set(chat.messages.map((m) => m.id))
  const children = new Map<string, Message[]>()
  let previous = ''
  for (const m of chat.messages) {
    const parent = m.parent && known.has(m.parent) ? m.parent : m.parent === undefined ? previous : ''
    const siblings = children.get(parent)
    if (siblings) siblings.push(m)
    else children.set(parent, [m])
    previous = m.id
  }
  const steps: Step[] = []
  for (let at = ''; ; ) {
    const options = children.get(at)
    if (!options) return steps
    // Messages whose parent is on an earlier page that is not loaded all hang at the root, in order.
    const message = options.find((m) => m.id === chat.chosen[at]) ?? options.at(-1)!
    steps.push({ message, parent: at, variants: options.map((m) => m.id) })
    at = message.id
  }
}
