import { useEffect, useRef, useState } from 'react'
import { trialOf } from './health'
import { refusal, trial } from './rest'
import type { Verdict } from './verdict'
import { words } from './words'

/**
 * Asks a model something small at the expense of its owner, and tells in a sentence how that goes. A test that went well
 * ends a pause, so `onDone` may look again.
 */
export function useTrial(id: string, onDone?: () => void) {
  const [busy, setBusy] = useState(false)
  const [verdict, setVerdict] = useState<Verdict>()
  const here = useRef(true)
  useEffect(() => {
    here.current = true
    return () => {
      here.current = false
    }
  }, [])
  const run = async () => {
    if (busy) return
    setBusy(true)
    setVerdict({ look: 'muted', text: words().llmTesting })
    const seen = await trial(id)
      .then(trialOf)
      .catch((e): Verdict => ({ look: 'bad', text: refusal(e) }))
    if (!here.current) return
    setVerdict(seen)
    setBusy(false)
    onDone?.()
  }
  return { busy, verdict, run: () => void run() }
}
