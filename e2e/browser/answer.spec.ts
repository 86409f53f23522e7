import { accessible, expect, fits, type Hub, Portal, test } from './hub.ts'
import { counted } from './model.ts'
import { payloads } from './payloads.ts'

// What belongs to an answer and to a person beside the talk itself.

const usuario = 'usuario@alfa.example'

/** Puts the participant of alfa on a plan of its own. */
async function onPlan(hub: Hub, limits: object[]) {
  const admin = await hub.as('admin@alfa.example')
  const plan = await admin('POST', '/plans', { name: 'De teste', limits, allow_global_key: true, concurrency: 2 })
  const { user } = await (await hub.as(usuario))('GET', '/me')
  await admin('POST', '/subscriptions', { user_id: user.id, plan_id: plan.id })
}

test('where the plan has several models the person chooses, and the choice is kept', async ({ portal, hub, model, page }) => {
  const admin = await hub.as('admin@alfa.example')
  await admin('POST', '/models', { key: 'profundo', provider: 'openai', model: 'profundo-1', name: 'Profundo' })
  await portal.login()
  const choice = page.getByRole('combobox', { name: 'Modelo' })
  await expect(choice.locator('option:checked')).toHaveText('Automático')
  await choice.selectOption({ label: 'Profundo' })
  await portal.ask('Com qual modelo?')
  await portal.answered()
  await expect(portal.answer).toContainText('Profundo')
  expect(model.names.at(-1)).toBe('profundo-1')
  await page.reload()
  await expect(choice.locator('option:checked')).toHaveText('Profundo')
  await accessible(page)
})

test('what a model thinks is folded, opens by keyboard, and is no part of the answer', async ({ portal, hub, model, page }) => {
  const admin = await hub.as('admin@alfa.example')
  const config = { name: 'Pensador', provider: 'openai', base_url: model.url, default_model: 'pensador', default: true, show_reasoning: true }
  await admin('POST', '/llm-configs', { ...config, api_key: 'teste' })
  const hostile = payloads.find((p) => p.startsWith('<img'))!
  const thoughts = `A pessoa quer o prazo.\nVou olhar o contrato. ${hostile}`
  model.will('prazo', { text: 'O prazo é de **3 dias**.', thoughts })
  await portal.login()
  await portal.ask('Qual é o prazo?')
  await portal.answered()
  const summary = portal.answer.getByText('Raciocínio', { exact: true })
  const folded = portal.answer.getByText('Vou olhar o contrato.')
  await expect(summary).toBeVisible()
  await expect(folded).toBeHidden()
  await accessible(page)

  for (let i = 0; i < 60 && !(await summary.evaluate((e) => e === document.activeElement)); i++) await page.keyboard.press('Tab')
  await expect(summary).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(folded).toBeVisible()
  await expect(folded).toHaveText(thoughts)
  expect(await page.evaluate(() => '__ran' in window)).toBe(false)
  await accessible(page)
  await fits(page)

  expect(await portal.copied()).toBe('O prazo é de **3 dias**.')
  await summary.focus()
  await page.keyboard.press('Space')
  await expect(folded).toBeHidden()

  // Nor is it kept: the stored answer is what was said.
  const conv = /c_[^/]+$/.exec(page.url())![0]
  const stored = await (await hub.as(usuario))('GET', `/conversations/${conv}/messages`)
  expect(stored.items[0].text).toBe('O prazo é de **3 dias**.')
  expect(JSON.stringify(stored)).not.toContain('Vou olhar o contrato')
})

test('an answer names the articles it draws on, and hostile articles stay texts', async ({ portal, hub, model, page }) => {
  const admin = await hub.as('admin@alfa.example')
  const hostile = payloads.find((p) => p.startsWith('<img'))!
  await admin('POST', '/knowledge', { title: `Prazo de desbloqueio ${hostile}`, text: `O desbloqueio em confiança dura 3 dias. ${payloads.slice(0, 40).join('\n')}` })
  model.will('desbloqueio', { text: `O desbloqueio dura **3 dias** [1]. ${hostile}` })
  await portal.login()
  await portal.ask('Quanto dura o desbloqueio em confiança?')
  await portal.answered()
  const sources = portal.answer.getByRole('region', { name: 'Fontes' })
  await expect(sources.getByRole('listitem')).toHaveCount(1)
  await expect(sources).toContainText('Prazo de desbloqueio')
  await expect(sources).toContainText(hostile)
  expect(await page.evaluate(() => '__ran' in window)).toBe(false)
  await accessible(page)
  await page.reload()
  await expect(sources).toContainText('Prazo de desbloqueio')
})

test('a vote is kept, shows in every tab, can be explained and taken back', async ({ portal, hub, context, page }) => {
  await portal.login()
  await portal.ask('Ajuda?')
  await portal.answered()
  const up = portal.answer.getByRole('button', { name: 'Boa resposta' })
  const down = portal.answer.getByRole('button', { name: 'Resposta ruim' })
  const other = new Portal(await context.newPage(), portal.url)
  await other.page.goto(page.url())
  await other.answered()
  await up.click()
  await expect(up).toHaveAttribute('aria-pressed', 'true')
  await expect(other.answer.getByRole('button', { name: 'Boa resposta' })).toHaveAttribute('aria-pressed', 'true')
  await page.reload()
  await expect(up).toHaveAttribute('aria-pressed', 'true')

  await down.click()
  await expect(up).toHaveAttribute('aria-pressed', 'false')
  await portal.answer.getByRole('button', { name: 'Desatualizada' }).click()
  await portal.answer.getByRole('textbox', { name: 'O que deu errado?' }).fill('o preço mudou')
  await accessible(page)
  await portal.answer.getByRole('button', { name: 'Enviar avaliação' }).click()
  await expect(page.getByText('Obrigado pelo retorno.')).toBeVisible()
  const conv = /c_[^/]+$/.exec(page.url())![0]
  const seen = await (await hub.as('supervisor@alfa.example'))('GET', `/conversations/${conv}/messages`)
  expect(seen.items[0].feedback).toEqual({ vote: 'down', reason: 'Desatualizada: o preço mudou' })

  await down.click()
  await expect(down).toHaveAttribute('aria-pressed', 'false')
  await page.reload()
  await expect(portal.answers).toHaveCount(1)
  await expect(down).toHaveAttribute('aria-pressed', 'false')
})

test('a search finds what was said, whatever its accents', async ({ portal, model, page }) => {
  await portal.login()
  model.will('lento', { text: `${counted(60)} Troque o canal do roteador: há interferência. ${counted(60)}` })
  await portal.ask('Está lento')
  await portal.answered()
  await page.keyboard.press('Control+Shift+O')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: /Buscar/ }).fill('INTERFERENCIA')
  const found = page.getByRole('option')
  await expect(found).toHaveCount(1)
  await expect(found).toContainText('há interferência')
  await accessible(page)
  await page.keyboard.press('Enter')
  await expect(portal.answer).toContainText('Troque o canal')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: /Buscar/ }).fill('nada disso')
  await expect(page.getByRole('status').filter({ hasText: 'Nada encontrado.' })).toBeVisible()
})

test('who agreed to the notice is not asked again on another device, and reads it in their data', async ({ portal, hub, browser, page }) => {
  const admin = await hub.as('admin@alfa.example')
  await admin('PATCH', '/branding', { privacy_url: 'https://alfa.example/privacidade' })
  await admin('PATCH', '/retention', { content_days: 90 })
  await page.goto(`${portal.url}/p/alfa`)
  await page.getByLabel('E-mail').fill(usuario)
  await page.getByLabel('Senha', { exact: true }).fill('demo-aihub')
  await page.getByRole('button', { name: 'Entrar' }).click()
  const notice = page.getByRole('region', { name: 'Antes de começar' })
  await expect(notice).toContainText('inteligência artificial de Alfa Fibra')
  await expect(notice).toContainText('por 90 dias')
  await expect(notice.getByRole('link', { name: 'Política de privacidade' })).toHaveAttribute('href', 'https://alfa.example/privacidade')
  await accessible(page)
  await portal.agree()

  const context = await browser.newContext({ locale: 'pt-BR' })
  const other = new Portal(await context.newPage(), portal.url)
  await other.login()
  await expect(other.box).toBeVisible()
  await other.page.getByRole('button', { name: 'Conta e preferências' }).click()
  await other.page.getByRole('menuitem', { name: 'Meus dados' }).click()
  await expect(other.page.getByRole('dialog')).toContainText(/Você concordou com o aviso \(versão \w+\) em /)
  await accessible(other.page)
  const download = other.page.waitForEvent('download')
  await other.page.getByRole('button', { name: 'Baixar uma cópia' }).click()
  expect((await download).suggestedFilename()).toBe('meus-dados.json')
  await context.close()

  await admin('PATCH', '/privacy', { notice: 'Outro texto, que se lê de novo.' })
  await page.reload()
  await expect(notice).toContainText('Outro texto')
})

test('a portal without a logo has its initial as its sign, and can be installed', async ({ portal, hub, page }) => {
  await (await hub.as('admin@alfa.example'))('PATCH', '/branding', { logo: '', portal_name: 'Ótima Fibra' })
  await page.goto(`${portal.url}/p/alfa`)
  const icon = await page.locator('link[rel=icon]').getAttribute('href')
  const svg = await page.request.get(`${portal.url}${icon}`)
  expect(svg.headers()['content-type']).toBe('image/svg+xml')
  expect(await svg.text()).toContain('>Ó<')
  const manifest = await (await page.request.get(`${portal.url}/p/alfa/manifest.webmanifest`)).json()
  expect(manifest).toMatchObject({ name: 'Ótima Fibra', display: 'standalone', start_url: '/p/alfa' })
  expect(manifest.icons[0]).toMatchObject({ src: icon, sizes: 'any', purpose: 'any maskable' })
  await expect(page).toHaveTitle(/Ótima Fibra/)
})

test('a plan for the month is shown, told when it is nearly used up, and told when it is', async ({ portal, hub, page }) => {
  await onPlan(hub, [{ window: 'month', messages: 5 }])
  await portal.login()
  for (const n of [1, 2, 3, 4]) {
    await portal.ask(`Mensagem ${n}`)
    await portal.answered(n)
  }
  await expect(page.getByText(/Você já usou 80\s?% do seu plano\. Renova em \d\d\/\d\d\/\d{4}\./)).toBeVisible()
  await portal.ask('Mensagem 5')
  await portal.answered(5, 30_000).catch(() => {}) // the button that says so is disabled now
  const full = page.getByText(/O limite do seu plano foi atingido\. Renova em \d\d\/\d\d\/\d{4}\./)
  await expect(full.first()).toBeVisible()
  await portal.box.fill('Mais uma')
  await expect(portal.send).toBeDisabled()
  await expect(portal.box).toHaveAccessibleDescription(/O limite do seu plano foi atingido/)
  await expect(portal.answers).toHaveCount(5)
  await accessible(page)
})

test.describe('at 200 % zoom', () => {
  test.use({ viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 })
  test('everything fits and the box stays in reach', async ({ portal, page }) => {
    await portal.login()
    await fits(page)
    await portal.ask('Com lupa')
    await portal.answered()
    await fits(page)
    await expect(portal.box).toBeInViewport()
    await expect(portal.send).toBeInViewport()
    await page.getByRole('button', { name: 'Abrir conversas' }).click()
    await page.getByRole('button', { name: 'Conta e preferências' }).click()
    await expect(page.getByRole('menuitem', { name: 'Sair' })).toBeInViewport()
  })
})

test('who wants less motion sees none', async ({ portal, model, page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  model.will('parada', { text: counted(400), every: 30 })
  await portal.login()
  await portal.ask('Resposta parada')
  await expect(portal.answer).toContainText('palavra-5')
  const moving = await page.evaluate(() =>
    document.getAnimations().filter((a) => Number(a.effect?.getComputedTiming().duration) > 10 && a.effect?.getComputedTiming().iterations !== 1).length,
  )
  expect(moving).toBe(0)
  await portal.stop.click()
})

test('when a model fails, another one is a click away', async ({ portal, hub, model }) => {
  await (await hub.as('admin@alfa.example'))('POST', '/models', { key: 'profundo', provider: 'openai', model: 'profundo-1', name: 'Profundo' })
  await portal.login()
  model.will('filtrada', { text: 'Meia', cut: true })
  await portal.ask('Uma filtrada')
  await expect(portal.answer).toContainText('A resposta foi cortada.')
  model.will('filtrada', { text: 'Agora inteira.' })
  await portal.answer.getByRole('button', { name: 'Usar Profundo' }).click()
  await expect(portal.answer).toContainText('Agora inteira.')
  expect(model.names.at(-1)).toBe('profundo-1')
})

test('a conversation that was closed can be rated', async ({ portal, hub, page }) => {
  await portal.login()
  await portal.ask('Resolvido')
  await portal.answered()
  await page.getByRole('main').getByRole('button', { name: /Opções de/ }).click()
  await page.getByRole('menuitem', { name: 'Encerrar conversa' }).click()
  await page.getByRole('button', { name: '4: Bom' }).click()
  await page.getByRole('textbox', { name: 'Quer contar mais?' }).fill('foi rápido')
  await accessible(page)
  await page.getByRole('button', { name: 'Enviar avaliação' }).click()
  await expect(page.getByText('Obrigado pelo retorno.').first()).toBeVisible()
  const conv = /c_[^/]+$/.exec(page.url())![0]
  expect(await (await hub.as('supervisor@alfa.example'))('GET', `/conversations/${conv}/rating`)).toMatchObject({ score: 4, comment: 'foi rápido' })
  await expect(page.getByRole('button', { name: 'Começar outra' })).toBeVisible()
})
