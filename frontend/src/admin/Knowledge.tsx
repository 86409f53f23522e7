import { Eye, EyeOff, Pencil, Plus } from 'lucide-react'
import { useState } from 'react'
import { go } from '../console/place'
import { exactly, moment } from '../shared/i18n'
import { Button, type MenuItem } from '../shared/ui'
import { Find } from './Find'
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
        <div className="mb-3">
          <Find label={a.articlesFind} onFind={setSought} />
        </div>
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
