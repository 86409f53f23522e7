import { Check, Copy } from 'lucide-react'
import type { Token, Tokens } from 'marked'
import { Fragment, memo, type ReactNode, useRef, useState } from 'react'
import { t } from './i18n'
import { BlockStream, safeURL } from './md'

/**
 * Text of a model or a person as elements. Nothing is ever parsed as HTML: tags stay text, images become their
 * description (a page never asks a third party for anything), and only plain links are links.
 */
export const Markdown = memo(function Markdown({ text, growing = false }: { text: string; growing?: boolean }) {
  const stream = useRef<BlockStream>(undefined)
  stream.current ??= new BlockStream()
  const blocks = growing ? stream.current.blocks(text) : stream.current.end(text)
  // Only a definition of a link can give a block of the same text another meaning once the whole is read.
  const reread = !growing && blocks.some((b) => b.type === 'def')
  return blocks.map((token, i) => (
    // Blocks only grow at the end, so the place is the identity.
    <Block key={i} token={token} reread={reread} />
  ))
})

// A block is its raw text, so that of a long answer only the end is drawn again.
const Block = memo(
  ({ token }: { token: Token; reread: boolean }) => block(token, 0),
  (a, b) => a.token.raw === b.token.raw && a.token.type === b.token.type && a.reread === b.reread,
)

function block(token: Token, key: number): ReactNode {
  switch (token.type) {
    case 'space':
    case 'def':
      return null
    case 'heading': {
      // The first level is the page's own.
      const Tag = `h${Math.min(6, (token as Tokens.Heading).depth + 1)}` as 'h3'
      return <Tag key={key}>{inline(token.tokens)}</Tag>
    }
    case 'paragraph':
      return <p key={key}>{inline(token.tokens)}</p>
    case 'code':
      return <Code key={key} language={(token as Tokens.Code).lang ?? ''} text={(token as Tokens.Code).text} />
    case 'hr':
      return <hr key={key} />
    case 'blockquote':
      return <blockquote key={key}>{token.tokens?.map(block)}</blockquote>
    case 'list':
      return list(token as Tokens.List, key)
    case 'table':
      return table(token as Tokens.Table, key)
    case 'text':
      return <Fragment key={key}>{inline((token as Tokens.Text).tokens ?? [token])}</Fragment>
    default:
      return <p key={key}>{token.raw}</p>
  }
}

function list(l: Tokens.List, key: number): ReactNode {
  const items = l.items.map((item, i) => (
    <li key={i} className={item.task ? 'task' : undefined}>
      {item.task && <input type="checkbox" checked={item.checked ?? false} disabled aria-label={item.text} />}
      {item.tokens.filter((x) => x.type !== 'checkbox').map(block)}
    </li>
  ))
  return l.ordered ? (
    <ol key={key} start={l.start === 1 || l.start === '' ? undefined : l.start}>
      {items}
    </ol>
  ) : (
    <ul key={key}>{items}</ul>
  )
}

function table(token: Tokens.Table, key: number): ReactNode {
  const cell = (c: Tokens.TableCell, i: number, Tag: 'th' | 'td') => (
    <Tag key={i} data-align={c.align ?? undefined} scope={Tag === 'th' ? 'col' : undefined}>
      {inline(c.tokens)}
    </Tag>
  )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section key={key} className="md-table" tabIndex={0} aria-label={t.table}>
      <table>
        <thead>
          <tr>{token.header.map((c, i) => cell(c, i, 'th'))}</tr>
        </thead>
        <tbody>
          {token.rows.map((row, i) => (
            <tr key={i}>{row.map((c, j) => cell(c, j, 'td'))}</tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function inline(tokens: Token[] | undefined): ReactNode {
  return tokens?.map((token, key) => {
    switch (token.type) {
      case 'strong':
        return <strong key={key}>{inline(token.tokens)}</strong>
      case 'em':
        return <em key={key}>{inline(token.tokens)}</em>
      case 'del':
        return <del key={key}>{inline(token.tokens)}</del>
      case 'codespan':
        return <code key={key}>{token.text}</code>
      case 'br':
        return <br key={key} />
      case 'link': {
        const href = safeURL(token.href)
        if (!href) return <Fragment key={key}>{inline(token.tokens)}</Fragment>
        return (
          <a key={key} href={href} target="_blank" rel="noopener noreferrer nofollow ugc">
            {inline(token.tokens)}
          </a>
        )
      }
      case 'image':
        return <Fragment key={key}>[{token.text || t.image}]</Fragment>
      case 'checkbox':
        return null // the list item shows it
      case 'text':
        return <Fragment key={key}>{token.tokens ? inline(token.tokens) : token.text}</Fragment>
      case 'escape':
        return <Fragment key={key}>{token.text}</Fragment>
      default:
        return <Fragment key={key}>{token.raw}</Fragment>
    }
  })
}

function Code({ language, text }: { language: string; text: string }) {
  const name = language.split(/\s/)[0] || t.code
  return (
    <figure className="md-code">
      <figcaption>
        <span>{name}</span>
        <CopyButton text={text} label={t.copyCode} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  )
}

function CopyButton({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false)
  const copy = async () => {
    if (!(await copyText(text))) return
    setDone(true)
    setTimeout(() => setDone(false), 1500)
  }
  return (
    <button type="button" aria-label={label} onClick={copy}>
      {done ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      {done ? t.copied : t.copy}
    </button>
  )
}

/** Copies a text; false where the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
