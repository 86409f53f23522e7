import { moment } from '../shared/i18n'
import { config } from './config'
import { retry, type State } from './store'
import { words } from './texts'

/** Nobody answers here now: why, and how else to reach the distributor. Never an empty frame. */
export function Unavailable({ closed }: { closed: NonNullable<State['closed']> }) {
  const w = words()
  const { whatsapp, phone, url } = config.fallback
  return (
    <section className="unavailable" role="alert">
      <p>
        {closed.why === 'identity' ? w.signIn : closed.until ? w.unavailableUntil(moment(closed.until)) : w.unavailable}
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
        {closed.why === 'unavailable' && !closed.until && (
          <button type="button" onClick={retry}>
            {w.retry}
          </button>
        )}
      </div>
    </section>
  )
}
