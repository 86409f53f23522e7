import { useState } from 'react'
import { go } from '../console/place'
import { say } from '../console/session'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { PersonField } from './PersonField'
import { Copyable, EditForm, Leave, Loading, Problem, Sheet, Toggle } from './parts'
import type { APIKey } from './rest'
import { useEdit } from './useEdit'
import { words } from './words'

type Draft = { name: string; user: string; active: boolean }

const blank: Draft = { name: '', user: '', active: true }
const draftOf = (r: APIKey): Draft => ({ name: r.name, user: r.user_id ?? '', active: r.state === 'active' })
const bodyOf = (d: Draft) => ({ name: d.name.trim(), user_id: d.user, state: d.active ? 'active' : 'disabled' })

/** One key of a program; a new one is shown once, after it was made. */
export default function Key({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const [made, setMade] = useState<string>()
  const edit = useEdit<APIKey, Draft>({
    path: isNew ? '/api-keys' : `/api-keys/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
  })
  const { draft: d, set } = edit
  const back = () => go('/admin/keys', new URLSearchParams())
  const submit = async () => {
    const row = await edit.save()
    if (row?.key) setMade(row.key)
    else if (row) {
      say(a.keySaved(row.name))
      back()
    }
    return row
  }
  if (made)
    return (
      <Sheet title={a.keyMade} help={a.keyMadeHelp}>
        <div className="max-w-2xl">
          <Copyable label={a.keySecret} value={made} />
          <Button look="main" className="mt-4" onClick={back}>
            {a.keyKept}
          </Button>
        </div>
      </Sheet>
    )
  return (
    <Sheet title={isNew ? a.keyNew : a.keyEdit} help={a.keyHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm
          edit={edit}
          save={isNew ? a.keyMake : t.save}
          onSubmit={submit}
          more={<Leave edit={edit} to={back} />}
        >
          <Field
            label={a.keyName}
            autoComplete="off"
            value={d.name}
            maxLength={80}
            required
            onChange={(e) => set({ name: e.target.value })}
          />
          {isNew ? (
            <PersonField label={a.keyPerson} help={a.keyPersonHelp} onChange={(u) => set({ user: u?.id ?? '' })} />
          ) : (
            <Toggle label={a.keyActive} checked={d.active} onChange={(active) => set({ active })} />
          )}
        </EditForm>
      )}
    </Sheet>
  )
}
