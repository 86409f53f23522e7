// Fails the build when what a page loads first, gzipped, outgrows its budget.
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'

const dist = new URL('../dist/', import.meta.url).pathname
const budgets = [
  { page: 'index.html', name: 'portal', code: 120, font: 50 },
  { page: 'widget.html', name: 'widget', code: 40 },
  { page: 'console.html', name: 'console', code: 240, font: 50 },
]
const loader = 3
const lazyChunk = 130
const size = (file) => zlib.gzipSync(fs.readFileSync(path.join(dist, file)), { level: 9 }).length / 1024

let over = false
const report = (what, used, limit) => {
  if (used > limit) over = true
  console.log(`${used > limit ? 'OVER' : 'ok  '} ${what}: ${used.toFixed(1)} of ${limit} KB gzipped`)
}
for (const { page, name, code, font } of budgets) {
  const html = fs.readFileSync(path.join(dist, page), 'utf8')
  const files = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1])
  report(
    `${name}, first load`,
    [page, ...files].reduce((sum, f) => sum + size(f), 0),
    code,
  )
  if (!font) continue
  const fonts = fs.readdirSync(path.join(dist, 'assets')).filter((f) => f.endsWith('.woff2'))
  report(
    `${name}, fonts`,
    fonts.reduce((sum, f) => sum + size(`assets/${f}`), 0),
    font,
  )
}
report('widget, loader', size('widget.js'), loader)
for (const f of fs.readdirSync(path.join(dist, 'assets')).filter((f) => f.endsWith('.js'))) {
  if (size(`assets/${f}`) > lazyChunk) report(f, size(`assets/${f}`), lazyChunk)
}
if (over) process.exit(1)
