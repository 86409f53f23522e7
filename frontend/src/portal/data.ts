// A person's own data: to take along, and to erase.
import type { Page, Summary } from '../net/api'
import type { MessageView } from '../net/frames'
import { api } from './store'

/** Everything that is kept of the person's conversations. */
export async function everything(): Promise<Blob> {
  const conversations: (Summary & { messages: MessageView[] })[] = []
  for await (const c of all((cursor) => api.conversations(cursor))) {
    const messages: MessageView[] = []
    for await (const m of all((cursor) => api.messages(c.id, cursor))) messages.push(m)
    conversations.push({ ...c, messages: messages.reverse() })
  }
  const { user, tenant, consents } = await api.me()
  const text = JSON.stringify({ exported_at: new Date().toISOString(), user, tenant, consents, conversations }, null, 2)
  return new Blob([text], { type: 'application/json' })
}

/** Deletes all of the person's conversations. */
export async function eraseAll() {
  const ids: string[] = []
  for await (const c of all((cursor) => api.conversations(cursor))) ids.push(c.id)
  for (const id of ids) await api.remove(id)
}

/** Every element of a paged list. */
async function* all<T>(page: (cursor?: string) => Promise<Page<T>>): AsyncGenerator<T> {
  for (let cursor: string | undefined; ; ) {
    const p = await page(cursor)
    yield* p.items
    if (!p.next_cursor) return
    cursor = p.next_cursor
  }
}
