import { Eye, EyeOff, Pencil, Plus, Search, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { go } from '../console/place'
import { exactly, moment, t } from '../shared/i18n'
import { Button } from '../shared/ui'
import { Delete } from './Delete'
import { Item, Items } from './Item'
import { Empty, Loading, Problem, Sheet, sizeText } from './parts'
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
  const { rows, problem, setProblem, reload, more } = useRows<ArticleRow>(
    `/knowledge${sought ? `?words=${encodeURIComponent(sought)}` : ''}`,
  )
  const [leaving, setLeaving] = useState<ArticleRow>()

  const setState = async (r: ArticleRow) => {
    try {
      await change(`/knowledge/${r.id}`, { state: r.state === 'active' ? 'disabled' : 'active' })
      await reload()
    } catch (e) {
      setProblem(refusal(e))
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
      <Upload onDone={() => void reload()} />
      <TryQuestion />
      <section aria-label={a.articles} className="mt-8">
        <Find onFind={setSought} />
        <Problem text={problem} retry={rows ? undefined : () => void reload()} />
        {!rows && !problem && <Loading />}
        {rows?.length === 0 && <Empty>{sought ? a.articlesNone : a.articlesEmpty}</Empty>}
        {rows && rows.length > 0 && (
          <Items>
            {rows.map((r) => (
              <Row key={r.id} row={r} onState={() => void setState(r)} onRemove={() => setLeaving(r)} />
            ))}
          </Items>
        )}
        {more && (
          <Button className="mt-4" onClick={more}>
            {t.loadMore}
          </Button>
        )}
      </section>
      {leaving && (
        <Delete
          path={`/knowledge/${leaving.id}`}
          name={leaving.title}
          help={a.articleRemoveHelp}
          onClose={() => setLeaving(undefined)}
          onDone={() => {
            setLeaving(undefined)
            void reload()
          }}
        />
      )}
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

function Row({ row: r, onState, onRemove }: { row: ArticleRow; onState: () => void; onRemove: () => void }) {
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
        { label: t.remove, icon: <Trash2 size={15} aria-hidden />, run: onRemove, bad: true },
      ]}
    />
  )
}
