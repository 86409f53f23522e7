import { useEffect, useRef, useState } from 'react'
import { ApiError } from '../net/api'
import { t } from '../shared/i18n'
import { call, token, visitor } from './session'
import { words } from './texts'

/** Sends the conversation by mail; where to, or the code of the refusal. */
async function mail(conv: string, email: string): Promise<string> {
  const locale = document.documentElement.lang === 'en' ? 'en' : 'pt-BR'
  try {
    const path = `/conversations/${conv}/transcript/email`
    const r = await call('POST', path, await token(), { email, locale })
    return ((await r.json()) as { email: string }).email
  } catch (e) {
    return e instanceof ApiError ? e.code : 'internal'
  }
}

/** Where the conversation shall be sent. */
export function Mail({ conv }: { conv: string }) {
  const w = words()
  const field = useRef<HTMLInputElement>(null)
  const [said, say] = useState('')
  useEffect(() => field.current?.focus(), [])
  const submit = async (e: Event) => {
    e.preventDefault()
    const code = await mail(conv, field.current!.value.trim())
    say(
      code.includes('@')
        ? w.mailed(code)
        : code === 'bad_field'
          ? w.wrong
          : code === 'quota_exceeded'
            ? w.mailEnough
            : t.errors.other,
    )
  }
  return (
    <form onSubmit={submit as never} noValidate>
      <label>
        {w.mailTo}
        <input ref={field} type="email" autoComplete="email" maxLength={200} defaultValue={visitor?.email ?? ''} />
      </label>
      <button type="submit">{t.send}</button>
      <p role="status">{said}</p>
    </form>
  )
}
