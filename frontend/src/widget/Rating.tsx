import { useState } from 'react'
import { t } from '../shared/i18n'
import { rate } from './store'

/** What the visitor thinks of a conversation that has ended. */
export function Rating() {
  const [score, setScore] = useState(0)
  const [text, setText] = useState('')
  const [sent, setSent] = useState(false)
  if (sent) return <p className="note">{t.feedbackThanks}</p>
  return (
    <form
      className="rating"
      onSubmit={async (e) => {
        e.preventDefault()
        setSent(await rate(score, text.trim()))
      }}
    >
      <fieldset>
        <legend>{t.rate}</legend>
        {t.rateScores.map((name, i) => (
          <button
            key={name}
            type="button"
            aria-label={`${i + 1}: ${name}`}
            title={name}
            aria-pressed={score === i + 1}
            onClick={() => setScore(i + 1)}
          >
            {i + 1}
          </button>
        ))}
      </fieldset>
      {score > 0 && (
        <>
          <textarea
            aria-label={t.rateHint}
            placeholder={t.rateHint}
            rows={2}
            maxLength={1000}
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
          />
          <button type="submit" className="link">
            {t.feedbackSend}
          </button>
        </>
      )}
    </form>
  )
}
