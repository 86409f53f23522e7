import AxeBuilder from '@axe-core/playwright'
import { expect } from '@playwright/test'
import { sign, Widget, watch } from './widget-site.ts'
import { options, phone, test } from './widget-test.ts'

test.use(options)

test('nothing happens before somebody wants to chat; then it opens, answers and closes by keyboard', async ({
  page,
  site,
  line,
  widget,
  context,
  model,
}) => {
  model.will('lenta', { text: 'Vamos ver **juntos**. <img src=x onerror=alert(1)>', piece: 5, every: 20 })
  const requests: string[] = []
  page.on('request', (r) => r.url().startsWith(line.url) && requests.push(new URL(r.url()).pathname))
  const sockets: string[] = []
  page.on('websocket', (w) => sockets.push(w.url()))
  await page.addInitScript(() => {
    const w = window as unknown as { shifts: number }
    w.shifts = 0
    new PerformanceObserver((l) => {
      for (const e of l.getEntries()) w.shifts += (e as unknown as { value: number }).value
    }).observe({ type: 'layout-shift', buffered: true })
  })
  await page.goto(site.url())
  await expect(widget.launcher).toHaveAccessibleName('Abrir chat')
  await page.waitForTimeout(500)
  expect(requests).toEqual(['/widget.js'])
  expect(sockets).toEqual([])
  expect(await context.cookies()).toEqual([])
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 0])
  const look = await widget.launcher.evaluate((b) => ({
    box: b.getBoundingClientRect().toJSON(),
    color: getComputedStyle(b).backgroundColor,
    opacity: getComputedStyle(b.getRootNode() instanceof ShadowRoot ? (b.getRootNode() as ShadowRoot).host : b).opacity,
  }))
  expect(look.box).toMatchObject({ width: 60, height: 60, right: 1260, bottom: 700 })
  expect(look.color).toBe('rgb(15, 118, 110)')
  expect(look.opacity).toBe('1')

  await page.keyboard.press('Tab')
  await widget.launcher.focus()
  await page.keyboard.press('Enter')
  await expect(widget.box).toBeFocused()
  await expect(widget.launcher).toHaveAttribute('aria-expanded', 'true')
  await expect(widget.launcher).toHaveAccessibleName('Fechar chat')
  expect(await page.locator('ixc-hub iframe').evaluate((f) => f.getBoundingClientRect().toJSON())).toMatchObject({
    width: 390,
    right: 1260,
  })
  await page.keyboard.type('Minha internet está lenta')
  await page.keyboard.press('Enter')
  await widget.answered()
  await expect(widget.answers.last()).toContainText('Vamos ver juntos. <img src=x onerror=alert(1)>')
  await expect(widget.answers.last().locator('strong')).toHaveText('juntos')
  await page.keyboard.press('Escape')
  await expect(page.locator('ixc-hub iframe')).toBeHidden()
  await expect(widget.launcher).toBeFocused()
  expect(sockets).toHaveLength(1)
  expect(sockets[0]).toMatch(/\/ws\?k=pk_\w+$/)
  expect(await page.evaluate(() => (window as unknown as { shifts: number }).shifts)).toBe(0)
  expect(
    await page.evaluate(() => [
      document.cookie,
      localStorage.length,
      (document.querySelector('ixc-hub')?.shadowRoot?.querySelector('iframe') as HTMLIFrameElement).contentDocument,
    ]),
  ).toEqual(['', 0, null])
})

test('the loader keeps the page free: less than 50 ms of its thread', async ({ page, site, widget, browser }) => {
  await page.goto(site.url()) // so that the next one measures the script and not a cold start
  await browser.startTracing(page, { categories: ['devtools.timeline'] })
  await page.goto(site.url())
  await expect(widget.launcher).toBeVisible()
  const trace = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: { name: string; tdur?: number; args?: { data?: { url?: string } } }[]
  }
  const runs = trace.traceEvents.filter((e) => e.name === 'EvaluateScript' && e.args?.data?.url?.endsWith('/widget.js'))
  expect(runs.length).toBeGreaterThan(0)
  expect(Math.max(...runs.map((e) => (e.tdur ?? 0) / 1000))).toBeLessThan(50)
})

test('the conversation goes on in other pages and tabs of the site, and can be kept, begun anew and erased', async ({
  page,
  site,
  widget,
  context,
  model,
  keys,
}) => {
  site.has('/outra', { data: { key: keys.alfa } })
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Primeira pergunta')
  await widget.answered()

  await page.getByRole('link', { name: 'Outra' }).click()
  await widget.open()
  await expect(widget.mine).toHaveText('Primeira pergunta')
  const tab = new Widget(await context.newPage())
  await tab.page.goto(site.url())
  await tab.open()
  await expect(tab.answers).toHaveText('Resposta a: Primeira pergunta')
  await tab.ask('Segunda pergunta')
  await tab.answered(2)
  await widget.answered(2) // the same, live, in the first tab

  const option = async (name: string) => {
    await widget.frame.getByRole('button', { name: 'Opções da conversa' }).click()
    await widget.frame.getByRole('button', { name, exact: true }).click()
  }
  const file = page.waitForEvent('download')
  await option('Baixar conversa')
  expect((await file).suggestedFilename()).toBe('conversa.md')
  await option('Nova conversa')
  await expect(widget.mine).toHaveCount(0)
  await widget.ask('Outro assunto')
  await widget.answered()
  expect(model.asked).toHaveLength(3)
  await option('Apagar conversa')
  await widget.frame.getByRole('button', { name: 'Apagar conversa' }).click()
  await expect(widget.mine).toHaveCount(0)
  await page.reload()
  await widget.open()
  await expect(widget.mine).toHaveText(['Primeira pergunta', 'Segunda pergunta'])
})

test('an answer is stopped, a reload in mid-answer goes on, and what comes while closed is counted', async ({
  page,
  site,
  widget,
  model,
}) => {
  model.will('história', { text: 'Era uma vez. '.repeat(60), piece: 4, every: 40 })
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Conte uma história')
  await expect(widget.answers).toContainText('Era uma vez. Era')
  await page.reload()
  await widget.open()
  await expect(widget.answers).toContainText('Era uma vez. Era uma vez. Era')
  await widget.box.press('Escape') // stops the answer; the next one closes
  await expect(widget.frame.getByText('Resposta interrompida')).toBeVisible()

  model.will('curta', { text: 'Pronto.', first: 1500 })
  await widget.listen('unread', 'message')
  await widget.ask('Uma curta')
  await expect(widget.mine).toHaveCount(2)
  await widget.launcher.click()
  await expect(widget.launcher).toHaveAccessibleName('Abrir chat, 1 mensagem nova')
  await expect(page.locator('ixc-hub b')).toHaveText('1')
  await widget.launcher.click()
  await expect(widget.launcher).toHaveAccessibleName('Fechar chat')
  expect(await widget.heard()).toEqual([
    ['message', { from: 'ai', at: expect.any(String) }],
    ['unread', 1],
    ['unread', 0],
  ])
})

test('a cut line shows, queues one message and loses nothing', async ({ page, site, widget, line, model }) => {
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Antes')
  await widget.answered()
  line.cut()
  await expect(widget.frame.getByText('Sem conexão')).toBeVisible()
  await widget.ask('Durante')
  await expect(widget.frame.getByText('Aguardando conexão')).toBeVisible()
  line.up()
  await widget.answered(2)
  expect(model.asked).toEqual(['Antes', 'Durante'])
})

test('on a phone it covers the screen and gives it back', async ({ browser, site, keys }) => {
  const context = await browser.newContext({ ...phone, locale: 'pt-BR' })
  const { faults } = watch(context)
  const widget = new Widget(await context.newPage())
  site.has('/fone', { data: { key: keys.alfa, greeting: 'Precisa de ajuda?', 'open-on': '1' } })
  await widget.page.goto(site.url('/fone'))
  await widget.page.waitForTimeout(1500)
  await expect(widget.page.locator('ixc-hub iframe')).toHaveCount(0) // nothing opens by itself
  await expect(widget.page.locator('ixc-hub p')).toHaveCount(0)
  await widget.launcher.tap()
  await expect(widget.box).toBeVisible()
  expect(await widget.page.locator('ixc-hub iframe').evaluate((f) => f.getBoundingClientRect().toJSON())).toMatchObject(
    { x: 0, y: 0, width: 390, height: 780 },
  )
  expect(
    await widget.page.evaluate(() => [document.body.inert, getComputedStyle(document.documentElement).overflow]),
  ).toEqual([true, 'hidden'])
  const wide = await widget.frame.locator('html').evaluate((h) => h.scrollWidth - h.clientWidth)
  expect(wide).toBeLessThanOrEqual(0)
  await widget.frame.getByRole('button', { name: 'Fechar chat' }).tap()
  await expect(widget.page.locator('ixc-hub iframe')).toBeHidden()
  expect(
    await widget.page.evaluate(() => [document.body.inert, getComputedStyle(document.documentElement).overflow]),
  ).toEqual([false, 'visible'])
  await context.close()
  expect(faults).toEqual([])
})

test('a key on the wrong site, an unknown one and a second script each say so once and do nothing', async ({
  page,
  site,
  widget,
  wrongs,
  keys,
  context,
}) => {
  const line = (said: string[]) => said.splice(0)
  await page.goto(site.url('/', '[::1]')) // an origin that the key does not have
  await expect.poll(() => wrongs.said.length).toBe(1)
  expect(line(wrongs.said)[0]).toMatch(
    /^error IXC AI Hub: key pk_\w+ is switched off, or not for http:\/\/\[::1\]:\d+ \(http.*\/widget\/docs\)$/,
  )
  await expect(page.locator('ixc-hub')).toHaveCount(0)
  await widget.call('open')
  await widget.call('identify', 'x')
  await expect(page.locator('ixc-hub')).toHaveCount(0)

  site.has('/desconhecida', { data: { key: 'pk_00000000000000000000000000' } })
  await page.goto(site.url('/desconhecida'))
  await expect.poll(() => line(wrongs.said).length).toBe(1)
  await expect(page.locator('ixc-hub')).toHaveCount(0)

  site.has('/dois', { data: { key: keys.alfa }, twice: true })
  await page.goto(site.url('/dois'))
  await expect(widget.launcher).toHaveCount(1)
  await expect.poll(() => wrongs.said.length).toBe(1)
  expect(line(wrongs.said)[0]).toMatch(/^warning IXC AI Hub: already on this page/)
  await widget.open()

  // A site that tells nobody where it is: the frame is the first to know.
  const quiet = new Widget(await context.newPage())
  site.has('/calada', { data: { key: keys.alfa }, secretive: true })
  await quiet.page.goto(site.url('/calada'))
  await quiet.open()
  await quiet.page.goto(site.url('/calada', '[::1]'))
  await quiet.launcher.click()
  await expect(quiet.page.locator('ixc-hub')).toHaveCount(0)
  expect(line(wrongs.said)).toHaveLength(1)
  expect(wrongs.faults.splice(0).every((f) => /frame-ancestors|postMessage|Framing/.test(f))).toBe(true) // the browser's own words
})

test('a single-page site replaces its body and address, and the chat stays as it is', async ({
  page,
  site,
  widget,
  model,
  keys,
}) => {
  model.will('história', { text: 'Era uma vez. '.repeat(40), piece: 4, every: 40 })
  const bodies: string[] = []
  page.on('request', (r) => r.url().endsWith('/widget/sessions') && bodies.push(r.postData() ?? ''))
  await page.goto(`${site.url()}?token=segredo#nome`)
  await widget.open()
  await widget.ask('Conte uma história')
  await expect(widget.answers).toContainText('Era uma vez. Era')
  await page.getByRole('link', { name: 'Dois' }).click()
  await expect(page.getByRole('heading', { name: 'Dois' })).toBeVisible()
  expect(page.url()).toContain('/dois?cpf=1#x')
  await widget.answered()
  await page.evaluate(() => document.querySelector('ixc-hub')?.remove()) // a page that cleans up after others
  await expect(widget.launcher).toBeVisible()
  await expect(widget.mine).toHaveText('Conte uma história')
  expect(bodies.length).toBeGreaterThan(0)
  for (const b of bodies)
    expect(JSON.parse(b)).toMatchObject({ key: keys.alfa, page: expect.not.stringMatching(/segredo|nome|cpf|[?#]/) })
})

test('every command is harmless at every moment', async ({ page, site, widget, keys, wrongs, model }) => {
  model.will('ask', { text: 'Sim. '.repeat(50), piece: 4, every: 20 })
  const all: unknown[][] = [
    ['context', { plano: 'fibra' }],
    ['locale', 'en'],
    ['theme', 'dark'],
    ['hide'],
    ['show'],
    ['open'],
    ['toggle'],
    ['toggle'],
    ['close'],
    ['identify', 'not.a.jwt'],
    ['ask', ''],
    ['on', 'open'],
    ['on', 'nothing', null],
    ['nonsense'],
    ['constructor'],
    ['__proto__'],
    [],
    ['open', { deep: [1] }],
    ['locale', null],
    ['theme', {}],
    ['context', 'text'],
    ['ask', { no: 'text' }],
    ['identify'],
    ['shutdown'],
    ['shutdown'],
  ]
  const everything = () =>
    page.evaluate((calls) => {
      const w = window as unknown as { IXCHub: (...a: unknown[]) => unknown }
      for (const c of calls) w.IXCHub(...c)
      w.IXCHub('context', { f() {} })
      const round: Record<string, unknown> = {}
      round.self = round
      w.IXCHub('context', round)
    }, all)
  site.has('/cedo', { data: { key: keys.alfa }, early: all })
  await page.goto(site.url('/cedo'))
  await expect(page.locator('ixc-hub')).toHaveCount(1)
  await everything()
  await widget.call('show')
  await widget.call('locale', 'pt-BR')
  await widget.call('open')
  await expect(widget.box).toBeVisible()
  await everything()
  await page.goto(site.url())
  await widget.call('ask', 'ask me')
  await expect(widget.answers).toContainText('Sim.')
  await everything()
  await widget.call('show')
  await widget.call('theme', 'light')
  await widget.call('locale', 'pt-BR')
  await widget.call('open')
  await expect(widget.box).toBeVisible()
  await expect(widget.mine).toHaveCount(0) // the shutdown forgot the visitor
  await widget.ask('Ainda funciona?')
  await widget.answered()
  expect(wrongs.said.every((s) => s.startsWith('warning'))).toBe(true)
})

test('events come to listeners, also to one that is late, and stop for one that left', async ({
  page,
  site,
  widget,
  keys,
  wrongs,
}) => {
  site.has('/eventos', {
    data: { key: keys.alfa, launcher: '#abrir', position: 'left', 'offset-x': '40', 'z-index': '77', color: '#ffcc00' },
  })
  await page.goto(site.url('/eventos'))
  await expect(page.locator('ixc-hub')).toHaveCount(1)
  await widget.listen('ready', 'open', 'close')
  await expect(widget.launcher).toBeHidden()
  await page.getByRole('button', { name: 'Falar com a gente' }).click()
  await expect(widget.box).toBeFocused()
  expect(await page.locator('ixc-hub iframe').evaluate((f) => f.getBoundingClientRect().left)).toBe(40)
  expect(await page.locator('ixc-hub').evaluate((h) => getComputedStyle(h).zIndex)).toBe('77')
  await page.evaluate(() => {
    const w = window as unknown as { gone: number; IXCHub: (...a: unknown[]) => () => void }
    w.gone = 0
    const off = w.IXCHub('on', 'close', () => w.gone++)
    off()
    w.IXCHub('on', 'close', () => {
      throw new Error('the page’s own mistake')
    })
  })
  await widget.box.press('Escape')
  await expect(page.getByRole('button', { name: 'Falar com a gente' })).toBeFocused()
  expect(await widget.heard()).toEqual([
    ['ready', null],
    ['open', null],
    ['close', null],
  ])
  expect(await page.evaluate(() => (window as unknown as { gone: number }).gone)).toBe(0)
  expect(wrongs.faults.splice(0)).toEqual(['Error: the page’s own mistake'])
})

test('who the site’s server signs for is one person, and leaving forgets them', async ({
  page,
  site,
  widget,
  keys,
  browser,
}) => {
  const secret = 'demo-identidade-alfa-0123456789abcdef'
  const ana = () => sign(secret, { sub: 'ana', aud: keys.alfa, name: 'Ana' })
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Sou anônima')
  await widget.answered()
  await widget.call('identify', ana())
  await expect(widget.mine).toHaveCount(0) // nobody else's words, not even those of before
  await widget.ask('Sou a Ana')
  await widget.answered()

  const elsewhere = new Widget(await (await browser.newContext({ locale: 'pt-BR' })).newPage())
  await elsewhere.page.goto(site.url())
  await elsewhere.call('identify', ana())
  await elsewhere.open()
  await expect(elsewhere.mine).toHaveText('Sou a Ana')
  await elsewhere.call('identify', sign(secret, { sub: 'bia', aud: keys.alfa, name: 'Bia' }))
  await expect(elsewhere.mine).toHaveCount(0)
  // One right after the other: the last one counts, whatever the server is still answering to the others.
  await elsewhere.call('identify', ana())
  await elsewhere.call('identify', sign(secret, { sub: 'bia', aud: keys.alfa, name: 'Bia' }))
  await elsewhere.call('identify', sign('another secret, which is not the key’s', { sub: 'ana', aud: keys.alfa }))
  await expect(elsewhere.frame.getByText('Entre na sua conta neste site')).toBeVisible()
  await expect(elsewhere.mine).toHaveCount(0)

  await widget.call('shutdown')
  await expect(page.locator('ixc-hub iframe')).toHaveCount(0)
  await page.reload()
  await widget.open()
  await page.waitForTimeout(1000)
  await expect(widget.mine).toHaveCount(0)

  // The site learns in time that it must sign again.
  await widget.listen('token_expiring')
  await widget.call('identify', sign(secret, { sub: 'ana', aud: keys.alfa, exp: Math.floor(Date.now() / 1000) + 61 }))
  await expect.poll(() => widget.heard()).toEqual([['token_expiring', null]])
})

test('consent and questions come first, and refusing leaves no trace', async ({ page, site, widget, keys, model }) => {
  site.has('/beta', { data: { key: keys.beta } })
  const asked: string[] = []
  page.on('request', (r) => r.url().includes('/api/') && asked.push(r.url()))
  await page.goto(site.url('/beta'))
  await widget.launcher.click()
  const agree = widget.frame.getByRole('button', { name: 'Iniciar conversa' })
  await expect(agree).toBeFocused()
  await expect(widget.frame.getByText('guarda esta conversa por 30 dias')).toBeVisible()
  await expect(widget.frame.getByRole('link', { name: 'Política de privacidade' })).toHaveAttribute('target', '_blank')
  await widget.frame.getByRole('button', { name: 'Agora não' }).click()
  await expect(page.locator('ixc-hub iframe')).toBeHidden()
  expect(asked).toEqual([])
  expect(await widget.frame.locator('html').evaluate(() => localStorage.length)).toBe(0)

  await widget.launcher.click()
  await agree.click()
  await widget.ask('Quero mudar de plano')
  const name = widget.frame.getByRole('textbox', { name: 'Nome' })
  await expect(name).toBeFocused()
  await expect(widget.frame.getByText('Usamos estes dados só para achar o seu contrato.')).toBeVisible()
  await widget.frame.getByRole('button', { name: 'Continuar' }).click()
  await expect(widget.frame.getByText('Preencha este campo.')).toBeVisible()
  await name.fill('Ana Souza')
  const document = widget.frame.getByRole('textbox', { name: /CPF ou CNPJ/ })
  await document.fill('52998224724')
  await expect(document).toHaveValue('529.982.247-24')
  await widget.frame.getByRole('button', { name: 'Continuar' }).click()
  await expect(widget.frame.getByText('Confira este campo.')).toBeVisible()
  await document.fill('52998224725')
  await widget.frame.getByRole('button', { name: 'Continuar' }).click()
  await widget.answered()
  expect(model.asked).toEqual(['Quero mudar de plano'])
  await page.reload()
  await widget.open() // asked once
  await expect(widget.mine).toHaveText('Quero mudar de plano')
})

test('when no answer can be given there are other ways to reach the distributor', async ({
  page,
  site,
  widget,
  model,
}) => {
  model.will('caiu', { text: '', status: 500 })
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Minha conexão caiu')
  await expect(widget.frame.getByText('Nosso assistente está indisponível')).toBeVisible()
  await expect(widget.frame.getByRole('link', { name: 'WhatsApp' })).toHaveAttribute(
    'href',
    'https://wa.me/5549999990000',
  )
  await expect(widget.frame.getByRole('link', { name: /Telefone/ })).toHaveAttribute('href', 'tel:08009990000')
})

test('when the plan is used up, it says until when and how else to reach the distributor', async ({ page, site, widget, hub, keys }) => {
  const api = async (method: string, path: string, body: object, token?: string) => {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
    const r = await fetch(`${hub.url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
    expect(r.ok, await r.clone().text()).toBe(true)
    return r.json()
  }
  const { access_token } = await api('POST', '/auth/login', { tenant: 'alfa', email: 'admin@alfa.example', password: 'demo-aihub' })
  const plan = await api('POST', '/plans', { name: 'Site', limits: [{ window: 'day', messages: 1 }], allow_global_key: true }, access_token)
  await api('PATCH', `/widget-keys/${keys.alfa}`, { plan_id: plan.id }, access_token)
  await page.goto(site.url())
  await widget.open()
  await widget.ask('Uma')
  await widget.answered()
  await widget.ask('Mais uma')
  await expect(widget.frame.getByText(/Nosso assistente está indisponível até/)).toBeVisible()
  await expect(widget.frame.getByRole('link', { name: 'WhatsApp' })).toBeVisible()
})

test('a visitor asks for a person, who takes the conversation over, writes and gives it back', async ({
  page,
  site,
  widget,
  line,
  context,
}) => {
  await page.goto(site.url())
  await widget.open()
  await widget.listen('handoff', 'message')
  await widget.ask('Preciso de uma pessoa')
  await widget.answered()
  await widget.frame.getByRole('button', { name: 'Opções da conversa' }).click()
  await widget.frame.getByRole('button', { name: 'Falar com uma pessoa' }).click()
  await expect(widget.frame.getByText('Aguardando atendente: você é o próximo')).toBeVisible()

  const staff = await context.newPage()
  await staff.goto(`${line.url}/p/alfa`)
  const said = await staff.evaluate(async () => {
    const login = { tenant: 'alfa', email: 'supervisor@alfa.example', password: 'demo-aihub' }
    const r = await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(login),
    })
    const { access_token: token } = await r.json()
    const ws = new WebSocket(`ws://${location.host}/ws`, 'aihub.v1')
    type Frame = {
      t: string
      id?: number
      k?: string
      sessions?: { conv: string; channel: string; owner: { epoch: number } }[]
      owner?: { epoch: number }
    }
    const waiting = new Map<number, (f: Frame) => void>()
    ws.onmessage = (e) => waiting.get(JSON.parse(e.data).id)?.(JSON.parse(e.data))
    await new Promise((done) => {
      ws.onopen = done
    })
    let id = 0
    const ask = (frame: object) =>
      new Promise<Frame>((done) => {
        waiting.set(++id, done)
        ws.send(JSON.stringify({ ...frame, id }))
      })
    await ask({ t: 'auth', token })
    const { sessions } = await ask({ t: 'watch' })
    const seen = sessions?.find((x) => x.channel === 'widget')
    if (!seen) return { sessions }
    const taken = await ask({ t: 'take', conv: seen.conv, epoch: seen.owner.epoch })
    const sent = await ask({ t: 'send', conv: seen.conv, cid: 'um', text: 'Oi, aqui é a Paula.' })
    Object.assign(window, {
      release: () => ask({ t: 'release', conv: seen.conv, epoch: taken.owner?.epoch }),
      end: () => ask({ t: 'end', conv: seen.conv }),
    })
    return { taken: taken.t, sent: sent.t }
  })
  expect(said).toEqual({ taken: 'ok', sent: 'ok' })
  await expect(widget.frame.getByText('Paula Ramos (suporte) entrou na conversa')).toBeVisible()
  await expect(widget.frame.getByRole('article', { name: 'Paula Ramos' })).toContainText('Oi, aqui é a Paula.')
  await expect(widget.frame.getByRole('heading', { level: 1 })).toHaveText('Paula Ramos')
  await expect(widget.frame.locator('header .logo')).toHaveText('PR')
  await widget.ask('Olá, Paula')
  await expect(widget.mine).toHaveText(['Preciso de uma pessoa', 'Olá, Paula'])
  await staff.evaluate(() => (window as unknown as { release: () => Promise<unknown> }).release())
  await expect(widget.frame.getByText('O assistente de IA voltou a responder')).toBeVisible()
  await expect(widget.frame.getByRole('heading', { level: 1 })).toHaveText('Alfa Fibra')
  const kinds = (await widget.heard()).map(
    ([name, d]) => `${name} ${(d as { to?: string; from?: string }).to ?? (d as { from: string }).from}`,
  )
  expect(kinds).toEqual(['message ai', 'handoff queue', 'handoff human', 'message human', 'handoff ai'])

  // Once it has ended, the visitor is asked what they think of it.
  await staff.evaluate(() => (window as unknown as { end: () => Promise<unknown> }).end())
  await widget.frame.getByRole('button', { name: '5: Muito bom' }).click()
  await widget.frame.getByRole('textbox', { name: /Quer contar mais/ }).fill('ótimo')
  await page.screenshot({ path: 'results/widget-rating.png' })
  await widget.frame.getByRole('button', { name: 'Enviar avaliação' }).click()
  await expect(widget.frame.getByText('Obrigado pelo retorno.')).toBeVisible()
})

test('language, theme and bubble are the site’s to choose', async ({ page, site, widget, keys, context }) => {
  site.has('/en', { data: { key: keys.alfa, theme: 'dark', greeting: 'Need help?' }, lang: 'en-US' })
  await page.goto(site.url('/en'))
  await expect(widget.launcher).toHaveAccessibleName('Open chat')
  const bubble = page.getByRole('button', { name: 'Need help?' })
  await expect(bubble).toBeVisible()
  const again = await context.newPage()
  await again.goto(site.url('/en'))
  await expect(again.locator('ixc-hub button.l')).toBeVisible()
  await expect(again.getByRole('button', { name: 'Need help?' })).toHaveCount(0) // once a day
  await bubble.click()
  await expect(widget.frame.getByText('I am Alfa Fibra')).toBeVisible()
  await expect(widget.frame.locator('html')).toHaveCSS('color-scheme', 'dark')
  await widget.call('locale', 'pt-BR')
  await expect(widget.frame.getByText('Sou o assistente de IA da Alfa Fibra')).toBeVisible()
  await widget.call('theme', 'light')
  await expect(widget.frame.locator('html')).toHaveCSS('color-scheme', 'light')
})

for (const [device, use] of Object.entries({ desktop: { viewport: { width: 1280, height: 720 } }, phone })) {
  test(`axe finds nothing: ${device}`, async ({ browser, site, keys, model }) => {
    model.will('tudo', {
      text: '# Título\n\nTexto com [link](https://a.example) e `código`.\n\n- um\n- dois\n\n```go\nfmt.Println("x")\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |',
    })
    const context = await browser.newContext({ ...use, locale: 'pt-BR' })
    const page = await context.newPage()
    const widget = new Widget(page)
    site.has('/', { data: { key: keys.alfa }, young: true })
    site.has('/beta', { data: { key: keys.beta }, young: true })
    const check = async (what: string) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
        const { violations } = await new AxeBuilder({ page }).include('ixc-hub').analyze()
        expect(
          violations.map((v) => `${what} ${colorScheme} ${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`),
        ).toEqual([])
      }
    }
    await page.goto(site.url())
    await check('launcher')
    await widget.open()
    await widget.ask('Mostre tudo')
    await widget.answered()
    await check('chat')
    await widget.frame.getByRole('button', { name: 'Opções da conversa' }).click()
    await check('menu')
    await page.goto(site.url('/beta'))
    await widget.launcher.click()
    await expect(widget.frame.getByRole('button', { name: 'Iniciar conversa' })).toBeVisible()
    await check('consent')
    await widget.frame.getByRole('button', { name: 'Iniciar conversa' }).click()
    await widget.ask('Oi')
    await widget.frame.getByRole('button', { name: 'Continuar' }).click()
    await check('fields')
    await context.close()
  })
}
