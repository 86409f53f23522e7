import { moment } from '../shared/i18n'
import type { Alert } from './rest'
import { words } from './words'

export type Verdict = { look: 'ok' | 'warn' | 'bad' | 'muted'; text: string }

/** How far an alert's delivery is, and what the receiver answered, in a sentence. */
export function verdictOf(alert: Alert): Verdict {
  const a = words()
  if (alert.state === 'delivered') return { look: 'ok', text: a.delivered(alert.status) }
  if (alert.tries === 0) return { look: 'muted', text: a.delivering }
  const reason = alert.status === 0 ? a.noAnswer : a.refusedWith(alert.status)
  if (alert.state === 'failed') return { look: 'bad', text: a.givenUp(reason, alert.tries) }
  return { look: 'warn', text: alert.next ? a.triedAgain(reason, moment(alert.next)) : reason }
}

/** Whether anything is known of the delivery yet. */
export const isTold = (alert: Alert) => alert.state !== 'pending' || alert.status !== 0 || alert.tries > 0
