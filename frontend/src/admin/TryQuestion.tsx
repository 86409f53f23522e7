import { MessageCircleQuestion } from 'lucide-react'
import { useState } from 'react'
import { Field } from '../shared/Field'
import { Button } from '../shared/ui'
import { Link } from './Link'
import { Part, Problem } from './parts'
import { list, type Passage, refusal } from './rest'
import { words } from './words'

/** What an answer to a question would be given of the articles: the passages, numbered as answers cite them. */
export function TryQuestion() {
  const a = words()
  const [found, setFound] = useState<readonly Passage[]>()
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)

  const find = async (question: string) => {
    if (!question || busy) return
    setBusy(true)
    try {
      setFound((await list<Passage>(`/knowledge/passages?question=${encodeURIComponent(question)}`)).items)
      setProblem(undefined)
    } catch (e) {
      setProblem(refusal(e))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Part title={a.tryTitle} help={a.tryHelp}>
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(e) => {
          e.preventDefault()
          void find(String(new FormData(e.currentTarget).get('question')).trim())
        }}
      >
        <div className="min-w-56 flex-1">
          <Field label={a.tryQuestion} name="question" maxLength={1000} required />
        </div>
        <Button type="submit" className="min-h-11" disabled={busy}>
          <MessageCircleQuestion size={15} aria-hidden />
          {a.tryAction}
        </Button>
      </form>
      <div aria-live="polite" className="mt-3">
        <Problem text={problem} />
        {found?.length === 0 && <p className="text-muted">{a.tryNothing}</p>}
        {found && found.length > 0 && (
          <ol className="flex flex-col gap-2">
            {found.map((p, i) => (
              <li key={i} className="rounded-xl border border-line bg-bg p-3">
                <p className="font-medium">
                  <span className="text-muted">[{i + 1}] </span>
                  <Link path={`/admin/knowledge/${p.article}`} className="hover:underline">
                    {p.title}
                  </Link>
                </p>
                <p className="mt-1 line-clamp-6 text-muted whitespace-pre-wrap wrap-anywhere">{p.text}</p>
              </li>
            ))}
          </ol>
        )}
      </div>
    </Part>
  )
}
