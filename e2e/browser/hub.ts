import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import { test as base, type BrowserContext, expect, type Page } from '@playwright/test'
import { binary } from './build.ts'
import { Model } from './model.ts'
import { Line } from './line.ts'

export { expect } from '@playwright/test'

/** The program as a test runs it. */
export class Hub {
  private constructor(
    private readonly process: ChildProcess,
    private readonly data: string,
    readonly url: string,
  ) {}

  static async start(env: Record<string, string>): Promise<Hub> {
    const data = fs.mkdtempSync(path.join(os.tmpdir(), 'aihub-browser-'))
    const child = spawn(binary, {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, AIHUB_ADDR: '127.0.0.1:0', AIHUB_DATA: data, AIHUB_DRAIN: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const url = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the program does not serve:\n${output}`)), 60_000)
      const read = (chunk: Buffer) => {
        output += chunk
        const found = /serves on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1]
        if (!found) return
        clearTimeout(timer)
        resolve(found)
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.on('exit', (code) => reject(new Error(`the program ended with ${code}:\n${output}`)))
    })
    return new Hub(child, data, url)
  }

  /** The REST interface as one person uses it. */
  async as(email: string): Promise<Rest> {
    const slug = /@(\w+)\./.exec(email)![1]!
    const call = async <T>(method: string, path: string, body?: object, token?: string): Promise<T> => {
      const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
      const r = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) })
      const text = await r.text()
      if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${text}`)
      return (text ? JSON.parse(text) : undefined) as T
    }
    const { access_token } = await call<{ access_token: string }>('POST', '/auth/login', { tenant: slug, email, password })
    return (method, path, body) => call(method, path, body, access_token)
  }

  get port() {
    return Number(new URL(this.url).port)
  }

  async stop() {
    const ended = new Promise((done) => this.process.once('exit', done))
    this.process.kill('SIGTERM')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(timer)
    fs.rmSync(this.data, { recursive: true, force: true })
  }
}

/** A call of one person; what it answers is not looked at by the compiler. */
// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect
export type Rest = (method: string, path: string, body?: object) => Promise<any>

export type Fixtures = {
  hubEnv: Record<string, string>
  model: Model
  hub: Hub
  line: Line
  /** What the pages did wrong: script errors, refusals of the content policy, requests to other servers. */
  faults: string[]
  portal: Portal
}

export const test = base.extend<Fixtures>({
  hubEnv: [{}, { option: true }],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from the pattern
  model: async ({}, use) => {
    const model = await Model.start()
    await use(model)
    await model.stop()
  },
  hub: async ({ model, hubEnv }, use) => {
    const hub = await Hub.start({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', OPENAI_MODEL: 'modelo', ...hubEnv })
    await use(hub)
    await hub.stop()
  },
  line: async ({ hub }, use) => {
    const line = await Line.start(hub.port)
    await use(line)
    await line.stop()
  },
  faults: async ({ context }, use) => {
    const faults: string[] = []
    watch(context, faults)
    await use(faults)
    expect(faults).toEqual([])
  },
  portal: async ({ page, line, faults: _ }, use) => {
    await use(new Portal(page, line.url))
  },
})

function watch(context: BrowserContext, faults: string[]) {
  context.on('console', (m) => {
    // A line that the test cut, and a refusal that the page handles, are not faults of the page.
    if (m.type() === 'error' && !/net::ERR|WebSocket connection|status of (401|404|409|412|413|422|429)/.test(m.text())) faults.push(m.text())
  })
  context.on('weberror', (e) => faults.push(String(e.error())))
  context.on('request', (r) => {
    if (!/^(http:\/\/127\.0\.0\.1:\d+\/|blob:|data:)/.test(r.url())) faults.push(`request to ${r.url()}`)
  })
}

export const password = 'demo-aihub'

/** The portal as a person uses it. */
export class Portal {
  constructor(
    readonly page: Page,
    readonly url: string,
  ) {}

  get box() {
    return this.page.getByRole('textbox', { name: /Pergunte alguma coisa|Escreva para/ })
  }
  get send() {
    return this.page.getByRole('button', { name: 'Enviar', exact: true })
  }
  get stop() {
    return this.page.getByRole('button', { name: 'Parar', exact: true })
  }
  get answers() {
    return this.page.getByRole('article', { name: 'Assistente' })
  }
  get answer() {
    return this.answers.last()
  }
  get questions() {
    return this.page.getByRole('article', { name: 'Você' })
  }

  async login(email = 'usuario@alfa.example', slug = 'alfa') {
    await this.page.goto(`${this.url}/p/${slug}`)
    await this.page.getByLabel('E-mail').fill(email)
    await this.page.getByLabel('Senha', { exact: true }).fill(password)
    await this.page.getByRole('button', { name: 'Entrar' }).click()
    await expect(this.box).toBeVisible()
    await this.agree()
  }

  /** Agrees to the notice where it is shown: the person is asked once, whatever the device. */
  async agree() {
    const notice = this.page.getByRole('button', { name: 'Entendi' })
    if (await notice.isVisible()) await notice.click()
    await expect(notice).toBeHidden()
  }

  async ask(question: string) {
    await this.box.fill(question)
    await expect(this.send).toBeEnabled()
    await this.send.click()
  }

  /** Waits until the answer is complete: it can be copied and nothing is being written. */
  async answered(n = 1, timeout = 30_000) {
    await expect(this.answers).toHaveCount(n)
    await expect(this.answer).not.toHaveAttribute('aria-busy', 'true', { timeout })
    await expect(this.send).toBeVisible()
  }

  /** The answer's whole text as the copy button gives it. */
  async copied(): Promise<string> {
    await this.page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await this.answer.getByRole('button', { name: 'Copiar resposta' }).click()
    return this.page.evaluate(() => navigator.clipboard.readText())
  }
}

/** No accessibility violation that axe can find, in both themes. */
export async function accessible(page: Page) {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    // The other theme is on the screen when two frames have been drawn.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
    const { violations } = await new AxeBuilder({ page }).analyze()
    const found = violations.map((v) => `${colorScheme} ${v.id}: ${v.nodes.map((n) => `${n.html} ${n.any[0]?.message ?? ''}`).join(' | ')}`)
    expect(found).toEqual([])
  }
}

/** Nothing sticks out to the side. */
export async function fits(page: Page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(wide).toBeLessThanOrEqual(0)
}
