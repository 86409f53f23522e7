import { useEffect, useState } from 'react'
import { moment, t, wait } from '../shared/i18n'
import { config } from './config'
import { retry, type State } from './store'
import { words } from './texts'

/** A limit that ends so soon is waited for here. */
const soonMS = 600_000

type Props = { closed: NonNullable<State['closed']>; again?: () => void }

/** Nobody answers here now: why, and how else to reach the distributor. Never an empty frame. */
export function Unavailable({ closed, again = retry }: Props) {
  const w = words()
  const soon = closed.until !== undefined && Date.parse(closed.until) - Date.now() < soonMS
  const { whatsapp, phone, url } = config.fallback
  return (
    <section className="unavailable" role="alert">
      <p>
        {closed.why === 'identity'
          ? w.signIn
          : soon
            ? t.errors.rate_limited
            : closed.until
              ? w.unavailableUntil(moment(closed.until))
              : w.unavailable}
      </p>
      {(whatsapp || phone || url) && <p>{w.otherWays}</p>}
      <div className="ways">
        {whatsapp && (
          <a href={`https://wa.me/${whatsapp}`} target="_blank" rel="noopener noreferrer">
            {w.whatsapp}
          </a>
        )}
        {phone && <a href={`tel:${phone.replace(/[^+\d]/g, '')}`}>{w.phone(phone)}</a>}
        {url && (
          <a href={url} target="_blank" rel="noopener noreferrer">
            {w.form}
          </a>
        )}
        {closed.why === 'unavailable' && (soon || !closed.until) && (
          <Again at={closed.until ? Date.parse(closed.until) : 0} act={again} />
        )}
      </div>
    </section>
  )
}

/** Tries again, from a moment on; until then it counts down. */
export function Again({ at, act, className }: { at: number; act: () => void; className?: string }) {
  const [now, setNow] = useState(Date.now)
  const left = at - now
  useEffect(() => {
    if (left <= 0) return
    const tick = setTimeout(() => setNow(Date.now()), 1000)
    return () => clearTimeout(tick)
  }, [left])
  return (
    <button type="button" className={className} disabled={left > 0} onClick={act}>
      {left > 0 ? t.retryIn(wait(left)) : t.retry}
    </button>
  )
}
