import { useEffect, useMemo, useState } from 'react'
import type { Chat } from '../chat/chat'
import { usePlace } from '../console/place'
import { useConsole } from '../console/session'
import { w } from '../console/words'
import { ActionDialog, type ActionName } from './Actions'
import { counts, step } from './board'
import type { Mode } from './Desk'
import { Detail } from './Detail'
import { useKeys } from './keys'
import { SessionList, useListed } from './SessionList'
import * as store from './store'
import { useMonitor } from './store'

/** Every live session of the tenant: the list, one conversation as it happens, and what is known about it. */
export function Monitor() {
  const place = usePlace()
  const { conv, filter } = useMemo(() => store.route(place), [place])
  const { board, current, cursor, now } = useMonitor()
  const chat = useMonitor((s) => (conv ? s.live.chats[conv] : undefined))
  const [dialog, setDialog] = useState<ActionName>()
  const [mode, setMode] = useState<Mode>()
  const [details, setDetails] = useState(false)
  const listed = useListed(filter)
  const blocked = current ? undefined : w.disconnected

  useEffect(() => store.connect(), [])
  // Another conversation begins with a fresh desk.
  useEffect(() => {
    setMode(undefined)
    setDetails(false)
  }, [conv])
  // Who has just become the one who answers writes to the customer next.
  const mine = chat ? store.rights(chat).reply : false
  useEffect(() => {
    if (mine) setMode(undefined)
  }, [mine])
  useTitle(conv ? store.nameOf(board.sessions.get(conv)) : undefined)

  const write = (m: Mode) => {
    setMode(m)
    requestAnimationFrame(() => document.getElementById('desk')?.focus())
  }
  const move = (by: 1 | -1) => store.setCursor(step(listed, cursor, by))
  const can = chat?.loaded && !blocked ? store.rights(chat) : store.noRights
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Home: () => store.setCursor(listed[0]),
    End: () => store.setCursor(listed.at(-1)),
    Enter: () => cursor && board.sessions.has(cursor) && store.open(cursor),
    a: can.take ? () => setDialog('take') : undefined,
    s: can.guide ? () => write('ai') : undefined,
    e: can.end ? () => setDialog('end') : undefined,
    l: () => readLast(),
    '/': () => document.getElementById('filter')?.focus(),
    '?': () => setDialog('help'),
  })
  return (
    <main className="flex h-full min-h-0">
      <h1 className="sr-only">{w.nav.monitor}</h1>
      <div className={`h-full w-full shrink-0 border-line md:w-84 md:border-r ${conv ? 'max-md:hidden' : ''}`}>
        <SessionList filter={filter} open={conv} listed={listed} />
      </div>
      <div className={`flex h-full min-w-0 flex-1 bg-surface ${conv ? '' : 'max-md:hidden'}`}>
        {conv && chat ? (
          <Detail
            key={conv}
            chat={chat}
            session={board.sessions.get(conv)}
            mode={mode}
            onMode={(m) => (m ? write(m) : setMode(undefined))}
            onDialog={setDialog}
            details={details}
            onDetails={setDetails}
            blocked={blocked}
            now={now}
          />
        ) : (
          <div className="grid flex-1 place-items-center px-6 text-center">
            <div className="text-muted">
              <p className="font-medium text-fg">{board.sessions.size > 0 ? w.pick : w.empty}</p>
              <p className="mt-1">{board.sessions.size > 0 ? w.pickHelp : w.emptyHelp}</p>
            </div>
          </div>
        )}
      </div>
      {dialog && <ActionDialog name={dialog} chat={chat} blocked={blocked} onClose={() => setDialog(undefined)} />}
      <LastAnswer chat={chat} />
    </main>
  )
}

/** The number of sessions that need somebody stands in the title, where it is seen from another tab. */
function useTitle(name: string | undefined) {
  const board = useMonitor((s) => s.board)
  const now = useMonitor((s) => s.now)
  const portal = useConsole((s) => s.portal)
  const n = counts(board, '', now)
  const calls = n.risk + n.waiting
  useEffect(() => {
    document.title = `${calls > 0 ? `(${calls}) ` : ''}${name ?? w.nav.monitor} · ${portal?.name ?? ''}`
  }, [calls, name, portal])
}

let reading: ((n: number) => void) | undefined
const readLast = () => reading?.(Date.now())

/** The transcript is not read out as it grows; this reads its last answer when asked. */
function LastAnswer({ chat }: { chat: Chat | undefined }) {
  const [text, setText] = useState('')
  reading = () => {
    const last = chat?.messages.findLast((m) => m.role !== 'user')?.text.replace(/[*_`#>|]/g, '') ?? ''
    // The same text twice would not be read twice.
    setText((before) => (before === last ? `${last} ` : last))
  }
  return (
    <div aria-live="polite" className="sr-only">
      {text}
    </div>
  )
}
