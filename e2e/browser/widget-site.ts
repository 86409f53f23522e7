import { createHmac } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BrowserContext, expect, type FrameLocator, type Locator, type Page } from '@playwright/test'

/** What a page of the site is asked to be. */
export type Site = {
  /** Attributes of the script. */
  data?: Record<string, string>
  /** Calls of IXCHub before the loader is there, through the queue of the documentation. */
  early?: unknown[][]
  /** The page tells nobody where it is. */
  secretive?: boolean
  /** The script stands there twice. */
  twice?: boolean
  lang?: string
  dir?: 'rtl'
  /** Without the old scripts, on which axe itself breaks. */
  young?: boolean
}

const css = `*{all:revert!important;box-sizing:content-box!important}
html{font-size:9px}body{font-family:Georgia;margin:0}
button{background:red!important;font-size:40px!important;border:6px dashed purple!important}
ixc-hub,body~*{display:inline!important;position:static!important;opacity:.3!important;transform:rotate(9deg)!important;z-index:1!important;width:9px!important}
iframe{width:100%!important;border:9px solid lime!important}
.wall{position:fixed;inset:0;z-index:999999;pointer-events:none;outline:4px solid blue}`

// An old site's script: it changes what everything is made of, as the libraries of 2008 did.
const old = `Array.prototype.toJSON = function () { return '[broken]' }
Object.prototype.inherited = 'x'
window.$ = window.jQuery = function () { return { ready: function (f) { f() } } }
String.prototype.startsWithAny = function () { return true }`

const app = `addEventListener('click', (e) => {
  const a = e.target.closest('a[data-spa]')
  if (!a) return
  e.preventDefault()
  history.pushState(null, '', a.href)
  const body = document.createElement('body')
  const h = document.createElement('h1')
  h.textContent = a.textContent
  body.append(h)
  document.body.replaceWith(body)
})`

/** A distributor's site on an origin of its own: hostile styles, old scripts, a strict policy and Trusted Types. */
export class HostSite {
  private pages = new Map<string, Site>()
  hits: string[] = []

  private constructor(
    private readonly server: http.Server,
    private readonly hub: string,
  ) {}

  static async start(hub: string): Promise<HostSite> {
    const server = http.createServer()
    const site = new HostSite(server, hub)
    server.on('request', (req, res) => site.serve(req, res))
    await new Promise<void>((done) => server.listen(0, done))
    return site
  }

  /** localhost is another site than 127.0.0.1, where the hub is. */
  url(path = '/', name = 'localhost') {
    return `http://${name}:${(this.server.address() as AddressInfo).port}${path}`
  }

  has(path: string, site: Site) {
    this.pages.set(path, site)
  }

  async stop() {
    this.server.closeAllConnections()
    await new Promise((done) => this.server.close(done))
  }

  private serve(req: http.IncomingMessage, res: http.ServerResponse) {
    const path = new URL(req.url ?? '/', 'http://x').pathname
    this.hits.push(path)
    const files: Record<string, [string, string]> = {
      '/site.css': ['text/css', css],
      '/old.js': ['text/javascript', old],
      '/app.js': ['text/javascript', app],
    }
    const file = files[path]
    if (file) {
      res.writeHead(200, { 'content-type': file[0] })
      res.end(file[1])
      return
    }
    const site = this.pages.get(path)
    if (!site) {
      res.writeHead(404).end()
      return
    }
    const data = Object.entries(site.data ?? {})
      .map(([k, v]) => ` data-${k}="${v}"`)
      .join('')
    const script = `<script async src="${this.hub}/widget.js"${data}></script>`
    const early = site.early
      ? `<script nonce="n">window.IXCHub=window.IXCHub||function(){(IXCHub.q=IXCHub.q||[]).push([].slice.call(arguments))};for(const c of ${JSON.stringify(site.early)})IXCHub(...c)</script>`
      : ''
    res.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; script-src 'self' 'nonce-n' ${this.hub}; frame-src ${this.hub}; style-src 'self'; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'`,
      ...(site.secretive ? { 'referrer-policy': 'no-referrer' } : {}),
    })
    res.end(`<!doctype html><html lang="${site.lang ?? 'pt-BR'}"${site.dir ? ` dir="${site.dir}"` : ''}><head><title>Provedor</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/site.css">
<meta name="viewport" content="width=device-width, initial-scale=1">${site.young ? '' : '<script src="/old.js"></script>'}<script src="/app.js"></script>${early}</head>
<body><h1>Provedor</h1><p id="text">${'Texto do site. '.repeat(200)}</p><a href="/dois?cpf=1#x" data-spa>Dois</a> <a href="/outra">Outra</a>
<button id="abrir">Falar com a gente</button><div class="wall"></div>${script}${site.twice ? script : ''}</body></html>`)
  }
}

/** The widget as a visitor uses it. */
export class Widget {
  readonly frame: FrameLocator
  readonly launcher: Locator
  readonly box: Locator
  readonly answers: Locator
  readonly mine: Locator

  constructor(readonly page: Page) {
    this.frame = page.frameLocator('ixc-hub iframe')
    this.launcher = page.locator('ixc-hub button.l')
    this.box = this.frame.getByRole('textbox', { name: /Escreva|Write/ })
    this.answers = this.frame.getByRole('article', { name: /^(Assistente|Assistant)$/ })
    this.mine = this.frame.getByRole('article', { name: /^(Você|You)$/ })
  }

  async open() {
    await this.launcher.click()
    await expect(this.box).toBeVisible()
  }

  async ask(text: string) {
    await this.box.fill(text)
    await this.frame.getByRole('button', { name: /^(Enviar|Send)$/ }).click()
  }

  async answered(n = 1) {
    await expect(this.answers).toHaveCount(n)
    await expect(this.answers.last()).toHaveAttribute('aria-busy', 'false')
    await expect(this.frame.getByRole('button', { name: /Enviar|Send/ })).toBeVisible()
  }

  /** Calls IXCHub in the page; what it throws fails the test. */
  call(...args: unknown[]) {
    return this.page.evaluate(
      (a) => void (window as unknown as { IXCHub: (...a: unknown[]) => unknown }).IXCHub(...a),
      args,
    )
  }

  /** Notes the events that the page hears. */
  async listen(...names: string[]) {
    await this.page.evaluate((names) => {
      const w = window as unknown as { heard: unknown[]; IXCHub: (...a: unknown[]) => unknown }
      w.heard = []
      for (const n of names) w.IXCHub('on', n, (detail: unknown) => w.heard.push([n, detail]))
    }, names)
  }

  heard(): Promise<[string, unknown][]> {
    return this.page.evaluate(() => (window as unknown as { heard: [string, unknown][] }).heard)
  }
}

/** Collects what the pages did wrong; lines of the widget itself go to `said`. */
export function watch(context: BrowserContext) {
  const faults: string[] = []
  const said: string[] = []
  context.on('console', (m) => {
    if (m.text().startsWith('IXC AI Hub:')) said.push(`${m.type()} ${m.text()}`)
    else if (m.type() === 'error' && !/net::ERR|WebSocket connection|status of (401|404|422|429)/.test(m.text()))
      faults.push(m.text())
  })
  context.on('weberror', (e) => faults.push(String(e.error())))
  return { faults, said }
}

/** A proof of identity as a distributor's server signs it. */
export function sign(secret: string, claims: Record<string, unknown>): string {
  const part = (v: unknown) => Buffer.from(JSON.stringify(v)).toString('base64url')
  const head = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1000) + 1800, ...claims })}`
  return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
}
