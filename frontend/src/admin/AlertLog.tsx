import { BellRing, RefreshCw } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { api } from '../console/session'
import { w } from '../console/words'
import { clock, day } from '../monitor/time'
import { exactly, t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Link } from './Link'
import { Empty, Loading, Part, Problem } from './parts'
import { type Alert, list, refusal } from './rest'
import { useRows } from './useRows'
import { isTold, verdictOf } from './verdict'
import { words } from './words'

const looks = { ok: 'text-ok', warn: 'text-warn', bad: 'text-bad', muted: 'text-muted' }

/** The alerts of the last days with what became of each, and one about nothing to see whether they arrive. */
export function AlertLog({ testable }: { testable: boolean }) {
  const a = words()
  const { rows, problem, reload, more } = useRows<Alert>('/alerts')
  return (
    <Part title={a.alertLog} help={a.alertLogHelp}>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <Test possible={testable} onTold={() => void reload()} />
        <Button look="quiet" onClick={() => void reload()}>
          <RefreshCw size={15} aria-hidden />
          {a.reload}
        </Button>
      </div>
      <Problem text={problem} />
      {!rows && !problem && <Loading />}
      {rows?.length === 0 && <Empty>{a.alertsNone}</Empty>}
      {rows && rows.length > 0 && (
        <ul className="divide-y divide-line rounded-xl border border-line">
          {rows.map((r) => (
            <Row key={r.id} alert={r} />
          ))}
        </ul>
      )}
      {more && (
        <Button className="mt-4" onClick={more}>
          {t.loadMore}
        </Button>
      )}
    </Part>
  )
}

function Row({ alert }: { alert: Alert }) {
  const a = words()
  const { look, text } = verdictOf(alert)
  const name = alert.kind === 'test' ? a.alertTest : (w.risks[alert.kind] ?? alert.kind)
  return (
    <li className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5 px-4 py-2.5">
      <time title={exactly(alert.at)} className="text-muted tabular-nums md:w-36">
        {day(alert.at)} {clock(alert.at)}
      </time>
      <span className="font-medium md:w-44">
        {alert.conversation ? (
          <Link path={`/s/${alert.conversation}`} className="text-accent underline underline-offset-3">
            {name}
          </Link>
        ) : (
          name
        )}
      </span>
      <span className={looks[look]}>{text}</span>
    </li>
  )
}

const lookEvery = 1000
/** A delivery takes five seconds at most; another instance may need ten to see that it waits. */
const lookTimes = 20

/** Sends an alert about nothing and says what became of its first delivery. */
function Test({ possible, onTold }: { possible: boolean; onTold: () => void }) {
  const a = words()
  const [state, setState] = useState<Alert | 'sending' | 'silent'>()
  const [problem, setProblem] = useState<string>()
  const gone = useRef(false)
  useEffect(() => {
    gone.current = false
    return () => {
      gone.current = true
    }
  }, [])

  const tests = async () => (await list<Alert>('/alerts?limit=20')).items.filter((x) => x.kind === 'test')
  const send = async () => {
    setState('sending')
    setProblem(undefined)
    try {
      const before = new Set((await tests()).map((x) => x.id))
      await api.authed('POST', '/alert-settings/test')
      for (let i = 0; i < lookTimes && !gone.current; i++) {
        await new Promise((later) => setTimeout(later, lookEvery))
        const mine = (await tests()).find((x) => !before.has(x.id))
        if (!mine || !isTold(mine)) continue
        setState(mine)
        onTold()
        return
      }
      setState('silent')
      onTold()
    } catch (e) {
      setState(undefined)
      setProblem(refusal(e))
    }
  }
  const told = state === 'sending' || state === 'silent' || !state ? undefined : verdictOf(state)
  return (
    <>
      <Button disabled={!possible || state === 'sending'} onClick={() => void send()}>
        <BellRing size={15} aria-hidden />
        {a.alertSendTest}
      </Button>
      <span role="status" className={told ? looks[told.look] : 'text-muted'}>
        {told?.text ??
          (state === 'sending' ? a.delivering : state === 'silent' ? a.alertSilent : possible ? '' : a.alertSaveFirst)}
      </span>
      <Problem text={problem} />
    </>
  )
}
