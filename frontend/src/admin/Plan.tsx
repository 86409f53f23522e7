import { useEffect, useState } from 'react'
import { go } from '../console/place'
import { say, useConsole } from '../console/session'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { LimitFields } from './LimitFields'
import { Link } from './Link'
import { EditForm, Leave, Loading, Part, Problem, Sheet, Toggle } from './parts'
import { blank, bodyOf, check, type Draft, draftOf } from './planDraft'
import { list, type Model, type Plan as Saved } from './rest'
import { useEdit } from './useEdit'
import { useNames } from './useNames'
import { useSubscriptions } from './useSubscriptions'
import { words } from './words'

/** One plan, to add or change; `new` is the id of one that is not there yet. */
export default function Plan({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const edit = useEdit<Saved, Draft>({
    path: isNew ? '/plans' : `/plans/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
    check,
  })
  const { draft: d, saved, set, faults } = edit
  const back = () => go('/admin/plans', new URLSearchParams())
  const submit = async () => {
    const row = await edit.save()
    if (row) {
      say(a.planSaved(row.name))
      back()
    }
    return row
  }
  return (
    <Sheet title={isNew ? a.planNew : a.planEdit} help={a.planEditHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={submit} more={<Leave edit={edit} to={back} />}>
          <Field
            label={a.planName}
            autoComplete="off"
            value={d.name}
            maxLength={80}
            onChange={(e) => set({ name: e.target.value })}
            error={faults.name}
          />
          <LimitFields
            legend={a.planLimits}
            help={a.planLimitsHelp}
            limits={d.limits}
            told={faults.limits !== undefined}
            onChange={(limits) => set({ limits })}
          />
          <Field
            label={a.planAtOnce}
            inputMode="numeric"
            autoComplete="off"
            placeholder={a.limitNone}
            value={d.atOnce}
            onChange={(e) => set({ atOnce: e.target.value })}
            error={faults.atOnce}
          />
          <Models chosen={d.models} onChange={(models) => set({ models })} />
          <Toggle
            label={a.planOperators}
            help={a.planOperatorsHelp}
            checked={d.operators}
            onChange={(operators) => set({ operators })}
          />
          <Toggle
            label={a.planMain}
            help={saved?.main && !d.main ? a.planMainOff : a.planMainHelp}
            checked={d.main}
            onChange={(main) => set({ main })}
          />
        </EditForm>
      )}
      {!isNew && saved && <Members plan={id} />}
    </Sheet>
  )
}

/** Which models a plan allows: those of the catalogue, those that the administrator sees, and what it has already. */
function Models({ chosen, onChange }: { chosen: readonly string[]; onChange: (keys: string[]) => void }) {
  const a = words()
  const seen = useConsole((s) => s.me?.models)
  const [own, setOwn] = useState<readonly Model[]>([])
  useEffect(() => {
    list<Model>('/models?limit=100').then(
      (page) => setOwn(page.items),
      () => {}, // what is chosen stays, and can be taken away
    )
  }, [])
  const names = new Map<string, string>([
    ...chosen.map((key) => [key, key] as const),
    ...(seen ?? []).map((m) => [m.key, m.name] as const),
    ...own.map((m) => [m.key, m.name] as const),
  ])
  const keys = [...names.keys()].sort()
  return (
    <fieldset>
      <legend className="text-sm font-medium">{a.planModels}</legend>
      <p className="mb-1 text-muted">{keys.length > 0 ? a.planModelsHelp : a.planModelsNone}</p>
      {keys.map((key) => (
        <label key={key} className="flex min-h-8 cursor-pointer items-center gap-2.5 pointer-coarse:min-h-11">
          <input
            type="checkbox"
            checked={chosen.includes(key)}
            onChange={(e) => onChange(keys.filter((k) => (k === key ? e.target.checked : chosen.includes(k))))}
            className="size-4 accent-accent"
          />
          {names.get(key)}
          <span className="text-muted">{names.get(key) === key ? '' : key}</span>
        </label>
      ))}
    </fieldset>
  )
}

/** Who has been put on the plan. */
function Members({ plan }: { plan: string }) {
  const a = words()
  const subscriptions = useSubscriptions()
  const names = useNames()
  const members = subscriptions?.filter((s) => s.plan_id === plan)
  return (
    <Part title={a.planMembers} help={a.planMembersHelp}>
      {members?.length === 0 && <p className="text-muted">{a.planNobody}</p>}
      <ul className="flex flex-wrap gap-x-4 gap-y-1.5">
        {members?.map((s) => (
          <li key={s.id}>
            <Link path={`/admin/people/${s.user_id}`} className="text-accent underline underline-offset-3">
              {names.get(s.user_id) ?? s.user_id}
            </Link>
          </li>
        ))}
      </ul>
    </Part>
  )
}
