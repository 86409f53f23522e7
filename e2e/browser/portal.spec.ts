import { accessible, expect, fits, Portal, test } from './hub.ts'
import { counted } from './model.ts'

test('a whole conversation: sign in, ask, read, ask again, rename, find, export, delete, undo, sign out', async ({ portal, model, page }) => {
  const first = '## Segunda via\n\nAbra **Faturas** e toque em `2ª via`.\n\n| Mês | Valor |\n|---|--:|\n| Nov | R$ 89,90 |'
  model.will('boleto', { text: first })
  await portal.login()
  await expect(page).toHaveTitle(/Alfa Fibra/)
  await expect(portal.box).toBeFocused()

  await portal.ask('Quero a segunda via do boleto')
  await expect(page).toHaveURL(/\/p\/alfa\/c\/c_/)
  await portal.answered()
  await expect(portal.answer.getByRole('heading', { name: 'Segunda via' })).toBeVisible()
  await expect(portal.answer.getByRole('cell', { name: 'R$ 89,90' })).toBeVisible()
  expect(await portal.copied()).toBe(first)
  await expect(page.getByRole('status').filter({ hasText: 'Resposta completa' })).toHaveCount(1)

  await portal.ask('E a de outubro?')
  await portal.answered(2)
  await expect(portal.questions).toHaveCount(2)

  const list = page.getByRole('navigation', { name: 'Conversas' })
  await list.getByRole('button', { name: /Opções de Quero a segunda via/ }).click()
  await page.getByRole('menuitem', { name: 'Renomear' }).click()
  await page.getByRole('textbox', { name: 'Título da conversa' }).fill('Boleto de novembro')
  await page.keyboard.press('Enter')
  await expect(list.getByRole('link', { name: 'Boleto de novembro' })).toBeVisible()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Boleto de novembro')

  const download = page.waitForEvent('download')
  await list.getByRole('button', { name: 'Opções de Boleto de novembro' }).click()
  await page.getByRole('menuitem', { name: 'Exportar .md' }).click()
  expect((await download).suggestedFilename()).toMatch(/\.md$/)

  await page.keyboard.press('Control+Shift+O')
  await expect(page.getByRole('heading', { name: 'Como podemos ajudar' })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: /Buscar/ }).fill('bolêto nov')
  await page.keyboard.press('Enter')
  await expect(portal.answers).toHaveCount(2)

  await list.getByRole('button', { name: 'Opções de Boleto de novembro' }).click()
  await page.getByRole('menuitem', { name: 'Excluir' }).click()
  await expect(list.getByRole('link', { name: 'Boleto de novembro' })).toBeHidden()
  await page.getByRole('button', { name: 'Desfazer' }).click()
  await expect(list.getByRole('link', { name: 'Boleto de novembro' })).toBeVisible()

  await page.getByRole('button', { name: 'Conta e preferências' }).click()
  await page.getByRole('menuitem', { name: 'Sair' }).click()
  await expect(page.getByRole('button', { name: 'Entrar' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('button', { name: 'Entrar' })).toBeVisible()
})

test('a wrong password is refused in words, and says nothing about who exists', async ({ portal, page }) => {
  await page.goto(`${portal.url}/p/alfa`)
  for (const email of ['usuario@alfa.example', 'ninguem@alfa.example']) {
    await page.getByLabel('E-mail').fill(email)
    await page.getByLabel('Senha', { exact: true }).fill('errada-errada')
    await page.getByRole('button', { name: 'Entrar' }).click()
    await expect(page.getByRole('alert')).toHaveText('E-mail ou senha não conferem.')
  }
  await page.goto(`${portal.url}/p/nao-existe`)
  await expect(page.getByText(/não encontrad|404|not found/i).first()).toBeVisible()
})

test('Esc stops the answer; what was written stays and the next question can be asked', async ({ portal, model, page }) => {
  model.will('longa', { text: counted(2000), every: 20 })
  await portal.login()
  await portal.ask('Uma resposta longa')
  await expect(portal.answer).toContainText('palavra-5')
  await portal.box.press('Escape')
  await expect(portal.answer).toContainText('Resposta interrompida')
  await expect(portal.send).toBeVisible()
  const text = await portal.copied()
  expect(counted(2000).startsWith(text)).toBe(true)
  await page.reload()
  await expect(portal.answer).toContainText('Resposta interrompida')
  expect(await portal.copied()).toBe(text)
  await portal.ask('Outra coisa')
  await portal.answered(2)
})

test('a reload in mid-answer goes on at the same token', async ({ portal, model, page }) => {
  const whole = counted(600)
  model.will('reload', { text: whole, every: 25 })
  await portal.login()
  await portal.ask('Vou dar reload')
  await expect(portal.answer).toContainText('palavra-20')
  await page.reload()
  await expect(portal.answer).toContainText('palavra-20')
  await expect(portal.stop).toBeVisible()
  await portal.answered()
  expect(await portal.copied()).toBe(whole)
})

test('a cut of the line in mid-answer loses and doubles nothing', async ({ portal, line, model, page }) => {
  const whole = counted(900)
  model.will('corte', { text: whole, every: 25 })
  await portal.login()
  await portal.ask('Aguenta um corte?')
  for (const word of ['palavra-20', 'palavra-200']) {
    await expect(portal.answer).toContainText(word)
    line.cut()
    await expect(page.getByText('Sem conexão. Tentando de novo…')).toBeVisible()
    line.up()
    await expect(page.getByText('Sem conexão. Tentando de novo…')).toBeHidden()
  }
  await portal.answered()
  expect(await portal.copied()).toBe(whole)
  expect(model.asked).toHaveLength(1)
})

test('offline, one message waits and is sent once', async ({ portal, line, model, page }) => {
  await portal.login()
  await portal.ask('Oi')
  await portal.answered()
  line.cut()
  await expect(page.getByText('Sem conexão. Tentando de novo…')).toBeVisible()
  await portal.ask('Escrita sem rede')
  await expect(portal.questions.last()).toContainText('Aguardando conexão')
  line.up()
  await portal.answered(2)
  await expect(portal.questions).toHaveCount(2)
  await expect(portal.questions.last()).not.toContainText('Aguardando conexão')
  expect(model.asked.filter((q) => q === 'Escrita sem rede')).toHaveLength(1)
})

test('two tabs show the same answer as it is written, and the second can stop it', async ({ portal, model, context }) => {
  model.will('abas', { text: counted(2000), every: 25 })
  await portal.login()
  await portal.ask('Duas abas')
  await expect(portal.answer).toContainText('palavra-10')
  const other = new Portal(await context.newPage(), portal.url)
  await other.page.goto(portal.page.url())
  await expect(other.answer).toContainText('palavra-40')
  await other.stop.click()
  await expect(portal.answer).toContainText('Resposta interrompida')
  await expect(other.answer).toContainText('Resposta interrompida')
  expect(await other.copied()).toBe(await portal.copied())
})

test('a conversation begun in one tab appears in the list of the other', async ({ portal, context }) => {
  await portal.login()
  const other = new Portal(await context.newPage(), portal.url)
  await other.page.goto(`${portal.url}/p/alfa`)
  await expect(other.box).toBeVisible()
  await portal.ask('Começada na primeira aba')
  await portal.answered()
  await other.page.getByRole('link', { name: 'Começada na primeira aba' }).click()
  await expect(other.answers).toHaveCount(1)
})

test('a failure of the model is told by kind, and trying again is one click', async ({ portal, model }) => {
  await portal.login()
  model.will('cortada', { text: 'Meia respo', cut: true })
  await portal.ask('Resposta cortada')
  await expect(portal.answer).toContainText('A resposta foi cortada.')
  await expect(portal.answer).toContainText('Meia respo')
})

test('the limit of messages a minute is told with the time it lasts', async ({ portal, page }) => {
  await portal.login('usuario@beta.example', 'beta')
  // The plan allows ten a minute; they are sent faster than a person could.
  await page.evaluate(async () => {
    const r = await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tenant: 'beta', email: 'usuario@beta.example', password: 'demo-aihub' }),
    })
    const { access_token } = await r.json()
    const ws = new WebSocket(`ws://${location.host}/ws`, 'aihub.v1')
    await new Promise((done) => {
      let n = 0
      const next = () => ws.send(JSON.stringify({ t: 'send', id: ++n, cid: `c${n}`, text: `Mensagem ${n}` }))
      ws.onopen = () => ws.send(JSON.stringify({ t: 'auth', id: 'a', token: access_token }))
      ws.onmessage = (e) => {
        const f = JSON.parse(e.data)
        if (f.t === 'hello' || (f.t === 'ev' && f.k === 'run.end')) next()
        if (f.t === 'err') done(f)
      }
    })
    ws.close()
  })
  await portal.ask('Mais uma')
  await expect(page.getByText('O limite do seu plano foi atingido.')).toBeVisible()
  await expect(page.getByText('Mais uma', { exact: true })).toBeVisible()
})

test.describe('with a short session', () => {
  test.use({ hubEnv: { AIHUB_ACCESS_TTL: '8' } })
  test('an expired session is renewed in place, and the draft is kept', async ({ portal, page, context }) => {
    await portal.login()
    await portal.ask('Antes')
    await portal.answered()
    await portal.box.fill('um rascunho que não pode sumir')
    await context.clearCookies()
    const dialog = page.getByRole('dialog', { name: 'Sua sessão expirou' })
    await expect(dialog).toBeVisible({ timeout: 40_000 })
    await expect(dialog.getByLabel('Senha', { exact: true })).toBeFocused()
    await accessible(page)
    await expect(dialog.getByLabel('E-mail')).toHaveValue('usuario@alfa.example')
    await dialog.getByLabel('Senha', { exact: true }).fill('demo-aihub')
    await dialog.getByRole('button', { name: 'Entrar' }).click()
    await expect(dialog).toBeHidden()
    await expect(portal.box).toHaveValue('um rascunho que não pode sumir')
    await portal.send.click()
    await portal.answered(2)
  })
})

test('the whole job with the keyboard alone', async ({ portal, page }) => {
  await page.goto(`${portal.url}/p/alfa`)
  await expect(page.getByLabel('E-mail')).toBeFocused()
  await page.keyboard.type('usuario@alfa.example')
  await page.keyboard.press('Tab')
  await page.keyboard.type('demo-aihub')
  await page.keyboard.press('Enter')
  await expect(portal.box).toBeFocused()
  await page.keyboard.type('Linha um')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('linha dois')
  await page.keyboard.press('Enter')
  await portal.answered()
  await expect(portal.questions).toContainText('Linha um\nlinha dois')
  await expect(portal.box).toBeFocused()
  await page.keyboard.press('Control+/')
  await expect(page.getByRole('dialog', { name: 'Atalhos do teclado' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('Control+Shift+O')
  await expect(portal.answers).toHaveCount(0)
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('combobox', { name: /Buscar/ })).toBeFocused()
  await page.keyboard.type('Linha')
  await page.keyboard.press('Enter')
  await expect(portal.answers).toHaveCount(1)
  await expect(portal.box).toBeFocused()
})

test('theme and language are chosen once and are there before the first paint', async ({ portal, page }) => {
  await portal.login()
  await page.getByRole('button', { name: 'Conta e preferências' }).click()
  await page.getByRole('menuitem', { name: 'Aparência' }).click()
  await page.getByRole('radio', { name: 'Escuro' }).check()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Conta e preferências' }).click()
  await page.getByRole('menuitem', { name: 'English' }).click()
  await expect(page.getByRole('textbox', { name: 'Ask anything…' })).toBeVisible()
  const html = await (await page.request.get(page.url())).text()
  expect(html).toMatch(/<html lang="en" data-theme="dark"/)
  await page.reload()
  await expect(page.getByRole('textbox', { name: 'Ask anything…' })).toBeVisible()
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark')
})

for (const [name, viewport] of [
  ['a phone', { width: 390, height: 844 }],
  ['a small phone', { width: 320, height: 640 }],
] as const) {
  test.describe(name, () => {
    test.use({ viewport, isMobile: true, hasTouch: true })
    test(`everything fits and can be reached on ${name}`, async ({ portal, model, page }) => {
      const wide = `| ${'coluna larga | '.repeat(8)}\n|${'---|'.repeat(8)}\n| ${'célula | '.repeat(8)}`
      model.will('tabela', { text: `Veja:\n\n${wide}\n\n\`\`\`bash\n${'x'.repeat(300)}\n\`\`\`\n\nhttps://ixc.example/${'a'.repeat(200)}` })
      await portal.login()
      await fits(page)
      await portal.ask('Uma tabela e um código')
      await portal.answered()
      await fits(page)
      await page.getByRole('button', { name: 'Abrir conversas' }).tap()
      await expect(page.getByRole('dialog', { name: 'Conversas' })).toBeVisible()
      await fits(page)
      await accessible(page)
      await page.getByRole('dialog').getByRole('link', { name: 'Nova conversa' }).tap()
      await expect(page.getByRole('dialog')).toHaveCount(0)
      await expect(page.getByRole('heading', { name: 'Como podemos ajudar' })).toBeVisible()
      const small = await page.evaluate(() =>
        [...document.querySelectorAll('button, a, select, textarea')]
          .map((e) => ({ name: e.getAttribute('aria-label') ?? e.textContent, box: e.getBoundingClientRect() }))
          .filter(({ box }) => box.width > 0 && box.top >= 0 && (box.height < 44 || box.width < 44))
          .map(({ name, box }) => `${name}: ${box.width}×${box.height}`),
      )
      expect(small).toEqual([])
    })
  })
}

test('no screen has an accessibility violation', async ({ portal, model, page }) => {
  await page.goto(`${portal.url}/p/alfa`)
  await expect(page.getByLabel('E-mail')).toBeVisible()
  await accessible(page)
  await portal.login()
  await accessible(page)
  model.will('tudo', { text: '# Um\n\n1. a\n2. b\n\n- [x] feito\n\n> citação\n\n```go\nx := 1\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[link](https://ixc.example)' })
  await portal.ask('Mostre tudo')
  await portal.answered()
  await accessible(page)
  for (const name of ['Aparência', 'Atalhos do teclado', 'Meus dados']) {
    await page.getByRole('button', { name: 'Conta e preferências' }).click()
    await accessible(page)
    await page.getByRole('menuitem', { name }).click()
    await expect(page.getByRole('dialog', { name })).toBeVisible()
    await accessible(page)
    await page.keyboard.press('Escape')
  }
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('dialog', { name: 'Buscar' })).toBeVisible()
  await accessible(page)
})

test('another answer, an edited question, and the way back to the ones before', async ({ portal, model, page }) => {
  await portal.login()
  model.will('planos', { text: 'Primeira resposta.' })
  await portal.ask('Quais planos?')
  await portal.answered()
  model.will('planos', { text: 'Segunda resposta.' })
  await portal.answer.getByRole('button', { name: 'Gerar de novo' }).click()
  await expect(portal.answer).toContainText('Segunda resposta.')
  await expect(portal.answer).toContainText('2/2')
  await portal.answer.getByRole('button', { name: 'Versão anterior' }).click()
  await expect(portal.answer).toContainText('Primeira resposta.')

  await portal.box.press('ArrowUp')
  const editor = page.getByRole('textbox', { name: 'Editar mensagem' })
  await expect(editor).toBeFocused()
  await editor.fill('E os preços?')
  model.will('preços', { text: 'A partir de R$ 89,90.' })
  await editor.press('Enter')
  await expect(portal.answers).toHaveCount(1)
  await expect(portal.answer).toContainText('A partir de R$ 89,90.')
  await portal.questions.first().hover()
  await expect(portal.questions.first()).toContainText('2/2')
  await portal.questions.first().getByRole('button', { name: 'Versão anterior' }).click()
  await expect(portal.questions.first()).toContainText('Quais planos?')
  await expect(portal.answer).toContainText('resposta.')
  await page.reload()
  await expect(portal.questions.first()).toContainText('E os preços?')
})

test('one more message waits for its turn, and can be withdrawn', async ({ portal, model }) => {
  await portal.login()
  model.will('devagar', { text: counted(120), every: 60 })
  await portal.ask('Responda devagar')
  await expect(portal.answer).toContainText('palavra-3')
  await portal.ask('E mais uma coisa')
  await expect(portal.questions.last()).toContainText('Na fila')
  await portal.questions.last().getByRole('button', { name: 'Retirar' }).click()
  await expect(portal.questions.last()).not.toContainText('Na fila')
  await portal.ask('Esta fica')
  await expect(portal.questions.last()).toContainText('Na fila')
  await expect(portal.answers).toHaveCount(2)
  await expect(portal.answer).toContainText('Resposta a: Esta fica')
  expect(model.asked).toHaveLength(2)
})

test('a stopped answer can be continued', async ({ portal, model }) => {
  await portal.login()
  model.will('longa', { text: counted(3000), every: 20 })
  await portal.ask('Uma longa')
  await expect(portal.answer).toContainText('palavra-5')
  await portal.stop.click()
  model.will('Continue', { text: 'continuação' })
  await portal.answer.getByRole('button', { name: 'Continuar' }).click()
  await expect(portal.answers).toHaveCount(2)
  await expect(portal.answer).toContainText('continuação')
})
