import { useId } from 'react'

/** A text of several lines under its label. */
export function TextArea({
  label,
  help,
  error,
  className = '',
  ...rest
}: React.ComponentProps<'textarea'> & { label: string; help?: string | undefined; error?: string | undefined }) {
  const id = useId()
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {label}
      </label>
      <textarea
        id={id}
        {...rest}
        aria-invalid={error ? true : undefined}
        aria-describedby={error || help ? `${id}-more` : undefined}
        className={`block w-full rounded-lg border border-line bg-bg px-3 py-2 text-base leading-6 outline-none placeholder:text-muted focus:border-accent focus:ring-2 focus:ring-accent/25 aria-invalid:border-bad ${className}`}
      />
      {(error || help) && (
        <p id={`${id}-more`} className={`mt-1.5 ${error ? 'text-bad' : 'text-muted'}`}>
          {error ?? help}
        </p>
      )}
    </div>
  )
}
