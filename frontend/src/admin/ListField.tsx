import { Plus, X } from 'lucide-react'
import { useRef } from 'react'
import { Field } from '../shared/Field'
import { Button, IconButton } from '../shared/ui'

type InputProps = Omit<React.ComponentProps<typeof Field>, 'label' | 'value' | 'onChange' | 'error' | 'ref'>

/** Several lines of one kind, each in a field of its own; lines that are pasted together come apart. */
export function ListField({
  legend,
  help,
  value,
  most,
  labelOf,
  add,
  removeOf,
  errorOf,
  onChange,
  ...input
}: InputProps & {
  legend: string
  help?: string
  value: readonly string[]
  most: number
  labelOf: (n: number) => string
  add: string
  removeOf: (n: number) => string
  errorOf?: (line: string) => string | undefined
  onChange: (lines: readonly string[]) => void
}) {
  const list = useRef<HTMLFieldSetElement>(null)
  // Where the focus goes when a line has come or gone; its field is there only after that is drawn.
  const focus = (at: number) =>
    requestAnimationFrame(() => {
      const fields = list.current?.querySelectorAll('input') ?? []
      const next =
        fields[Math.min(at, fields.length - 1)] ?? list.current?.querySelector<HTMLElement>(':scope > button')
      next?.focus()
    })
  const put = (at: number, lines: string[]) => {
    onChange([...value.slice(0, at), ...lines, ...value.slice(at + 1)].slice(0, most))
    if (lines.length !== 1) focus(at)
  }
  return (
    <fieldset ref={list}>
      <legend className="text-sm font-medium">{legend}</legend>
      {help && <p className="text-muted">{help}</p>}
      <div className="mt-2 flex flex-col gap-2">
        {value.map((line, i) => (
          <div key={i} className="flex items-end gap-2">
            <div className="min-w-0 flex-1">
              <Field
                {...input}
                label={labelOf(i + 1)}
                value={line}
                error={errorOf?.(line)}
                onChange={(e) => put(i, [e.target.value])}
                onPaste={(e) => {
                  const lines = e.clipboardData
                    .getData('text')
                    .split(/\s*\n\s*/)
                    .filter(Boolean)
                  if (lines.length < 2) return
                  e.preventDefault()
                  put(i, lines)
                }}
              />
            </div>
            <IconButton label={removeOf(i + 1)} onClick={() => put(i, [])} className="size-11">
              <X size={16} aria-hidden />
            </IconButton>
          </div>
        ))}
      </div>
      {value.length < most && (
        <Button
          className="mt-2"
          onClick={() => {
            onChange([...value, ''])
            focus(value.length)
          }}
        >
          <Plus size={15} aria-hidden />
          {add}
        </Button>
      )}
    </fieldset>
  )
}
