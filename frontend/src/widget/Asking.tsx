import { type FormEvent, useEffect, useRef, useState } from 'react'
import { config, type FieldName } from './config'
import { agree, answer, backToChat, refuse, type State } from './store'
import { fieldLabel, own, words } from './texts'

/** The notice to agree to. Refusing leaves no trace: nothing has been stored, here or on the server. */
export function Consent() {
  const w = words()
  const first = useRef<HTMLButtonElement>(null)
  useEffect(() => first.current?.focus(), [])
  return (
    <main className="ask">
      <h2>{w.consentTitle}</h2>
      <p>{own(config.consent?.text) || w.consent(config.name)}</p>
      {config.consent?.url && (
        <p>
          <a href={config.consent.url} target="_blank" rel="noopener noreferrer">
            {w.policy}
          </a>
        </p>
      )}
      <button ref={first} type="button" className="main" onClick={agree}>
        {w.agree}
      </button>
      <button type="button" onClick={refuse}>
        {w.refuse}
      </button>
    </main>
  )
}

const kinds: Record<FieldName, { type: string; autoComplete: string; inputMode?: 'tel' | 'numeric' }> = {
  name: { type: 'text', autoComplete: 'name' },
  email: { type: 'email', autoComplete: 'email' },
  phone: { type: 'tel', autoComplete: 'tel', inputMode: 'tel' },
  document: { type: 'text', autoComplete: 'off' },
  contract: { type: 'text', autoComplete: 'off' },
}

/** What the key asks, once, with the first message. */
export function Fields({ s }: { s: State }) {
  const w = words()
  const [values, setValues] = useState<Record<string, string>>({})
  const [missing, setMissing] = useState<string>()
  const form = useRef<HTMLFormElement>(null)
  const bad = missing ?? s.wrong
  useEffect(() => {
    form.current?.querySelector<HTMLInputElement>(bad ? `[name=${bad}]` : 'input')?.focus()
  }, [bad])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    const empty = config.fields.find((f) => f.required && !values[f.name]?.trim())
    setMissing(empty?.name)
    if (!empty) void answer(values)
  }
  return (
    <main className="ask">
      <h2>{w.fieldsTitle}</h2>
      {own(config.purpose) && <p>{own(config.purpose)}</p>}
      <form ref={form} onSubmit={submit} noValidate>
        {config.fields.map(({ name, required }) => (
          <label key={name}>
            <span>
              {fieldLabel(name)} {!required && <small>{w.optional}</small>}
            </span>
            <input
              name={name}
              {...kinds[name]}
              maxLength={200}
              required={required}
              value={values[name] ?? ''}
              aria-invalid={bad === name}
              aria-describedby={bad === name ? 'bad' : undefined}
              onInput={(e) => setValues({ ...values, [name]: masked(name, e.currentTarget.value) })}
            />
            {bad === name && (
              <small id="bad" className="bad">
                {missing ? w.missing : w.wrong}
              </small>
            )}
          </label>
        ))}
        <button type="submit" className="main" disabled={s.entering}>
          {w.goOn}
        </button>
        <button type="button" onClick={backToChat}>
          {w.back}
        </button>
      </form>
    </main>
  )
}

/** Puts the usual punctuation into numbers, also into one that was pasted without any. */
export function masked(name: FieldName, text: string): string {
  if (name === 'phone') {
    const d = text.replace(/\D/g, '').slice(0, 15)
    if (d.length < 3 || d.length > 11 || text.startsWith('+')) return text
    const cut = d.length > 10 ? 7 : 6
    return `(${d.slice(0, 2)}) ${d.slice(2, cut)}${d.length > cut ? `-${d.slice(cut)}` : ''}`
  }
  if (name !== 'document') return text
  const c = text
    .toUpperCase()
    .replace(/[^\dA-Z]/g, '')
    .slice(0, 14)
  const marks: Record<number, string> = /^\d{0,11}$/.test(c)
    ? { 3: '.', 6: '.', 9: '-' }
    : { 2: '.', 5: '.', 8: '/', 12: '-' }
  return [...c].map((x, i) => (marks[i] ?? '') + x).join('')
}
