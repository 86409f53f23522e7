import { FileUp, X } from 'lucide-react'
import { useRef, useState } from 'react'
import { t } from '../shared/i18n'
import { Button, IconButton } from '../shared/ui'
import { sizeText } from './parts'
import { refusal } from './rest'
import { endings, maxFile, unfit, upload } from './upload'
import { words } from './words'

type Job = { key: number; name: string; part: number; problem?: string; done?: boolean }

let keys = 0

/** Where files become articles: dropped or chosen, sent one after the other, each with what became of it. */
export function Upload({ onDone }: { onDone: () => void }) {
  const a = words()
  const [jobs, setJobs] = useState<readonly Job[]>([])
  const [over, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const queue = useRef<Promise<void>>(Promise.resolve())
  const set = (key: number, change: Partial<Job>) =>
    setJobs((all) => all.map((j) => (j.key === key ? { ...j, ...change } : j)))

  const why = { kind: a.fileKind, big: a.fileBig(sizeText(maxFile)), empty: a.fileEmpty }
  const send = async (file: File, key: number) => {
    try {
      await upload(file, (part) => set(key, { part }))
      set(key, { part: 1, done: true })
      onDone()
    } catch (e) {
      set(key, { problem: refusal(e, { bad_field: a.fileUnreadable, too_big: why.big }) })
    }
  }
  const take = (files: Iterable<File>) => {
    for (const file of files) {
      const key = ++keys
      const reason = unfit(file)
      setJobs((all) => [...all, { key, name: file.name, part: 0, ...(reason ? { problem: why[reason] } : {}) }])
      if (!reason) queue.current = queue.current.then(() => send(file, key))
    }
  }
  return (
    <section
      aria-label={a.fileChoose}
      onDragOver={(e) => {
        e.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault()
        setOver(false)
        take(e.dataTransfer.files)
      }}
      className={`rounded-xl border border-dashed p-4 transition-colors ${over ? 'border-accent bg-soft' : 'border-line bg-bg'}`}
    >
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Button onClick={() => input.current?.click()}>
          <FileUp size={15} aria-hidden />
          {a.fileChoose}
        </Button>
        <p className="text-muted">{a.fileHelp(sizeText(maxFile))}</p>
        <input
          ref={input}
          type="file"
          hidden
          multiple
          accept={endings.join(',')}
          aria-label={a.fileChoose}
          onChange={(e) => {
            take(e.target.files ?? [])
            e.target.value = ''
          }}
        />
      </div>
      <ul aria-live="polite" className={jobs.length > 0 ? 'mt-3 flex flex-col gap-2' : ''}>
        {jobs.map((j) => (
          <li key={j.key} className="flex items-center gap-3">
            <div className="min-w-0 flex-1">
              <p className="wrap-anywhere">
                <span className="font-medium">{j.name}</span>
                {j.done && <span className="text-ok"> · {a.fileDone}</span>}
                {j.problem && <span className="text-bad"> · {j.problem}</span>}
              </p>
              {!j.done && !j.problem && (
                <progress
                  aria-label={a.fileSending(j.name)}
                  value={j.part}
                  className="mt-1 block h-1.5 w-full max-w-sm accent-accent"
                />
              )}
            </div>
            {(j.done || j.problem) && (
              <IconButton label={`${t.close}: ${j.name}`} onClick={() => setJobs((all) => all.filter((x) => x !== j))}>
                <X size={15} aria-hidden />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
