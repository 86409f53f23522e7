import { type ReactNode, type Ref, useId } from 'react'

/** A line to write in, with its label. */
export function Field({
  label,
  error,
  help,
  ref,
  end,
  ...rest
}: React.ComponentProps<'input'> & {
  label: string
  error?: string | undefined
  /** What else there is to know; an error stands in its place. */
  help?: ReactNode
  ref?: Ref<HTMLInputElement>
  end?: ReactNode
}) {
  const id = useId()
  return (
    <div className="text-left">
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <div className="relative">
        <input
          id={id}
          ref={ref}
          {...rest}
          aria-invalid={error ? true : undefined}
          aria-describedby={(error ?? help) ? `${id}-note` : undefined}
          className="min-h-11 w-full rounded-lg border border-line bg-bg px-3 text-base outline-none placeholder:text-muted focus:border-accent focus:ring-2 focus:ring-accent/25 aria-invalid:border-bad"
        />
        {end && <div className="absolute inset-y-0 right-1 flex items-center">{end}</div>}
      </div>
      {(error ?? help) && (
        <p id={`${id}-note`} className={`mt-1.5 ${error ? 'text-sm text-bad' : 'text-muted'}`}>
          {error ?? help}
        </p>
      )}
    </div>
  )
}
