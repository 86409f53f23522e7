import { moment, number, t } from '../shared/i18n'
import type { LLMConfig, Trial } from './rest'
import type { Verdict } from './verdict'
import { words } from './words'

/** How a way to reach models does, in a sentence. */
export function healthOf({ state, verdict, code, retry_at }: LLMConfig['health']): Verdict {
  const a = words()
  const reason = a.llmVerdicts[verdict ?? ''] ?? t.errors[code ?? ''] ?? t.errors.other
  switch (state) {
    case 'unasked':
      return { look: 'muted', text: a.llmUnasked }
    case 'ok':
      return { look: 'ok', text: a.llmOK }
    case 'failing':
      return { look: 'warn', text: a.llmFailing(reason) }
    case 'paused':
      return { look: 'bad', text: a.llmPaused(reason, retry_at ? moment(retry_at) : '') }
  }
}

/** What a test showed, in a sentence. */
export function trialOf({ ok, verdict, latency_ms, model }: Trial): Verdict {
  const a = words()
  const after = number(latency_ms / 1000, { style: 'unit', unit: 'second', maximumFractionDigits: 1 })
  return ok
    ? { look: 'ok', text: a.llmAnswered(after, model ?? '') }
    : { look: 'bad', text: a.llmVerdicts[verdict] ?? t.errors.other }
}
