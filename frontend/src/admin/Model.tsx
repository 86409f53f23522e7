import { go } from '../console/place'
import { say, useConsole } from '../console/session'
import { money } from '../monitor/time'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { blank, bodyOf, check, type Draft, draftOf, example, type Price } from './modelDraft'
import { Choice, EditForm, Leave, Loading, Problem, Sheet, Toggle } from './parts'
import type { Model as Saved } from './rest'
import { type Faults, useEdit } from './useEdit'
import { words } from './words'

/** A model of the catalogue, to add or change; `new` is the id of one that is not there yet. */
export default function Model({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const edit = useEdit<Saved, Draft>({
    path: isNew ? '/models' : `/models/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
    check,
    errors: { conflict: a.modelTaken },
  })
  const { draft: d, set, faults } = edit
  const back = () => go('/admin/models', new URLSearchParams())
  const submit = async () => {
    const row = await edit.save()
    if (row) {
      say(a.modelSaved(row.name))
      back()
    }
    return row
  }
  return (
    <Sheet title={isNew ? a.modelNew : a.modelEdit} help={a.modelHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={submit} more={<Leave edit={edit} to={back} />}>
          <Field
            label={a.modelName}
            value={d.name}
            maxLength={80}
            required
            onChange={(e) => set({ name: e.target.value })}
            help={a.modelNameHelp}
          />
          <Choice
            label={a.llmProvider}
            value={d.provider}
            options={a.llmProviders}
            onChange={(provider) => set({ provider })}
          />
          <Field
            label={a.modelModel}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            value={d.model}
            maxLength={128}
            required
            onChange={(e) => set({ model: e.target.value })}
            help={a.llmModelHelp}
          />
          <Field
            label={a.modelKey}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            value={d.key}
            maxLength={80}
            required
            onChange={(e) => set({ key: e.target.value })}
            error={faults.key}
            help={a.modelKeyHelp}
          />
          <Field
            label={a.modelContext}
            inputMode="numeric"
            autoComplete="off"
            placeholder={a.modelContextUnknown}
            value={d.context}
            onChange={(e) => set({ context: e.target.value })}
            error={faults.context}
          />
          <PriceFields value={d} faults={faults} set={set} />
          <Toggle label={a.modelActive} checked={d.active} onChange={(active) => set({ active })} />
        </EditForm>
      )}
    </Sheet>
  )
}

/** What a million tokens of each kind cost, and what that means for a message. */
function PriceFields({
  value,
  faults,
  set,
}: {
  value: Price
  faults: Faults<Price>
  set: (c: Partial<Price>) => void
}) {
  const a = words()
  const currency = useConsole((s) => s.me?.tenant.currency) ?? 'BRL'
  const cost = example(value)
  return (
    <fieldset>
      <legend className="text-sm font-medium">{a.price(currency)}</legend>
      <p className="text-muted">{a.priceHelp}</p>
      <div className="mt-2 grid gap-3 sm:grid-cols-2">
        {(['input', 'output', 'cached', 'reasoning'] as const).map((p) => (
          <Field
            key={p}
            label={a.priceOf[p]}
            inputMode="decimal"
            autoComplete="off"
            placeholder={p === 'cached' ? a.priceAsInput : p === 'reasoning' ? a.priceAsOutput : a.priceUnknown}
            value={value[p]}
            error={faults[p]}
            onChange={(e) => set({ [p]: e.target.value })}
          />
        ))}
      </div>
      <p role="status" className="mt-3 text-muted">
        {cost === undefined ? a.priceUnknownHelp : a.priceExample(money(cost, currency))}
      </p>
    </fieldset>
  )
}
