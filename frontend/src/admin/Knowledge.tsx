import { Eye, EyeOff, Pencil, Plus, Search } from 'lucide-react'
import { useState } from 'react'
import { go } from '../console/place'
import { exactly, moment, t } from '../shared/i18n'
import { Button, type MenuItem } from '../shared/ui'
import { Item, Items } from './Item'
import { Sheet, sizeText } from './parts'
import { type ArticleRow, change, refusal } from './rest'
import { TryQuestion } from './TryQuestion'
import { Upload } from './Upload'
import { hasDraft } from './useEdit'
import { useRows } from './useRows'
import { words } from './words'

/** What the distributor knows: its articles, to add, change and try. */
export default function Knowledge() {
  const a = words()
  const [sought, setSought] = useState('')
  const rows = useRows<ArticleRow>(`/knowledge${sought ? `?words=${encodeURIComponent(sought)}` : ''}`)

  const setState = async (r: ArticleRow) => {
    try {
      await change(`/knowledge/${r.id}`, { state: r.state === 'active' ? 'disabled' : 'active' })
      await rows.reload()
    } catch (e) {
      rows.setProblem(refusal(e))
    }
  }
  return (
    <Sheet
      title={a.pages.knowledge}
      help={a.knowledgeHelp}
      action={
        <Button onClick={() => go('/admin/knowledge/new', new URLSearchParams())}>
          <Plus size={15} aria-hidden />
          {a.articleNew}
        </Button>
      }
    >
      <Upload onDone={() => void rows.reload()} />
      <TryQuestion />
      <section aria-label={a.articles} className="mt-8">
        <Find onFind={setSought} />
        <Items
          of={rows}
          empty={sought ? a.articlesNone : a.articlesEmpty}
          nameOf={(r) => r.title}
          pathOf={(r) => `/knowledge/${r.id}`}
          removeHelp={a.articleRemoveHelp}
        >
          {(r, removal) => <Row key={r.id} row={r} onState={() => void setState(r)} removal={removal} />}
        </Items>
      </section>
    </Sheet>
  )
}

function Find({ onFind }: { onFind: (words: string) => void }) {
  const a = words()
  return (
    <search>
      <form
        className="mb-3 flex gap-2"
        onSubmit={(e) => {
          e.preventDefault()
          onFind(String(new FormData(e.currentTarget).get('words')).trim())
        }}
      >
        <input
          name="words"
          type="search"
          aria-label={a.articlesFind}
          placeholder={a.articlesFind}
          maxLength={100}
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

function Row({ row: r, onState, removal }: { row: ArticleRow; onState: () => void; removal: MenuItem }) {
  const a = words()
  const path = `/admin/knowledge/${r.id}`
  const active = r.state === 'active'
  return (
    <Item
      path={path}
      name={r.title}
      about={
        <>
          <span>{sizeText(r.size)}</span>
          {r.changed_at && <time title={exactly(r.changed_at)}>{a.changed(moment(r.changed_at))}</time>}
        </>
      }
      active={active}
      draft={hasDraft(`/knowledge/${r.id}`)}
      menu={[
        { label: a.articleEdit, icon: <Pencil size={15} aria-hidden />, run: () => go(path, new URLSearchParams()) },
        {
          label: active ? a.articleOff : a.articleOn,
          icon: active ? <EyeOff size={15} aria-hidden /> : <Eye size={15} aria-hidden />,
          run: onState,
        },
        'line',
        removal,
      ]}
    />
  )
}
