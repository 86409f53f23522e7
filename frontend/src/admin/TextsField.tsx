import { TextArea } from '../console/TextArea'
import { words } from './words'

/** A text in each language that the pages speak; other languages stay as they are. */
export function TextsField({
  label,
  help,
  value,
  most,
  rows = 2,
  onChange,
}: {
  label: string
  help?: string
  value: Readonly<Record<string, string>>
  most: number
  rows?: number
  onChange: (texts: Readonly<Record<string, string>>) => void
}) {
  const a = words()
  return (
    <fieldset>
      <legend className="text-sm font-medium">{label}</legend>
      {help && <p className="text-muted">{help}</p>}
      <div className="mt-2 grid gap-3 sm:grid-cols-2">
        {(['pt-BR', 'en'] as const).map((language) => (
          <TextArea
            key={language}
            label={a.inLanguage[language]}
            lang={language}
            rows={rows}
            maxLength={most}
            value={value[language] ?? ''}
            onChange={(e) => onChange({ ...value, [language]: e.target.value })}
          />
        ))}
      </div>
    </fieldset>
  )
}
