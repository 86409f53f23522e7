import { WandSparkles } from 'lucide-react'
import { w } from '../console/words'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { IconButton } from '../shared/ui'
import { AlertLog } from './AlertLog'
import { EditForm, Loading, Problem, Sheet } from './parts'
import type { AlertSettings, Secret } from './rest'
import { useEdit } from './useEdit'
import { words } from './words'

type Draft = { url: string; kinds: readonly string[]; secret: string; stored: Secret }

/** Every reason for an alert, in the order of the server. */
const kinds = ['asked_human', 'no_answer', 'negative', 'regenerations', 'quota']

const draftOf = (r: AlertSettings): Draft => ({
  url: r.url ?? '',
  kinds: r.kinds?.length ? r.kinds : kinds,
  secret: '',
  stored: r.secret,
})
const bodyOf = (d: Draft) => ({ url: d.url.trim(), kinds: d.kinds, ...(d.secret ? { secret: d.secret } : {}) })

/** Where a distributor is told of conversations that need a person, and whether it has been. */
export default function Alerts() {
  const a = words()
  const edit = useEdit<AlertSettings, Draft>({
    path: '/alert-settings',
    draftOf,
    bodyOf,
    errors: { bad_field: a.alertRefused },
  })
  const { draft: d, saved, set } = edit
  const needsSecret = d !== undefined && d.url.trim() !== '' && (!d.stored.set || d.url.trim() !== saved?.url)
  return (
    <Sheet title={a.pages.alerts} help={a.alertsHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={edit.save}>
          <Field
            label={a.alertURL}
            type="url"
            inputMode="url"
            placeholder="https://…"
            maxLength={500}
            value={d.url}
            onChange={(e) => set({ url: e.target.value })}
          />
          <Field
            label={a.alertSecret}
            autoComplete="off"
            spellCheck={false}
            minLength={16}
            maxLength={200}
            required={needsSecret}
            placeholder={d.stored.set && !needsSecret ? a.secretStored(d.stored.last4) : ''}
            value={d.secret}
            onChange={(e) => set({ secret: e.target.value })}
            end={
              <IconButton label={a.secretMake} onClick={() => set({ secret: newSecret() })}>
                <WandSparkles size={16} aria-hidden />
              </IconButton>
            }
            help={a.alertSecretHelp}
          />
          <fieldset>
            <legend className="text-sm font-medium">{a.alertKinds}</legend>
            <p className="mb-1 text-muted">{a.alertKindsHelp}</p>
            {kinds.map((k) => (
              <label key={k} className="flex min-h-8 cursor-pointer items-center gap-2.5 pointer-coarse:min-h-11">
                <input
                  type="checkbox"
                  checked={d.kinds.includes(k)}
                  onChange={(e) =>
                    set({ kinds: kinds.filter((x) => (x === k ? e.target.checked : d.kinds.includes(x))) })
                  }
                  className="size-4 accent-accent"
                />
                {w.risks[k]}
              </label>
            ))}
          </fieldset>
        </EditForm>
      )}
      <AlertLog testable={saved !== undefined && saved.url !== '' && !edit.unsaved} />
    </Sheet>
  )
}

/** 32 random bytes, as they can be carried by hand. */
function newSecret(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (b) => b.toString(16).padStart(2, '0')).join('')
}
