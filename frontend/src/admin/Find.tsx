import { Search } from 'lucide-react'
import { t } from '../shared/i18n'
import { Button } from '../shared/ui'

/** Looks for words in a list. */
export function Find({
  label,
  words = '',
  onFind,
}: {
  label: string
  words?: string
  onFind: (words: string) => void
}) {
  return (
    <search className="min-w-56 flex-1">
      <form
        className="flex gap-2"
        onSubmit={(e) => {
          e.preventDefault()
          onFind(String(new FormData(e.currentTarget).get('words')).trim())
        }}
      >
        <input
          name="words"
          type="search"
          aria-label={label}
          placeholder={label}
          maxLength={80}
          defaultValue={words}
          onChange={(e) => e.target.value === '' && onFind('')}
          className="min-h-9 w-full max-w-xs rounded-lg border border-line bg-bg px-3 outline-none placeholder:text-muted focus:border-accent max-sm:text-base pointer-coarse:min-h-11"
        />
        <Button type="submit">
          <Search size={15} aria-hidden />
          {t.search}
        </Button>
      </form>
    </search>
  )
}
