import { go } from '../console/place'
import { say, useConsole } from '../console/session'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { PersonAccess } from './PersonAccess'
import { PersonPlan } from './PersonPlan'
import { Choice, EditForm, Leave, Loading, Problem, Sheet, Toggle } from './parts'
import { blank, bodyOf, type Draft, draftOf, invites, roleNames } from './person'
import type { User } from './rest'
import { useEdit } from './useEdit'
import { words } from './words'

/** One person, to add or change; `new` is the id of one who is not there yet. */
export default function Person({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const mine = useConsole((s) => s.me?.user.id === id)
  const edit = useEdit<User, Draft>({
    path: isNew ? '/users' : `/users/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
    errors: { conflict: isNew ? a.emailTaken : a.lastAdmin },
  })
  const { draft: d, saved, set } = edit
  const back = () => go('/admin/people', new URLSearchParams())
  const submit = async () => {
    const row = await edit.save()
    if (!row) return row
    if (row.invite_token) invites.set(row.id, row.invite_token)
    say(a.personSaved(row.name))
    // Whoever was added still needs their link, and perhaps a plan.
    if (isNew) go(`/admin/people/${row.id}`, new URLSearchParams(), true)
    return row
  }
  return (
    <Sheet
      title={isNew ? a.personNew : (saved?.name ?? a.personEdit)}
      help={isNew ? a.personNewHelp : mine ? a.personMine : undefined}
    >
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm
          edit={edit}
          save={isNew ? a.personAdd : t.save}
          onSubmit={submit}
          more={<Leave edit={edit} to={back} />}
        >
          <Field
            label={a.personName}
            autoComplete="off"
            value={d.name}
            maxLength={80}
            required
            onChange={(e) => set({ name: e.target.value })}
          />
          <Field
            label={t.email}
            type="email"
            autoComplete="off"
            value={d.email}
            maxLength={254}
            required
            readOnly={!isNew}
            help={isNew ? undefined : a.emailFixed}
            onChange={(e) => set({ email: e.target.value })}
          />
          <div>
            <Choice label={a.role} value={d.role} options={roleNames()} onChange={(role) => set({ role })} />
            <p className="mt-1.5 text-muted">{a.roleHelp[d.role]}</p>
          </div>
          {!isNew && (
            <Toggle
              label={a.personActive}
              help={a.personActiveHelp}
              checked={d.active}
              onChange={(active) => set({ active })}
            />
          )}
        </EditForm>
      )}
      {!isNew && saved && (
        <>
          <PersonAccess id={id} role={saved.role} active={saved.active} name={saved.name} />
          <PersonPlan user={id} />
        </>
      )}
    </Sheet>
  )
}
