import { go } from '../console/place'
import { say } from '../console/session'
import { TextArea } from '../console/TextArea'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { EditForm, Leave, Loading, Problem, Sheet, Toggle } from './parts'
import type { Article as Saved } from './rest'
import { useEdit } from './useEdit'
import { words } from './words'

type Draft = { title: string; text: string; active: boolean }

const blank: Draft = { title: '', text: '', active: true }
const draftOf = (r: Saved): Draft => ({ title: r.title, text: r.text, active: r.state === 'active' })
const bodyOf = (d: Draft) => ({ title: d.title.trim(), text: d.text, state: d.active ? 'active' : 'disabled' })

/** One article, to write or change; `new` is the id of one that is not there yet. */
export default function Article({ id }: { id: string }) {
  const a = words()
  const isNew = id === 'new'
  const edit = useEdit<Saved, Draft>({
    path: isNew ? '/knowledge' : `/knowledge/${id}`,
    ...(isNew ? { fresh: blank } : {}),
    draftOf,
    bodyOf,
    errors: { too_big: a.articleTooBig },
  })
  const { draft: d, set } = edit
  const back = () => go('/admin/knowledge', new URLSearchParams())
  const submit = async () => {
    const saved = await edit.save()
    if (saved) {
      say(a.articleSaved(saved.title))
      back()
    }
    return saved
  }
  return (
    <Sheet title={isNew ? a.articleNew : a.articleEdit} help={a.articleHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={submit} more={<Leave edit={edit} to={back} />}>
          <Field
            label={a.articleTitle}
            value={d.title}
            maxLength={200}
            required
            onChange={(e) => set({ title: e.target.value })}
          />
          <TextArea
            label={a.articleText}
            help={a.articleTextHelp}
            value={d.text}
            rows={16}
            required
            onChange={(e) => set({ text: e.target.value })}
          />
          <Toggle label={a.articleActive} checked={d.active} onChange={(active) => set({ active })} />
        </EditForm>
      )}
    </Sheet>
  )
}
