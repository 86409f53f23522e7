import { EllipsisVertical, Eye, EyeOff, Pencil, Plus, Search, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { go } from '../console/place'
import { exactly, moment, t } from '../shared/i18n'
import { Button, Menu } from '../shared/ui'
import { Link } from './Link'
import { Badge, Confirm, Empty, Loading, Problem, Sheet, sizeText } from './parts'
import { type ArticleRow, change, refusal, remove } from './rest'
import { TryQuestion } from './TryQuestion'
import { Upload } from './Upload'
import { forget, hasDraft } from './useEdit'
import { useRows } from './useRows'
import { words } from './words'

/** What the distributor knows: its articles, to add, change and try. */
export function Knowledge() {
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
          <ul className="divide-y divide-line rounded-xl border border-line">
            {rows.map((r) => (
              <Row key={r.id} row={r} onState={() => void setState(r)} onRemove={() => setLeaving(r)} />
            ))}
          </ul>
        )}
        {more && (
          <Button className="mt-4" onClick={more}>
            {t.loadMore}
          </Button>
        )}
      </section>
      {leaving && (
        <Removing
          row={leaving}
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
    <li className="flex items-center gap-3 py-2 pr-2 pl-4">
      <div className="min-w-0 flex-1">
        <Link path={path} className="font-medium wrap-anywhere hover:underline">
          {r.title}
        </Link>
        <p className="mt-0.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-muted tabular-nums">
          <span>{sizeText(r.size)}</span>
          {r.changed_at && <time title={exactly(r.changed_at)}>{a.changed(moment(r.changed_at))}</time>}
        </p>
      </div>
      {hasDraft(`/knowledge/${r.id}`) && <Badge look="warn">{a.draft}</Badge>}
      <Badge look={active ? 'ok' : 'muted'}>{active ? a.inUse : a.notInUse}</Badge>
      <Menu
        label={t.options(r.title)}
        trigger={<EllipsisVertical size={16} aria-hidden />}
        className="grid size-9 place-items-center rounded-lg text-muted hover:bg-surface-2 hover:text-fg pointer-coarse:size-11"
        items={[
          {
            label: a.articleEdit,
            icon: <Pencil size={15} aria-hidden />,
            run: () => go(path, new URLSearchParams()),
          },
          {
            label: active ? a.articleOff : a.articleOn,
            icon: active ? <EyeOff size={15} aria-hidden /> : <Eye size={15} aria-hidden />,
            run: onState,
          },
          'line',
          { label: t.remove, icon: <Trash2 size={15} aria-hidden />, run: onRemove, bad: true },
        ]}
      />
    </li>
  )
}

function Removing({ row, onClose, onDone }: { row: ArticleRow; onClose: () => void; onDone: () => void }) {
  const a = words()
  const [problem, setProblem] = useState<string>()
  return (
    <Confirm
      title={a.articleRemove(row.title)}
      help={a.articleRemoveHelp}
      action={t.remove}
      problem={problem}
      onClose={onClose}
      onConfirm={async () => {
        try {
          await remove(`/knowledge/${row.id}`)
          forget(`/knowledge/${row.id}`)
          onDone()
        } catch (e) {
          setProblem(refusal(e))
        }
      }}
    />
  )
}
