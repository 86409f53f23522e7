import { useCallback, useEffect, useState } from 'react'
import { say } from '../console/session'
import { Field } from '../shared/Field'
import { exactly, t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Choice, EditForm, Loading, Part, Problem } from './parts'
import { isGone, list, type Plan, read, refusal, remove, type Subscription } from './rest'
import { forget, useEdit } from './useEdit'
import { words } from './words'

/** Which plan a person is on, and until when. */
export function PersonPlan({ user }: { user: string }) {
  const a = words()
  // A person's subscription is named after them; without one they are on the default plan.
  const path = `/subscriptions/a_${user}`
  const [plans, setPlans] = useState<readonly Plan[]>()
  const [has, setHas] = useState<Subscription | 'none'>()
  const [problem, setProblem] = useState<string>()
  const load = useCallback(async () => {
    try {
      const [page, sub] = await Promise.all([
        list<Plan>('/plans?limit=100'),
        read<Subscription>(path).then(
          (s) => s.row,
          (e) => {
            if (isGone(e)) return 'none' as const
            throw e
          },
        ),
      ])
      setPlans(page.items)
      setHas(sub)
      setProblem(undefined)
    } catch (e) {
      setProblem(refusal(e))
    }
  }, [path])
  useEffect(() => void load(), [load])
  return (
    <Part title={a.plan} help={a.planHelp}>
      <Problem text={problem} retry={has ? undefined : () => void load()} />
      {!has && !problem && <Loading />}
      {has && plans && (
        <Form key={has === 'none' ? 'new' : 'old'} user={user} has={has} plans={plans} onDone={() => void load()} />
      )}
    </Part>
  )
}

type Draft = { user: string; plan: string; until: string }

const draftOf = (s: Subscription): Draft => ({ user: s.user_id, plan: s.plan_id, until: dayOf(s.ends_at) })
const bodyOf = (d: Draft) => ({ user_id: d.user, plan_id: d.plan, ends_at: endOf(d.until) })

function Form({
  user,
  has,
  plans,
  onDone,
}: {
  user: string
  has: Subscription | 'none'
  plans: readonly Plan[]
  onDone: () => void
}) {
  const a = words()
  const path = `/subscriptions/a_${user}`
  const [problem, setProblem] = useState<string>()
  const edit = useEdit<Subscription, Draft>({
    path: has === 'none' ? '/subscriptions' : path,
    name: path,
    ...(has === 'none' ? { fresh: { user, plan: '', until: '' } } : {}),
    draftOf,
    bodyOf,
    errors: { bad_field: a.planRefused },
  })
  const { draft: d, set } = edit
  const submit = async () => {
    const row = await edit.save()
    if (row) {
      say(a.planGiven)
      onDone()
    }
    return row
  }
  const toDefault = async () => {
    try {
      await remove(path)
      forget(path)
      say(a.planTaken)
      onDone()
    } catch (e) {
      setProblem(refusal(e))
    }
  }
  if (!d) return edit.problem ? <Problem text={edit.problem} retry={edit.retry} /> : <Loading />
  const names: Record<string, string> = {
    ...(d.plan === '' ? { '': a.planDefault } : {}),
    ...Object.fromEntries(plans.map((p) => [p.id, p.name])),
  }
  if (!(d.plan in names)) names[d.plan] = a.planOfOperator // it is not among the distributor's own
  return (
    <EditForm
      edit={edit}
      save={t.save}
      onSubmit={submit}
      more={has !== 'none' && <Button onClick={() => void toDefault()}>{a.planToDefault}</Button>}
    >
      {plans.length === 0 && has === 'none' && <p className="text-muted">{a.planNone}</p>}
      <Choice label={a.plan} value={d.plan} options={names} onChange={(plan) => set({ plan })} />
      {has !== 'none' && has.starts_at && Date.parse(has.starts_at) > Date.now() && (
        <p className="text-muted">{a.planFrom(exactly(has.starts_at))}</p>
      )}
      {d.plan !== '' && (
        <Field
          label={a.planUntil}
          help={a.planUntilHelp}
          type="date"
          value={d.until}
          onChange={(e) => set({ until: e.target.value })}
        />
      )}
      <Problem text={problem} />
    </EditForm>
  )
}

/** The day of a time, as a date field has it. */
function dayOf(iso: string | null | undefined): string {
  if (!iso) return ''
  const at = new Date(iso)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** The end of a day; null is never. */
const endOf = (day: string) => (day ? new Date(`${day}T23:59:59`).toISOString() : null)
