import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { expect, type Page } from '@playwright/test'
import { sign, Widget, watch } from './widget-site.ts'
import { options, phone, test } from './widget-test.ts'

// What the page around can do to the widget and to its visitors, and what the widget does to the page.

test.use(options)

/** Calls the REST interface; the distributor's administrator or supervisor by name. */
async function api(hub: string, who: string, method: string, path: string, body?: object) {
  const call = (path: string, method: string, body?: object, token?: string) =>
    fetch(`${hub}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  const login = await call('/auth/login', 'POST', { tenant: 'alfa', email: `${who}@alfa.example`, password: 'demo-aihub' })
  const { access_token } = (await login.json()) as { access_token: string }
  const r = await call(path, method, body, access_token)
  expect(r.ok, await r.clone().text()).toBe(true)
  return r.json()
}

const scrolled = (page: Page) => page.evaluate(() => scrollY)

for (const [name, without] of [
  ['a close request of the browser', false],
  ['its own entry in the history, where the browser has no close requests', true],
] as const)
  test(`Back closes the chat on a phone and not the page: ${name}`, async ({ browser, site, keys }) => {
    const context = await browser.newContext({ ...phone, locale: 'pt-BR' })
    const { faults } = watch(context)
    const page = await context.newPage()
    const widget = new Widget(page)
    await page.addInitScript((without) => {
      const w = window as unknown as { CloseWatcher?: new () => EventTarget; last?: EventTarget }
      if (without) delete w.CloseWatcher
      else if (w.CloseWatcher)
        w.CloseWatcher = class extends w.CloseWatcher {
          constructor() {
            super()
            w.last = this
          }
        }
    }, without)
    site.has('/antes', { data: { key: keys.alfa } })
    await page.goto(site.url('/antes'))
    await page.goto(site.url('/?x=1#y'))
    await expect(widget.launcher).toBeVisible()
    await page.evaluate(() => scrollTo(0, 300))
    const at = await scrolled(page)
    expect(at).toBeGreaterThan(0)
    const entries = await page.evaluate(() => history.length)
    for (let round = 0; round < 2; round++) {
      await widget.launcher.tap()
      await expect(widget.box).toBeVisible()
      await page.mouse.wheel(0, 500) // the page behind stays where it is
      expect(await scrolled(page)).toBe(at)
      if (without) await page.goBack()
      else
        await page.evaluate(() => (window as unknown as { last: { requestClose(): void } }).last.requestClose())
      await expect(page.locator('ixc-hub iframe')).toBeHidden()
      expect(page.url()).toBe(site.url('/?x=1#y'))
      expect(await page.evaluate(() => [document.body.inert, getComputedStyle(document.documentElement).overflow])).toEqual([false, 'visible'])
      expect(await scrolled(page)).toBe(at)
    }
    await widget.launcher.tap()
    await widget.frame.getByRole('button', { name: 'Fechar chat' }).tap()
    await expect(page.locator('ixc-hub iframe')).toBeHidden()
    expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(entries + 1)
    await page.waitForTimeout(300)
    expect(page.url()).toBe(site.url('/?x=1#y'))
    await page.goBack() // and now the page before
    await expect(page).toHaveURL(site.url('/antes'))
    await context.close()
    expect(faults).toEqual([])
  })

test('a page from right to left keeps its own direction and the chat its', async ({ page, site, keys, widget }) => {
  site.has('/rtl', { data: { key: keys.alfa, locale: 'pt-BR' }, dir: 'rtl', lang: 'ar' })
  await page.goto(site.url('/rtl'))
  expect(await widget.launcher.evaluate((b) => b.getBoundingClientRect().right)).toBe(1260)
  await widget.open()
  expect(await page.locator('ixc-hub iframe').evaluate((f) => f.getBoundingClientRect().toJSON())).toMatchObject({ width: 390, right: 1260 })
  await widget.ask('Olá')
  await widget.answered()
  expect(await widget.frame.locator('html').evaluate((h) => [getComputedStyle(h).direction, h.scrollWidth - h.clientWidth])).toEqual(['ltr', 0])
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).direction)).toBe('rtl')
})

test('at a zoom of 200 % and 400 % everything is there and nothing is cut off', async ({ browser, site }) => {
  // A browser that zooms gives the page fewer pixels of its own: 1280 × 720 at 200 % are 640 × 360.
  for (const zoom of [2, 4]) {
    const context = await browser.newContext({ viewport: { width: 1280 / zoom, height: 720 / zoom }, deviceScaleFactor: zoom, locale: 'pt-BR' })
    const widget = new Widget(await context.newPage())
    await widget.page.goto(site.url())
    await widget.open()
    await widget.ask('Olá')
    await widget.answered()
    for (const part of [widget.box, widget.frame.getByRole('button', { name: 'Fechar chat' }), widget.frame.getByRole('button', { name: 'Opções da conversa' })])
      await expect(part).toBeInViewport({ ratio: 1 })
    expect(await widget.frame.locator('html').evaluate((h) => h.scrollWidth - h.clientWidth)).toBeLessThanOrEqual(0)
    const box = (await widget.page.locator('ixc-hub iframe').boundingBox())!
    expect([box.x >= 0, box.y >= 0, box.x + box.width <= 1280 / zoom, box.y + box.height <= 720 / zoom]).toEqual([true, true, true, true])
    await context.close()
  }
})

test('a key that is switched off shows nothing, and ends the chats that are open', async ({ browser, page, site, widget, hub, keys, wrongs }) => {
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Olá')
  await widget.answered()
  await api(hub.url, 'admin', 'PATCH', `/widget-keys/${keys.alfa}`, { state: 'disabled' })
  await widget.ask('Alguém aí?')
  await expect(widget.frame.getByText('Nosso assistente está indisponível')).toBeVisible()
  const refusal = `error IXC AI Hub: key ${keys.alfa} is switched off, or not for ${site.url('')} `
  // A browser that has the loader from before finds out with the frame.
  await page.reload()
  await widget.launcher.click()
  await expect(page.locator('ixc-hub')).toHaveCount(0)
  expect(wrongs.said).toEqual([expect.stringContaining(refusal)])
  // Any other one is told at once.
  const fresh = await browser.newContext()
  const { said, faults } = watch(fresh)
  const another = await fresh.newPage()
  await another.goto(site.url())
  await expect.poll(() => said).toEqual([expect.stringContaining(refusal)])
  await expect(another.locator('ixc-hub')).toHaveCount(0)
  expect(faults).toEqual([])
  await fresh.close()
  wrongs.faults.splice(0) // the browser's own words about what was refused
})

test('no id, token or storage of one visitor opens the conversation of another', async ({ browser, page, site, widget, keys, line, hub }) => {
  const granted: { access_token: string; visitor?: string; user: { id: string } }[] = []
  const listen = (p: Page) =>
    p.on('response', async (r) => {
      if (r.url().endsWith('/widget/sessions') && r.ok()) granted.push(await r.json())
    })
  listen(page)
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Segredo da Ana')
  await widget.answered()
  const ana = granted[0]!
  const other = await browser.newContext({ locale: 'pt-BR' })
  const bia = new Widget(await other.newPage())
  listen(bia.page)
  await bia.page.goto(site.url())
  await bia.open()
  await bia.ask('Sou a Bia')
  await bia.answered()
  const her = granted[1]!
  const as = (token: string, method: string, path: string, body?: object) =>
    fetch(`${hub.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  const list = (await (await as(ana.access_token, 'GET', '/conversations')).json()) as { items: { id: string }[] }
  const conv = list.items[0]!.id
  const unknown = `${conv.slice(0, -3)}000`

  // By id: exactly what an id that nobody has gets.
  for (const [method, tail] of [['GET', ''], ['GET', '/messages'], ['GET', '/transcript'], ['DELETE', ''], ['POST', '/transcript/email']] as const) {
    const body = method === 'POST' ? { email: 'bia@example.com' } : undefined
    const [got, want] = [await as(her.access_token, method, `/conversations/${conv}${tail}`, body), await as(her.access_token, method, `/conversations/${unknown}${tail}`, body)]
    expect([got.status, await got.text()]).toEqual([404, await want.text()])
  }
  const frames = await bia.frame.locator('html').evaluate(
    async (_, [token, conv, key]) => {
      const ws = new WebSocket(`ws://${location.host}/ws?k=${key}`, 'aihub.v1')
      const frames: { id?: number; t: string; code?: string }[] = []
      ws.onmessage = (e) => frames.push(JSON.parse(e.data))
      await new Promise((done) => (ws.onopen = done))
      const commands = [
        { t: 'auth', token },
        { t: 'sub', conv },
        { t: 'send', conv, cid: 'x', text: 'x' },
        { t: 'call', conv },
        { t: 'end', conv },
        { t: 'take', conv, epoch: 0 },
        { t: 'watch' },
      ]
      for (const [id, c] of commands.entries()) ws.send(JSON.stringify({ ...c, id }))
      while (frames.filter((f) => f.id !== undefined).length < commands.length) await new Promise((done) => setTimeout(done, 20))
      ws.close()
      return commands.map((c, id) => `${c.t} ${frames.find((f) => f.id === id)?.code ?? 'ok'}`)
    },
    [her.access_token, conv, keys.alfa] as const,
  )
  expect(frames).toEqual(['auth ok', 'sub not_found', 'send not_found', 'call not_found', 'end not_found', 'take forbidden', 'watch forbidden'])

  // By token: what is put together of two, of nothing, or for another key is worth nothing.
  const open = (visitor: string, key = keys.alfa) =>
    bia.frame.locator('html').evaluate(
      async (_, [key, visitor]) => (await fetch('/api/v1/widget/sessions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ key, visitor }) })).status,
      [key, visitor] as const,
    )
  const secret = (v: string | undefined) => v!.split('.')[1]!
  expect(await open(`${ana.user.id}.${secret(her.visitor)}`)).toBe(401)
  expect(await open(`${ana.user.id}.`)).toBe(401)
  expect(await open(ana.user.id)).toBe(401)
  expect(await open(ana.visitor!, keys.beta)).not.toBe(200)
  const [head, claims, mark] = her.access_token.split('.')
  const forged = { ...JSON.parse(Buffer.from(claims!, 'base64url').toString()), usuario_id: ana.user.id, sub: ana.user.id }
  expect((await as(`${head}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}.${mark}`, 'GET', '/conversations')).status).toBe(401)
  expect((await as(sign('x'.repeat(32), forged), 'GET', '/conversations')).status).toBe(401)

  // By storage: the page around, another site and the hub itself, opened as a page, see nothing of it.
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie)).not.toContain('v_')
  const reach = await page.evaluate(() => {
    const frame = document.querySelector('ixc-hub')?.shadowRoot?.querySelector('iframe')
    try {
      return `${frame?.contentDocument} ${frame?.contentWindow?.localStorage.length}`
    } catch (e) {
      return (e as Error).name
    }
  })
  expect(reach).toBe('SecurityError')
  const direct = await page.context().newPage()
  await direct.goto(`${line.url}/widget.html?k=${keys.alfa}`)
  expect(await direct.evaluate(() => localStorage.length)).toBe(0)
  const elsewhere = await anotherSite(line.url, keys.alfa)
  const far = new Widget(await page.context().newPage())
  await far.page.goto(elsewhere.url)
  await expect(far.page.locator('ixc-hub')).toHaveCount(0) // a site that the key does not have
  elsewhere.stop()
  await direct.close()
  await other.close()
})

/** A site on yet another origin, which the key does not have. */
async function anotherSite(hub: string, key: string) {
  const server = http.createServer((_, res) => {
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end(`<!doctype html><title>x</title><script async src="${hub}/widget.js" data-key="${key}"></script>`)
  })
  await new Promise<void>((done) => server.listen(0, '::1', done))
  return {
    url: `http://[::1]:${(server.address() as AddressInfo).port}/`,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('what the site says of its visitor comes to the staff and not to the model', async ({ page, site, widget, hub, model }) => {
  await page.goto(`${site.url()}?token=segredo`)
  await widget.call('context', { plano: 'Fibra 600', dias: 3, objeto: { a: 1 }, vazio: null, longo: 'x'.repeat(300) })
  await widget.open()
  await widget.ask('Olá')
  await widget.answered()
  type Seen = { items: { conv: string; page: string }[] }
  const list = () => api(hub.url, 'supervisor', 'GET', '/monitor/sessions') as Promise<Seen>
  await expect.poll(async () => (await list()).items[0]?.page).toBe(site.url('/'))
  const detail = async () =>
    ((await api(hub.url, 'supervisor', 'GET', `/monitor/sessions/${(await list()).items[0]!.conv}`)) as { context: object }).context
  const data = [{ name: 'dias', value: '3' }, { name: 'longo', value: 'x'.repeat(200) }, { name: 'plano', value: 'Fibra 600' }]
  expect(await detail()).toEqual({ page: site.url('/'), title: 'Provedor', data })
  await page.getByRole('link', { name: 'Dois' }).click()
  await expect.poll(async () => (await list()).items[0]?.page).toBe(site.url('/dois'))
  expect(await detail()).toEqual({ page: site.url('/dois'), title: 'Provedor', data })
  await widget.ask('E agora?')
  await widget.answered(2)
  expect(JSON.stringify(model.asked)).not.toMatch(/Fibra 600|dois/)
})

test('a limit that ends soon is waited for with a countdown', async ({ page, site, widget, hub, keys }) => {
  const plan = await api(hub.url, 'admin', 'POST', '/plans', { name: 'Site', limits: [{ window: 'minute', messages: 1 }], allow_global_key: true })
  await api(hub.url, 'admin', 'PATCH', `/widget-keys/${keys.alfa}`, { plan_id: plan.id })
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Uma')
  await widget.answered()
  await widget.ask('Mais uma')
  const again = widget.frame.getByRole('button', { name: /Tentar de novo/ })
  await expect(again.or(widget.answers.nth(1)).first()).toBeVisible()
  if ((await widget.answers.count()) === 2) await widget.ask('E mais uma') // a new minute had just begun
  await expect(widget.frame.getByText('Muitas mensagens em pouco tempo.')).toBeVisible()
  await expect(widget.frame.getByRole('link', { name: 'WhatsApp' })).toBeVisible()
  await expect(again).toBeDisabled()
  await expect(again).toHaveText(/Tentar de novo em \d+ segundos?/)
  await expect(again).toBeEnabled({ timeout: 70_000 })
  await again.click()
  await expect(widget.answers.last()).toContainText('uma')
  await expect(again).toHaveCount(0)
})

/** A server that takes every mail. */
async function takeMails() {
  const taken: string[] = []
  const server = net.createServer((socket) => {
    let said = ''
    let data = false
    socket.write('220 correio\r\n')
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      said += chunk
      if (data) {
        if (!said.endsWith('\r\n.\r\n')) return
        taken.push(said)
        data = false
        socket.write('250 taken\r\n')
      } else if (/^DATA/m.test(String(chunk))) {
        data = true
        socket.write('354 go\r\n')
      } else if (/^QUIT/.test(String(chunk))) socket.end('221 bye\r\n')
      else socket.write('250 fine\r\n')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { taken, port: (server.address() as AddressInfo).port, stop: () => server.close() }
}

test.describe('with a mail server', () => {
  let taken: string[] = []
  test.use({
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixture's needs from the pattern
    hubEnv: async ({}, use) => {
      const mails = await takeMails()
      taken = mails.taken
      await use({ AIHUB_SMTP_URL: `smtp://127.0.0.1:${mails.port}`, AIHUB_SMTP_FROM: 'chat@hub.example' })
      mails.stop()
    },
  })

  test('a visitor has the conversation sent to them', async ({ page, site, widget }) => {
    await page.goto(site.url())
    await widget.open()
    await widget.ask('Quero por e-mail')
    await widget.answered()
    const menu = async (name: string) => {
      await widget.frame.getByRole('button', { name: 'Opções da conversa' }).click()
      await widget.frame.getByRole('button', { name, exact: true }).click()
    }
    await menu('Enviar por e-mail')
    const field = widget.frame.getByRole('textbox', { name: 'Seu e-mail' })
    await expect(field).toBeFocused()
    await field.fill('não é endereço')
    await field.press('Enter')
    await expect(widget.frame.getByText('Confira este campo.')).toBeVisible()
    await field.fill('ana@example.com')
    await field.press('Enter')
    await expect(widget.frame.getByText('A conversa vai para ana@example.com')).toBeVisible()
    await expect.poll(() => taken.length).toBe(1)
    expect(taken[0]).toMatch(/RCPT TO:<ana@example.com>|ana@example\.com/)
    expect(taken[0]).toContain('Quero por e-mail')
  })
})

test('without a mail server nothing offers to send one', async ({ page, site, widget }) => {
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Olá')
  await widget.answered()
  await widget.frame.getByRole('button', { name: 'Opções da conversa' }).click()
  await expect(widget.frame.getByRole('button', { name: 'Baixar conversa' })).toBeVisible()
  await expect(widget.frame.getByRole('button', { name: 'Enviar por e-mail' })).toHaveCount(0)
})
