import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from '@playwright/test'
import { accessible, expect, fits, password, test } from './hub.ts'
import { counted } from './model.ts'

// One participant and two of the staff in three browsers, on the built program.

const shots = fileURLToPath(new URL('results/monitor', import.meta.url))
const shot = (page: Page, name: string) => page.screenshot({ path: `${shots}/${name}.png` })

/** The console as one of the staff uses it. */
class Console {
  private constructor(readonly page: Page) {}

  static async open(browser: Browser, url: string, email: string): Promise<Console> {
    const context = await browser.newContext({
      locale: 'pt-BR',
      timezoneId: 'America/Sao_Paulo',
      viewport: { width: 1440, height: 900 },
    })
    const page = await context.newPage()
    await page.goto(`${url}/console/alfa`)
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Senha', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Entrar' }).click()
    await expect(page.getByText('tempo real')).toBeVisible()
    return new Console(page)
  }

  row(name: string | RegExp) {
    return this.page.getByRole('listbox', { name: 'Sessões ao vivo' }).getByRole('option', { name })
  }
  get answer() {
    return this.page.getByRole('article', { name: 'Assistente' }).last()
  }
  button(name: string) {
    return this.page.getByRole('button', { name, exact: true })
  }
  async read(name: string) {
    await this.row(name).click()
    await expect(this.page.getByRole('heading', { level: 2, name })).toBeVisible()
  }
  async take(reason: string) {
    await this.button('Assumir').click()
    await this.page.keyboard.type(reason)
    await this.page.keyboard.press('Enter')
    await expect(this.page.getByRole('dialog')).toBeHidden()
  }
  async reply(text: string) {
    await this.page.getByRole('textbox', { name: /^Responder a/ }).fill(text)
    await this.page.keyboard.press('Enter')
  }
  async close() {
    await this.page.context().close()
  }
}

test('the whole story: watched, guided, taken over in mid-answer, given back, asked for a person, ended', async ({
  browser,
  line,
  model,
  portal,
}) => {
  test.setTimeout(240_000)
  fs.mkdirSync(shots, { recursive: true })
  model.will('lenta', { text: counted(3000), every: 40 })
  await portal.login()
  const paula = await Console.open(browser, line.url, 'supervisor@alfa.example')
  const carlos = await Console.open(browser, line.url, 'admin@alfa.example')
  await expect(paula.page.getByText('Nenhuma sessão agora').first()).toBeVisible()

  // Somebody asks; both of the staff see the answer appear. The participant's page shows nothing of it.
  await portal.ask('A internet está lenta, meu CPF é 123.456.789-09')
  await expect(portal.answer).toContainText('palavra-10')
  await paula.read('Ana Souza')
  await expect(paula.answer).toContainText('palavra-40')
  await carlos.read('Ana Souza')
  await expect(carlos.answer).toContainText('palavra-60')
  await expect(paula.row('Ana Souza')).toContainText('•••.•••.•••-09')
  await expect(paula.page.getByText('CPF é •••.•••.•••-09').last()).toBeVisible()
  const watching = paula.page.getByRole('complementary', { name: 'Contexto' })
  await expect(watching).toContainText('Paula Ramos')
  await expect(watching).toContainText('Carlos Nogueira')
  await expect(watching).toContainText('Fibra')

  // A whisper and a note: the staff see both, the participant neither.
  await paula.page.keyboard.press('s')
  await paula.page.keyboard.type('Ofereça a visita técnica')
  await paula.page.keyboard.press('Enter')
  await expect(carlos.page.getByRole('article', { name: 'Sussurro de Paula Ramos' })).toContainText('Ofereça a visita técnica')
  await carlos.button('Nota').click()
  await carlos.page.keyboard.type('Cliente já ligou ontem')
  await carlos.page.keyboard.press('Enter')
  await expect(paula.page.getByRole('article', { name: 'Nota de Carlos Nogueira' })).toContainText('Cliente já ligou ontem')
  await shot(paula.page, 'watching')
  await paula.page.emulateMedia({ colorScheme: 'dark' })
  await shot(paula.page, 'watching-dark')
  await accessible(paula.page)

  // Taken over in mid-answer: it stops at one token, the same on every screen.
  await paula.take('Cliente sem paciência')
  await expect(portal.page.getByText('Paula Ramos (suporte) entrou na conversa')).toBeVisible()
  await expect(carlos.page.getByText('Paula Ramos está atendendo', { exact: true })).toBeVisible()
  await expect(carlos.button('Assumir')).toBeHidden()
  for (const p of [portal.page, paula.page, carlos.page])
    await expect(p.getByText('Resposta interrompida: uma pessoa assumiu')).toBeVisible()
  const words = async (p: Page) => (await p.getByRole('article', { name: 'Assistente' }).last().locator('.md').innerText()).trim()
  const kept = await words(portal.page)
  expect(counted(3000).startsWith(kept)).toBe(true)
  expect(await words(paula.page)).toBe(kept)
  expect(await words(carlos.page)).toBe(kept)

  // People talk. The composer says to whom, and nothing is labelled as AI.
  await paula.reply('Oi, Ana! Aqui é a Paula. Vou agendar a visita.')
  const human = portal.page.getByRole('article', { name: 'Paula Ramos' })
  await expect(human).toContainText('Vou agendar a visita.')
  await expect(human).not.toContainText('IA')
  await shot(paula.page, 'attending')
  await shot(portal.page, 'participant')
  await portal.ask('Pode ser amanhã?')
  await expect(paula.page.getByText('Pode ser amanhã?').last()).toBeVisible()
  await expect(carlos.page.getByText('Pode ser amanhã?').last()).toBeVisible()
  expect(model.asked).toHaveLength(1)

  // Given back: the next answer is the model's again, and it was told.
  await paula.button('Devolver à IA').click()
  await paula.page.keyboard.type('Visita agendada para amanhã às 9h')
  await accessible(paula.page)
  await paula.page.getByRole('dialog').getByRole('button', { name: 'Devolver à IA' }).click()
  await expect(portal.page.getByText('O assistente de IA voltou a responder')).toBeVisible()
  await portal.ask('Obrigada!')
  await expect(paula.answer).toContainText('Resposta a: Obrigada!')
  await expect(paula.page.getByRole('article', { name: 'Sussurro de Paula Ramos' }).last()).toContainText('Aplicado')
  await expect(portal.page.getByText(/Ofereça a visita|Visita agendada para|Cliente já ligou/)).toHaveCount(0)

  // The participant asks for a person and waits in the queue; the other one of the staff takes and ends.
  await portal.page.getByRole('button', { name: /^Opções de/ }).last().click()
  await portal.page.getByRole('menuitem', { name: 'Falar com uma pessoa' }).click()
  await expect(carlos.row(/Ana Souza.*Na fila/)).toBeVisible()
  await expect(carlos.page).toHaveTitle(/^\(1\)/)
  await shot(carlos.page, 'queue')
  await carlos.take('Da fila')
  await carlos.reply('Olá, Ana, aqui é o Carlos.')
  await expect(portal.page.getByRole('article', { name: 'Carlos Nogueira' })).toContainText('aqui é o Carlos')
  await carlos.page.keyboard.press('Escape')
  await carlos.page.keyboard.press('e')
  await expect(carlos.page.getByRole('dialog')).toBeVisible()
  await carlos.page.keyboard.press('Enter')
  await expect(portal.page.getByText('Esta conversa foi encerrada.')).toBeVisible()
  await expect(carlos.page.getByText('Conversa encerrada').first()).toBeVisible()

  // Who did what is on record.
  await carlos.page.getByRole('link', { name: 'Administração' }).click()
  await carlos.page.getByRole('link', { name: 'Auditoria' }).click()
  const ledger = carlos.page.getByRole('table')
  for (const what of ['Acompanhou', 'Sussurrou à IA', 'Escreveu nota', 'Assumiu', 'Devolveu à IA', 'Encerrou'])
    await expect(ledger.getByRole('cell', { name: what, exact: true }).first()).toBeVisible()
  await expect(ledger.getByRole('cell', { name: /Paula Ramos/ }).first()).toBeVisible()
  await shot(carlos.page, 'ledger')
  await accessible(carlos.page)
  await paula.close()
  await carlos.close()
})

test('two take over at once: one wins, the other is told who', async ({ browser, line, model, portal }) => {
  test.setTimeout(180_000)
  model.will('longa', { text: counted(3000), every: 40 })
  await portal.login()
  await portal.ask('Uma resposta longa')
  const staff = [
    await Console.open(browser, line.url, 'supervisor@alfa.example'),
    await Console.open(browser, line.url, 'admin@alfa.example'),
  ]
  for (const s of staff) {
    await s.read('Ana Souza')
    await s.button('Assumir').click()
    await s.page.keyboard.type('Ao mesmo tempo')
  }
  await Promise.all(staff.map((s) => s.page.keyboard.press('Enter')))
  await expect(portal.page.getByText(/\(suporte\) entrou na conversa/)).toHaveCount(1)
  const held = await Promise.all(staff.map((s) => s.page.getByRole('textbox', { name: /^Responder a/ }).isVisible()))
  await expect
    .poll(async () => (await Promise.all(staff.map((s) => s.page.getByRole('textbox', { name: /^Responder a/ }).count()))).toSorted())
    .toEqual([0, 1])
  await expect(staff[held[0] ? 1 : 0]!.page.getByText(/está atendendo/).first()).toBeVisible()
  for (const s of staff) await s.close()
})

test('what others do is seen after a lost connection, and a supervisor of beta sees nothing of alfa', async ({
  browser,
  line,
  portal,
}) => {
  test.setTimeout(180_000)
  await portal.login()
  await portal.ask('Primeira')
  await portal.answered()
  const paula = await Console.open(browser, line.url, 'supervisor@alfa.example')
  await paula.read('Ana Souza')
  await expect(paula.answer).toContainText('Resposta a: Primeira')
  line.cut()
  await expect(paula.page.getByText(/^Dados de/)).toBeVisible()
  await expect(paula.button('Assumir')).toBeDisabled()
  line.up()
  await expect(paula.page.getByText('tempo real')).toBeVisible()
  await portal.ask('Segunda')
  await expect(paula.answer).toContainText('Resposta a: Segunda')

  const address = paula.page.url()
  const conv = /c_[^/?]+/.exec(address)?.[0]
  const context = await browser.newContext({ locale: 'pt-BR' })
  const page = await context.newPage()
  await page.goto(`${line.url}/console/beta/s/${conv}`)
  await page.getByLabel('E-mail').fill('supervisor@beta.example')
  await page.getByLabel('Senha', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Entrar' }).click()
  await expect(page.getByText('Esta conversa não existe mais.')).toBeVisible()
  await expect(page.getByText('0 sessões ao vivo')).toBeVisible()
  await expect(page.getByText('Ana Souza')).toHaveCount(0)
  await context.close()

  await paula.page.setViewportSize({ width: 390, height: 844 })
  await fits(paula.page)
  await shot(paula.page, 'phone')
  await paula.page.emulateMedia({ colorScheme: 'dark' })
  await paula.button('Voltar à lista').click()
  await shot(paula.page, 'phone-list-dark')
  await paula.close()
})

test('the person is told that they are watched where that is wanted, and rates the end; the staff tags and sees the rating', async ({
  browser,
  page,
  portal,
}) => {
  const login = { tenant: 'alfa', email: 'admin@alfa.example', password }
  const signed = await page.request.post(`${portal.url}/api/v1/auth/login`, { data: login })
  const headers = { Authorization: `Bearer ${(await signed.json()).access_token}` }
  const set = await page.request.patch(`${portal.url}/api/v1/privacy`, { headers, data: { tell_watched: true } })
  expect(set.status()).toBe(200)
  await page.waitForTimeout(5500) // a changed setting counts within five seconds

  await portal.login()
  await portal.ask('Oi')
  await portal.answered()
  const told = page.getByText('Uma pessoa da equipe acompanha esta conversa.')
  await expect(told).toBeHidden()
  const paula = await Console.open(browser, portal.url, 'supervisor@alfa.example')
  await paula.read('Ana Souza')
  await expect(told).toBeVisible()
  await shot(page, 'told-watched')

  const context = paula.page.getByRole('complementary', { name: 'Contexto' })
  await context.getByRole('textbox', { name: 'Nova etiqueta' }).fill('Segunda via')
  await paula.page.keyboard.press('Enter')
  await expect(context.getByText('segunda via')).toBeVisible()
  await expect(context.getByText('ms', { exact: false }).first()).toBeVisible() // the first token
  await paula.page.getByRole('searchbox').or(paula.page.getByRole('textbox', { name: 'Filtrar por nome ou texto' })).fill('segunda via')
  await expect(paula.row('Ana Souza')).toBeVisible()
  await accessible(paula.page)

  await paula.page.keyboard.press('Escape')
  await paula.take('dúvida')
  await expect(told).toBeHidden() // who answers is named
  await paula.button('Mais ações').click()
  await paula.page.getByRole('menuitem', { name: 'Encerrar' }).click()
  await paula.button('Encerrar').click()
  await expect(page.getByText('Esta conversa foi encerrada.')).toBeVisible({ timeout: 15_000 })
  await page.getByRole('button', { name: '4: Bom' }).click()
  await page.getByRole('textbox', { name: /Quer contar mais/ }).fill('rápido')
  await shot(page, 'rating')
  await accessible(page)
  await page.getByRole('button', { name: 'Enviar avaliação' }).click()
  await expect(page.getByText('Obrigado pelo retorno.').first()).toBeVisible()

  await paula.page.reload()
  await expect(context.getByText('4 de 5')).toBeVisible()
  await expect(context.getByText('rápido')).toBeVisible()
  await shot(paula.page, 'rated')
  await paula.close()
})

test('prepared replies are made, changed and deleted; a filter is kept on this device', async ({ browser, portal }) => {
  const paula = await Console.open(browser, portal.url, 'supervisor@alfa.example')
  const { page } = paula
  await page.getByRole('link', { name: 'Respostas prontas' }).click()
  await page.getByRole('button', { name: 'Nova resposta' }).click()
  await page.getByRole('textbox', { name: 'Nome curto' }).fill('Até Logo')
  await page.getByRole('textbox', { name: 'Texto' }).fill('Até logo, {nome}!')
  await page.getByRole('button', { name: 'Guardar' }).click()
  await expect(page.getByText('/até-logo')).toBeVisible()
  await accessible(page)
  await shot(page, 'replies')
  await page.getByRole('button', { name: 'Alterar até-logo' }).click()
  await page.getByRole('textbox', { name: 'Texto' }).fill('Tchau, {nome}!')
  await page.getByRole('button', { name: 'Guardar' }).click()
  await expect(page.getByText('Tchau, {nome}!')).toBeVisible()
  await page.getByRole('button', { name: 'Excluir até-logo' }).click()
  await expect(page.getByText('/até-logo')).toBeHidden()

  await page.getByRole('link', { name: 'Ao vivo' }).click()
  await page.getByRole('button', { name: /^Em risco/ }).click()
  await page.getByRole('button', { name: 'Guardar este filtro' }).click()
  await page.goto(`${portal.url}/console/alfa`)
  const kept = page.getByRole('button', { name: 'Em risco', exact: true })
  await kept.click()
  await expect(page).toHaveURL(/view=risk/)
  await accessible(page)
  await shot(page, 'kept-filter')
  await page.getByRole('button', { name: 'Esquecer este filtro' }).click()
  await expect(kept).toBeHidden()
  await paula.close()
})
