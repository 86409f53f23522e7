import { Lexer, type Token, type TokensList } from 'marked'

/** Links to these are made, everything else stays text. */
const linkable = /^(https?:\/\/|mailto:|tel:)/i

export function safeURL(url: string | undefined): string | undefined {
  const u = url?.trim() ?? ''
  return linkable.test(u) ? u : undefined
}

/**
 * Splits a growing text into blocks. Blocks that can't change any more are frozen, so that a piece of text costs the
 * length of the end and not of the whole. When the text is complete, end() reads it once as a whole, because
 * definitions of links count for the document.
 */
export class BlockStream {
  private frozen: Token[] = []
  private links: TokensList['links'] = {}
  private offset = 0
  private text = ''

  /** The blocks of the text so far, with an unfinished end mended. */
  blocks(text: string): Token[] {
    if (!text.startsWith(this.text.slice(0, this.offset))) this.reset()
    this.text = text
    const tail = this.lex(mend(text.slice(this.offset)))
    const keep = settled(tail)
    if (keep > 0) {
      const done = tail.slice(0, keep)
      this.frozen = [...this.frozen, ...done]
      this.offset += done.reduce((n, t) => n + t.raw.length, 0)
    }
    return [...this.frozen, ...tail.slice(keep)]
  }

  /** The blocks of the complete text. */
  end(text: string): Token[] {
    this.reset()
    return this.lex(text)
  }

  private reset() {
    this.frozen = []
    this.links = {}
    this.offset = 0
    this.text = ''
  }

  private lex(text: string): Token[] {
    const lexer = new Lexer({ gfm: true })
    lexer.tokens.links = this.links
    return [...lexer.lex(text)]
  }
}

/**
 * How many blocks at the beginning no further text can change. A list may be continued across the block that follows
 * it, so the last two blocks with content stay open.
 */
function settled(blocks: Token[]): number {
  let content = 0
  for (let i = blocks.length - 1; i >= 0; i--) {
    if (blocks[i]!.type !== 'space' && ++content === 2) return i
  }
  return 0
}

/** Closes what is open at the end of a text that is still growing: bold, code, links. */
export function mend(text: string): string {
  const start = text.lastIndexOf('\n\n') + 1
  const end = text.slice(start)
  if (/^ {0,3}(```|~~~)/m.test(text) && openFence(text)) return text
  const bare = end.replace(/`[^`\n]*`/g, (s) => ' '.repeat(s.length))
  const tick = bare.lastIndexOf('`')
  if (tick >= 0 && !/^ {0,3}`{1,3}[^`]*$/.test(bare.slice(bare.lastIndexOf('\n') + 1))) {
    return bare.length - 1 === tick ? text.slice(0, -1) : `${text}\``
  }
  const link = /!?\[([^\]\n]*)(\]\([^)\s]*)?$/.exec(bare)
  let out = text
  if (link && link[2] !== undefined) out = text.slice(0, text.length - link[2].length).replace(/!?\[([^[]*)$/, '$1')
  else if (link && !/^\s*([-*+]|\d+[.)])\s+\[[ xX]?$/.test(bare.slice(bare.lastIndexOf('\n') + 1))) {
    out = text.slice(0, start + link.index) + text.slice(start + link.index).replace(/^!?\[/, '')
  }
  const paragraph = bare.replace(/\\[*_]/g, '  ').replace(/^\s*\*\s/gm, '')
  if ((paragraph.match(/\*\*/g)?.length ?? 0) % 2 === 1) {
    return /\*\*\s*$/.test(out) ? out.replace(/\*\*\s*$/, '') : `${out.replace(/\*$/, '').trimEnd()}**`
  }
  return out
}

/** Whether the text ends inside a fenced block. */
function openFence(text: string): boolean {
  let fence: string | undefined
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (!mark) continue
    if (fence === undefined) fence = mark
    else if (mark.startsWith(fence) && line.trim() === mark) fence = undefined
  }
  return fence !== undefined
}
