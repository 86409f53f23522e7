import { Field } from '../shared/Field'
import { isLimit, type Limits, type Unit, windows } from './limits'
import { words } from './words'

/** How many messages and tokens each window allows; an empty field allows any number. */
export function LimitFields({
  legend,
  help,
  limits,
  told,
  onChange,
}: {
  legend: string
  help?: string
  limits: Limits
  /** Whether it is time to say what is wrong. */
  told: boolean
  onChange: (limits: Limits) => void
}) {
  const a = words()
  return (
    <fieldset>
      <legend className="text-sm font-medium">{legend}</legend>
      {help && <p className="text-muted">{help}</p>}
      <div className="mt-2 flex flex-col gap-3">
        {windows.map((window) => (
          <div key={window} className="grid grid-cols-2 gap-3">
            {(['messages', 'tokens'] satisfies Unit[]).map((unit) => {
              const text = limits[window][unit]
              return (
                <Field
                  key={unit}
                  label={a.limitOf[unit][window]}
                  inputMode="numeric"
                  autoComplete="off"
                  placeholder={a.limitNone}
                  value={text}
                  error={told && !isLimit(text, unit) ? a.limitWrong : undefined}
                  onChange={(e) => onChange({ ...limits, [window]: { ...limits[window], [unit]: e.target.value } })}
                />
              )
            })}
          </div>
        ))}
      </div>
    </fieldset>
  )
}
