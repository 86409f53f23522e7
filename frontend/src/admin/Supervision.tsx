import { Eye } from 'lucide-react'
import { t } from '../shared/i18n'
import { EditForm, Loading, Problem, Sheet, Toggle } from './parts'
import type { Privacy } from './rest'
import { useEdit } from './useEdit'
import { words } from './words'

type Draft = { tell_watched: boolean; mask_personal: boolean }

const draftOf = (r: Privacy): Draft => ({
  tell_watched: r.tell_watched ?? false,
  mask_personal: r.mask_personal ?? false,
})
const bodyOf = (d: Draft) => d

/** What people are told of supervision, and what supervisors are not shown. */
export default function Supervision() {
  const a = words()
  const edit = useEdit<Privacy, Draft>({ path: '/privacy', draftOf, bodyOf })
  const { draft: d, set } = edit
  return (
    <Sheet title={a.pages.supervision} help={a.supervisionHelp}>
      {!d && <Problem text={edit.problem} retry={edit.retry} />}
      {!d && !edit.problem && <Loading />}
      {d && (
        <EditForm edit={edit} save={t.save} onSubmit={edit.save}>
          <Toggle
            label={a.tellWatched}
            checked={d.tell_watched}
            onChange={(tell_watched) => set({ tell_watched })}
            help={
              <>
                <p>{d.tell_watched ? a.tellWatchedOn : a.tellWatchedOff}</p>
                {d.tell_watched && (
                  <p className="mt-2 inline-flex items-center gap-2 rounded-lg border border-line bg-bg px-3 py-2 text-fg">
                    <Eye size={14} aria-hidden className="shrink-0 text-muted" />
                    {t.watched}
                  </p>
                )}
              </>
            }
          />
          <Toggle
            label={a.maskPersonal}
            help={a.maskPersonalHelp}
            checked={d.mask_personal}
            onChange={(mask_personal) => set({ mask_personal })}
          />
        </EditForm>
      )}
    </Sheet>
  )
}
