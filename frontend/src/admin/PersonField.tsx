import { useEffect, useId, useState } from 'react'
import { Field } from '../shared/Field'
import { list, type User } from './rest'
import { words } from './words'

const textOf = (u: User) => `${u.name} · ${u.email}`

/** Finds one of the distributor's people by a part of their name. */
export function PersonField({
  label,
  help,
  onChange,
}: {
  label: string
  help?: string
  /** Undefined until the text names somebody. */
  onChange: (person: User | undefined) => void
}) {
  const id = useId()
  const [text, setText] = useState('')
  const [found, setFound] = useState<readonly User[]>([])
  useEffect(() => {
    let gone = false
    const query = new URLSearchParams({ limit: '20', ...(text ? { q: text.split(' · ')[0]! } : {}) })
    const timer = setTimeout(() => {
      list<User>(`/users?${query}`).then(
        (page) => gone || setFound(page.items),
        () => {}, // there is nothing to choose from, and the list behind says why
      )
    }, 200)
    return () => {
      gone = true
      clearTimeout(timer)
    }
  }, [text])
  return (
    <>
      <Field
        label={label}
        help={help}
        list={id}
        autoComplete="off"
        maxLength={80}
        value={text}
        onChange={(e) => {
          const person = found.find((u) => textOf(u) === e.target.value)
          e.target.setCustomValidity(e.target.value && !person ? words().personPick : '')
          setText(e.target.value)
          onChange(person)
        }}
      />
      <datalist id={id}>
        {found.map((u) => (
          <option key={u.id} value={textOf(u)} />
        ))}
      </datalist>
    </>
  )
}
