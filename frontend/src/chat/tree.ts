import type { Chat, Message } from './chat'

/** A message on the way from the first one to the end that is shown, with its alternatives. */
export type Step = { message: Message; parent: string; variants: readonly string[] }

/**
 * The messages to show. Messages form a tree: an answer follows its question, a question the message before it, and an
 * edited question what the first one followed. Where there are several, the newest is shown unless another was chosen.
 */
export function path(chat: Pick<Chat, 'messages' | 'chosen'>): Step[] {
  const known = new Set(chat.messages.map((m) => m.id))
  const children = new Map<string, Message[]>()
  for (const m of chat.messages) {
    // What goes on from a page that is not loaded stands at the root.
    const parent = m.parent && known.has(m.parent) ? m.parent : ''
    const siblings = children.get(parent)
    if (siblings) siblings.push(m)
    else children.set(parent, [m])
  }
  const steps: Step[] = []
  for (let at = ''; ; ) {
    const options = children.get(at)
    if (!options) return steps
    const message = options.find((m) => m.id === chat.chosen[at]) ?? options.at(-1)!
    const variants = options.filter((m) => m.parent === message.parent).map((m) => m.id)
    steps.push({ message, parent: at, variants })
    at = message.id
  }
}
