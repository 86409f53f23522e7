import { cleanup, render } from '@testing-library/react'
import fc from 'fast-check'
import type { Token } from 'marked'
import { afterEach, describe, expect, it } from 'vitest'
import { Markdown } from './Markdown'
import { BlockStream, mend, safeURL } from './md'

afterEach(cleanup)

const fragments = [
  'Olá **mundo**',
  '\n\n',
  '\n',
  '- um\n- dois\n',
  '1. a\n',
  '2. b\n',
  '   c\n',
  '# Título\n',
  '```go\nfunc main() {}\n',
  '```\n',
  '| a | b |\n|---|--:|\n| 1 | 2 |\n',
  '> citação\n',
  '[link](https://x.br/a_b)',
  '`código`',
  '***',
  '---\n',
  '<b>não</b>',
  '![img](http://x/y.png)',
  '* ',
  '~~x~~',
  'https://ixc.example/a?b=c',
  '[ref][1]',
  '\n[1]: https://ref.example\n',
  '    recuado\n',
  '- [x] feito\n',
  '😀',
]
const text = fc.array(fc.constantFrom(...fragments), { maxLength: 25 }).map((f) => f.join(''))
const strip = (tokens: Token[]) => tokens.map((t) => ({ type: t.type, raw: t.raw }))

describe('a growing text', () => {
  it('has at its end the blocks of the whole text', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 9 }), (whole, step) => {
        const stream = new BlockStream()
        for (let n = 0; n < whole.length; n += step) stream.blocks(whole.slice(0, n))
        expect(strip(stream.end(whole))).toEqual(strip(new BlockStream().end(whole)))
      }),
      { numRuns: 200 },
    )
  })

  it('loses no text while it grows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('Olá mundo.', '\n\n', '- um\n', '1. a\n', '2. b\n', '# T\n', '---\n'), {
          maxLength: 30,
        }),
        (parts) => {
          const stream = new BlockStream()
          let whole = ''
          for (const p of parts) {
            whole += p
            const raw = stream
              .blocks(whole)
              .map((t) => t.raw)
              .join('')
            expect(raw.replace(/\s+/g, '')).toBe(whole.replace(/\s+/g, ''))
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('does not split a list that continues after a blank line', () => {
    const stream = new BlockStream()
    const whole = 'Passos:\n\n1. um\n\n2. dois\n\n3. três'
    let last: Token[] = []
    for (let n = 1; n <= whole.length; n++) last = stream.blocks(whole.slice(0, n))
    expect(last.filter((t) => t.type === 'list')).toHaveLength(1)
  })

  it.each([
    ['um **neg', 'um **neg**'],
    ['um **', 'um '],
    ['use `cod', 'use `cod`'],
    ['use `', 'use '],
    ['veja [o site', 'veja o site'],
    ['veja [o site](https://ix', 'veja o site'],
    ['- [', '- ['],
    ['```go\na ** b', '```go\na ** b'],
    ['pronto **x** fim', 'pronto **x** fim'],
  ])('mends %j to %j', (open, mended) => expect(mend(open)).toBe(mended))
})

describe('what is rendered', () => {
  it('keeps HTML as text', () => {
    const { container } = render(
      <Markdown text={'<img src=x onerror=alert(1)> e <script>alert(1)</script>\n\n<iframe src="//e"></iframe>'} />,
    )
    expect(container.querySelector('img, script, iframe')).toBeNull()
    expect(container.textContent).toContain('<img src=x onerror=alert(1)>')
  })
  it('makes no image, only its description', () => {
    const { container } = render(<Markdown text="![mapa](https://evil.example/pixel.png)" />)
    expect(container.querySelector('img')).toBeNull()
    expect(container.textContent).toBe('[mapa]')
  })
  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    '//evil.example',
    '/p/alfa',
    ' \u0001javascript:x',
  ])('does not link %j', (url) => {
    expect(safeURL(url)).toBeUndefined()
    const { container } = render(<Markdown text={`[clique](<${url}>)`} />)
    expect(container.querySelector('a')).toBeNull()
    expect(container.textContent).toContain('clique')
  })
  it('opens links elsewhere, without a referrer or an opener', () => {
    const { container } = render(<Markdown text="[site](https://ixc.example)" />)
    const a = container.querySelector('a')
    expect(a?.getAttribute('rel')).toContain('noopener')
    expect(a?.getAttribute('rel')).toContain('noreferrer')
    expect(a?.target).toBe('_blank')
  })
  it('renders tables, code, lists and tasks', () => {
    const { container } = render(
      <Markdown
        text={
          '| a | b |\n|:-:|--:|\n| 1 | `2` |\n\n```sh\nls -la\n```\n\n3. três\n4. quatro\n\n- [x] feito\n- [ ] falta'
        }
      />,
    )
    expect(container.querySelectorAll('td')).toHaveLength(2)
    expect(container.querySelector('td[data-align=right] code')?.textContent).toBe('2')
    expect(container.querySelector('pre code')?.textContent).toBe('ls -la')
    expect(container.querySelector('ol')?.start).toBe(3)
    expect(container.querySelectorAll('input[type=checkbox]')).toHaveLength(2)
  })
  it('resolves a link whose definition came last', () => {
    const text = 'Veja [o manual][1].\n\n[1]: https://ixc.example/manual'
    const { container, rerender } = render(<Markdown text={text} growing />)
    rerender(<Markdown text={text} />)
    expect(container.querySelector('a')?.href).toBe('https://ixc.example/manual')
  })
  it('never throws and shows every word, whatever the text', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (whole, growing) => {
        const { unmount } = render(<Markdown text={whole} growing={growing} />)
        unmount()
      }),
      { numRuns: 60 },
    )
  })
})
