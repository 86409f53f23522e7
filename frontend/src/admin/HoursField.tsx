import { Plus, X } from 'lucide-react'
import { useId } from 'react'
import { Field } from '../shared/Field'
import { language } from '../shared/i18n'
import { Button, IconButton } from '../shared/ui'
import { Group } from './parts'
import type { Hours } from './widgetDraft'
import { words } from './words'

const days = [0, 1, 2, 3, 4, 5, 6]
/** The name of a day of the week; 0 is Sunday. */
const dayName = (day: number, style: 'short' | 'long') =>
  new Intl.DateTimeFormat(language, { weekday: style, timeZone: 'UTC' }).format(Date.UTC(2023, 0, 1 + day))

/** When people of the staff answer: days of the week, each with its hours. */
export function HoursField({
  value,
  error,
  onChange,
}: {
  value: readonly Hours[]
  error: string | undefined
  onChange: (hours: readonly Hours[]) => void
}) {
  const a = words()
  const id = useId()
  const put = (at: number, c: Partial<Hours>) => onChange(value.map((h, i) => (i === at ? { ...h, ...c } : h)))
  return (
    <Group title={a.hours} help={a.hoursHelp}>
      {value.map((h, i) => (
        <fieldset key={i} className="flex flex-wrap items-end gap-x-3 gap-y-2 border-line border-b pb-3">
          <legend className="sr-only">{a.hoursNumber(i + 1)}</legend>
          <div className="flex flex-wrap gap-1">
            {days.map((day) => (
              <label
                key={day}
                title={dayName(day, 'long')}
                className="relative grid h-11 min-w-11 place-items-center rounded-lg border border-line px-1.5 text-muted has-checked:border-accent has-checked:bg-soft has-checked:text-fg has-focus-visible:outline-2 has-focus-visible:outline-accent"
              >
                <input
                  type="checkbox"
                  aria-label={dayName(day, 'long')}
                  aria-invalid={error && h.days.length === 0 ? true : undefined}
                  aria-describedby={error ? id : undefined}
                  checked={h.days.includes(day)}
                  onChange={(e) =>
                    put(i, { days: days.filter((x) => (x === day ? e.target.checked : h.days.includes(x))) })
                  }
                  className="absolute inset-0 cursor-pointer opacity-0"
                />
                {dayName(day, 'short').replace('.', '')}
              </label>
            ))}
          </div>
          <div className="w-34">
            <Field
              label={a.hoursFrom}
              type="time"
              required
              value={h.from}
              onChange={(e) => put(i, { from: e.target.value })}
            />
          </div>
          <div className="w-34">
            <Field
              label={a.hoursTo}
              type="time"
              required
              value={h.to}
              onChange={(e) => put(i, { to: e.target.value })}
            />
          </div>
          <IconButton
            label={a.hoursRemove(i + 1)}
            onClick={() => onChange(value.filter((_, at) => at !== i))}
            className="size-11"
          >
            <X size={16} aria-hidden />
          </IconButton>
        </fieldset>
      ))}
      {error && (
        <p id={id} className="text-bad">
          {error}
        </p>
      )}
      {value.length < 14 && (
        <Button
          className="self-start"
          onClick={() => onChange([...value, { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' }])}
        >
          <Plus size={15} aria-hidden />
          {a.hoursAdd}
        </Button>
      )}
    </Group>
  )
}
