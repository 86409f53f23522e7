import { go } from '../console/place'
import { say } from '../console/session'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { HoursField } from './HoursField'
import { ListField } from './ListField'
import { Choice, EditForm, Group, Leave, Loading, Problem, Sheet, Toggle } from './parts'
import type { WidgetKey as Saved } from './rest'
import { TextsField } from './TextsField'
import { type Faults, useEdit } from './useEdit'
import { usePlans } from './usePlans'
import { WidgetInstall } from './WidgetInstall'
import { blank, bodyOf, check, type Draft, draftOf, fieldNames, originOf } from './widgetDraft'
import { words } from './words'

/** A key of the widget, to add or change; `new` is the id of one that is not there yet. */
export default function WidgetKey({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const edit = useEdit<Saved, Draft>({
    path: isNew ? '/widget-keys' : `/widget-keys/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
    check,
    errors: { bad_field: a.widgetRefused },
  })
  const { draft: d, set, faults } = edit
  const back = () => go('/admin/widget-keys', new URLSearchParams())
  const submit = async () => {
    const row = await edit.save()
    if (row) {
      say(a.widgetSaved(row.name))
      // Where its snippet is.
      if (isNew) go(`/admin/widget-keys/${row.id}`, new URLSearchParams(), true)
    }
    return row
  }
  return (
    <Sheet title={isNew ? a.widgetNew : a.widgetEdit} help={isNew ? a.widgetNewHelp : undefined}>
      {!isNew && d && <WidgetInstall id={id} required={d.identity === 'required'} />}
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={submit} more={<Leave edit={edit} to={back} />}>
          <Field
            label={a.widgetName}
            value={d.name}
            maxLength={80}
            required
            onChange={(e) => set({ name: e.target.value })}
            help={a.widgetNameHelp}
          />
          <ListField
            legend={a.origins}
            help={a.originsHelp}
            value={d.origins}
            most={50}
            labelOf={a.originNumber}
            add={a.originAdd}
            removeOf={a.originRemove}
            errorOf={(line) => {
              if (!faults.origins) return undefined
              if (line.trim()) return originOf(line) ? undefined : a.originWrong
              return d.origins.some((o) => o.trim()) ? undefined : a.originNone
            }}
            onChange={(origins) => set({ origins })}
            inputMode="url"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="https://www.provedor.com.br"
          />
          <Audience draft={d} faults={faults} set={set} />
          <TextsField
            label={a.greeting}
            help={a.greetingHelp}
            value={d.greeting}
            most={500}
            onChange={(greeting) => set({ greeting })}
          />
          <Before draft={d} faults={faults} set={set} />
          <HoursField value={d.hours} error={faults.hours} onChange={(hours) => set({ hours })} />
          <Fallback draft={d} faults={faults} set={set} />
          <Toggle label={a.widgetPowered} checked={d.poweredBy} onChange={(poweredBy) => set({ poweredBy })} />
          <Toggle
            label={a.widgetActive}
            help={a.widgetActiveHelp}
            checked={d.active}
            onChange={(active) => set({ active })}
          />
        </EditForm>
      )}
    </Sheet>
  )
}

type PartProps = { draft: Draft; faults: Faults<Draft>; set: (c: Partial<Draft>) => void }

/** Who may talk through the key, and how much. */
function Audience({ draft: d, faults, set }: PartProps) {
  const a = words()
  const plans = usePlans(d.plan)
  return (
    <Group title={a.audience}>
      <Choice label={a.identity} value={d.identity} options={a.identities} onChange={(identity) => set({ identity })} />
      <Choice label={a.widgetPlan} value={d.plan} options={plans} onChange={(plan) => set({ plan })} />
      <div className="grid gap-3 sm:grid-cols-2">
        {(['perMinute', 'perDay'] as const).map((cap) => (
          <Field
            key={cap}
            label={a.caps[cap]}
            inputMode="numeric"
            autoComplete="off"
            placeholder={a.limitNone}
            value={d[cap]}
            error={faults[cap]}
            onChange={(e) => set({ [cap]: e.target.value })}
          />
        ))}
      </div>
      <p className="-mt-2 text-muted">{a.capsHelp}</p>
      <Field
        label={a.widgetDays}
        inputMode="numeric"
        autoComplete="off"
        placeholder="30"
        value={d.days}
        error={faults.days}
        onChange={(e) => set({ days: e.target.value })}
        help={a.widgetDaysHelp}
      />
    </Group>
  )
}

/** What is asked before the first message. */
function Before({ draft: d, faults, set }: PartProps) {
  const a = words()
  const asks = fieldNames.some((name) => d.fields[name] !== 'no')
  return (
    <Group title={a.before}>
      <div className="grid gap-3 sm:grid-cols-2">
        {fieldNames.map((name) => (
          <Choice
            key={name}
            label={a.fieldNames[name]}
            value={d.fields[name]}
            options={a.asked}
            onChange={(asked) => set({ fields: { ...d.fields, [name]: asked } })}
          />
        ))}
      </div>
      {asks && (
        <TextsField
          label={a.purpose}
          help={a.purposeHelp}
          value={d.purpose}
          most={500}
          onChange={(purpose) => set({ purpose })}
        />
      )}
      <TextsField
        label={a.consent}
        help={a.consentHelp}
        value={d.consent}
        most={1500}
        rows={4}
        onChange={(consent) => set({ consent })}
      />
      <Field
        label={a.consentVersion}
        placeholder="2026-11"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={40}
        value={d.consentVersion}
        error={faults.consentVersion}
        onChange={(e) => set({ consentVersion: e.target.value })}
        help={a.consentVersionHelp}
      />
      <Field
        label={a.consentURL}
        type="url"
        inputMode="url"
        placeholder="https://…"
        maxLength={500}
        value={d.consentURL}
        onChange={(e) => set({ consentURL: e.target.value })}
      />
    </Group>
  )
}

/** Where people are sent when no answer can be given. */
function Fallback({ draft: d, faults, set }: PartProps) {
  const a = words()
  return (
    <Group title={a.fallback} help={a.fallbackHelp}>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field
          label={a.whatsapp}
          inputMode="tel"
          placeholder="5549999990000"
          value={d.whatsapp}
          error={faults.whatsapp}
          onChange={(e) => set({ whatsapp: e.target.value })}
          help={a.whatsappHelp}
        />
        <Field
          label={a.phone}
          inputMode="tel"
          maxLength={40}
          placeholder="0800 999 0000"
          value={d.phone}
          onChange={(e) => set({ phone: e.target.value })}
        />
      </div>
      <Field
        label={a.fallbackURL}
        type="url"
        inputMode="url"
        placeholder="https://…"
        maxLength={500}
        value={d.url}
        onChange={(e) => set({ url: e.target.value })}
      />
    </Group>
  )
}
