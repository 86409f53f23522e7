/** Narrows a list to one kind, or shows it one way; what is chosen names it to the eye. */
export function Filter<V extends string>({
  label,
  value,
  options,
  groups = [],
  onChange,
}: {
  label: string
  value: V
  options: Partial<Record<V, string>>
  /** Further options, under headings. */
  groups?: readonly { label: string; options: Partial<Record<V, string>> }[]
  onChange: (v: V) => void
}) {
  return (
    <select
      aria-label={label}
      title={label}
      value={value}
      onChange={(e) => onChange(e.target.value as V)}
      className="min-h-9 max-w-full rounded-lg border border-line bg-bg px-2.5 pointer-coarse:min-h-11"
    >
      {optionsOf(options)}
      {groups.map((g) => (
        <optgroup key={g.label} label={g.label}>
          {optionsOf(g.options)}
        </optgroup>
      ))}
    </select>
  )
}

const optionsOf = (options: Partial<Record<string, string>>) =>
  Object.entries(options).map(([key, name]) => (
    <option key={key} value={key}>
      {name}
    </option>
  ))
