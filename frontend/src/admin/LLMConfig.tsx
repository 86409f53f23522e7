import { Stethoscope } from 'lucide-react'
import { go } from '../console/place'
import { say } from '../console/session'
import { TextArea } from '../console/TextArea'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { LimitFields } from './LimitFields'
import { asksForKey, blank, bodyOf, check, type Draft, draftOf, losesKey, needsKey } from './llmDraft'
import { Choice, EditForm, Leave, Loading, Part, Problem, Sheet, Toggle } from './parts'
import { Reserve } from './Reserve'
import type { LLMConfig as Saved } from './rest'
import { Told } from './Told'
import { useEdit } from './useEdit'
import { useTrial } from './useTrial'
import { words } from './words'

/** A way to reach models, to add or change; `new` is the id of one that is not there yet. */
export default function LLMConfig({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const edit = useEdit<Saved, Draft>({
    path: isNew ? '/llm-configs' : `/llm-configs/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
    check,
    errors: { bad_field: a.llmRefused },
  })
  const { draft: d, saved, set, faults } = edit
  const back = () => go('/admin/llm-configs', new URLSearchParams())
  const submit = async () => {
    const row = await edit.save()
    if (row) {
      say(a.llmSaved(row.name))
      // Where it can be tested.
      if (isNew) go(`/admin/llm-configs/${row.id}`, new URLSearchParams(), true)
    }
    return row
  }
  return (
    <Sheet title={isNew ? a.llmNew : a.llmEdit} help={a.llmHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={submit} more={<Leave edit={edit} to={back} />}>
          <Field
            label={a.llmName}
            value={d.name}
            maxLength={80}
            required
            onChange={(e) => set({ name: e.target.value })}
          />
          <Choice
            label={a.llmProvider}
            value={d.provider}
            options={a.llmProviders}
            onChange={(provider) => set({ provider })}
          />
          {d.provider !== 'rehearsal' && (
            <Field
              label={a.llmAddress}
              type="url"
              inputMode="url"
              placeholder={a.llmAddressOwn}
              value={d.address}
              maxLength={500}
              onChange={(e) => set({ address: e.target.value })}
              help={a.llmAddressHelp}
            />
          )}
          {d.provider !== 'rehearsal' && <Key draft={d} saved={saved} set={set} />}
          <Field
            label={a.llmModel}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            value={d.model}
            maxLength={128}
            required
            onChange={(e) => set({ model: e.target.value })}
            help={a.llmModelHelp}
          />
          <TextArea
            label={a.llmInstructions}
            rows={8}
            value={d.instructions}
            maxLength={20_000}
            onChange={(e) => set({ instructions: e.target.value })}
            help={a.llmInstructionsHelp}
          />
          <Field
            label={a.llmTemperature}
            inputMode="decimal"
            autoComplete="off"
            placeholder={a.llmTemperatureOwn}
            value={d.temperature}
            onChange={(e) => set({ temperature: e.target.value })}
            error={faults.temperature}
            help={a.llmTemperatureHelp}
          />
          <LimitFields
            legend={a.llmLimits}
            help={a.llmLimitsHelp}
            limits={d.limits}
            told={faults.limits !== undefined}
            onChange={(limits) => set({ limits })}
          />
          <Reserve id={id} value={d.reserve} onChange={(reserve) => set({ reserve })} />
          <Toggle label={a.llmIsMain} help={a.llmMainHelp} checked={d.main} onChange={(main) => set({ main })} />
          <Toggle
            label={a.llmTitles}
            help={a.llmTitlesHelp}
            checked={d.titles}
            onChange={(titles) => set({ titles })}
          />
          <Toggle
            label={a.llmReasoning}
            help={a.llmReasoningHelp}
            checked={d.reasoning}
            onChange={(reasoning) => set({ reasoning })}
          />
          <Toggle label={a.llmActive} checked={d.active} onChange={(active) => set({ active })} />
        </EditForm>
      )}
      {d && !isNew && <Test id={id} ready={!edit.unsaved} />}
    </Sheet>
  )
}

/** The key of a provider: it is written and never read back, and belongs to one host. */
function Key({ draft: d, saved, set }: { draft: Draft; saved: Draft | undefined; set: (c: Partial<Draft>) => void }) {
  const a = words()
  const required = needsKey(d, saved)
  return (
    <div className="flex flex-col gap-3">
      {losesKey(d, saved) && (
        <p role="status" className="rounded-xl border border-warn p-4 text-warn">
          {a.llmKeyLost(d.stored.last4)}
        </p>
      )}
      {asksForKey(d) && (
        <Field
          label={a.llmKey}
          type="password"
          autoComplete="new-password"
          maxLength={500}
          required={required}
          placeholder={required ? '' : a.secretStored(d.stored.last4)}
          value={d.key}
          onChange={(e) => set({ key: e.target.value })}
          help={a.llmKeyHelp}
        />
      )}
      <Toggle label={a.llmKeyless} checked={d.keyless} onChange={(keyless) => set({ keyless })} />
    </div>
  )
}

/** Tries what is saved. */
function Test({ id, ready }: { id: string; ready: boolean }) {
  const a = words()
  const trial = useTrial(id)
  return (
    <Part title={a.llmTestTitle} help={a.llmTestHelp}>
      <div className="flex flex-wrap items-center gap-3">
        <Button disabled={!ready || trial.busy} onClick={trial.run}>
          <Stethoscope size={15} aria-hidden />
          {a.llmTest}
        </Button>
        <span role="status">
          {ready ? trial.verdict && <Told {...trial.verdict} /> : <span className="text-muted">{a.llmSaveFirst}</span>}
        </span>
      </div>
    </Part>
  )
}
