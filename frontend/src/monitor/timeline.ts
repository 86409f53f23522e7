import type { Chat, Message } from '../chat/chat'
import { path } from '../chat/tree'
import type { Owner, StaffEntry } from '../net/frames'

/** One thing that the staff sees in a conversation, from top to bottom. */
export type Item =
  | { is: 'message'; id: string; message: Message; growing: boolean }
  | { is: 'owner'; id: string; owner: Owner }
  | { is: 'staff'; id: string; entry: StaffEntry }

/**
 * Weaves the two logs of a conversation together. They have no common order but time: what the staff wrote stands after
 * the last message that began before it.
 */
export function timeline(chat: Chat, staff: readonly StaffEntry[]): Item[] {
  const items: Item[] = []
  let next = 0
  const staffBefore = (at: string) => {
    for (; next < staff.length && (at === '' ? false : staff[next]!.at < at); next++) push(staff[next]!)
  }
  const push = (entry: StaffEntry) => items.push({ is: 'staff', id: entry.id, entry })
  const owners = (after: string | undefined) => {
    for (const n of chat.notes) {
      if (n.after !== after) continue
      if (n.at) staffBefore(n.at)
      items.push({ is: 'owner', id: n.id, owner: n.owner })
    }
  }
  owners(undefined)
  for (const { message } of path(chat)) {
    staffBefore(message.at)
    items.push({ is: 'message', id: message.id, message, growing: chat.open?.msg === message.id })
    owners(message.id)
  }
  while (next < staff.length) push(staff[next++]!)
  return items
}

/** The entries with one more, in the order of their time; one that is known (by id) is replaced. */
export function withEntry(entries: readonly StaffEntry[], e: StaffEntry): readonly StaffEntry[] {
  const known = entries.findIndex((x) => x.id === e.id)
  if (known >= 0) return entries.with(known, { ...entries[known]!, ...e })
  const after = entries.findLastIndex((x) => x.at <= e.at)
  return entries.toSpliced(after + 1, 0, e)
}
