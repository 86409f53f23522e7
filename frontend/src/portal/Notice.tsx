import type { Portal } from '../net/api'
import { language, t } from '../shared/i18n'
import { safeURL } from '../shared/md'
import { Button } from '../shared/ui'

/** Shown until the person agrees to this version of the text, before the first message. */
export function Notice({ portal, onAccept }: { portal: Portal; onAccept: () => void }) {
  return (
    <section
      aria-label={t.noticeTitle}
      className="mx-auto flex max-w-[44rem] flex-wrap items-center justify-between gap-3 rounded-2xl border border-line bg-surface px-4 py-3"
    >
      <p className="min-w-0 flex-1 basis-72 text-sm leading-relaxed text-muted">{portal.notice.text[language]}</p>
      <div className="flex items-center gap-3">
        {portal.privacy_url && <PrivacyLink url={portal.privacy_url} />}
        <Button onClick={onAccept}>{t.noticeOK}</Button>
      </div>
    </section>
  )
}

export function PrivacyLink({ url }: { url: string }) {
  return (
    <a
      href={safeURL(url)}
      target="_blank"
      rel="noopener noreferrer"
      className="text-sm text-accent underline underline-offset-3"
    >
      {t.privacy}
    </a>
  )
}
