import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { button, signIn, sound } from './admin.ts'
import { accessible, expect, password, test } from './hub.ts'
import { Provider } from './idp.ts'

// What the administrators of a distributor set in the console, on the built program.

/** Where alerts arrive; it answers with a status of the test's. */
class Receiver {
  status = 204
  readonly signatures: string[] = []
  private readonly server = http.createServer((req, res) => {
    this.signatures.push(String(req.headers['aihub-signature']))
    res.writeHead(this.status, { connection: 'close' }).end()
  })

  static async start(): Promise<Receiver> {
    const r = new Receiver()
    await new Promise<void>((done) => r.server.listen(0, '127.0.0.1', done))
    return r
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/alertas`
  }
  stop = () => new Promise((done) => this.server.close(done))
}

/** A PDF of one page that says the text. */
function pdfOf(text: string): Buffer {
  const content = `BT /F1 18 Tf 40 700 Td (${text}) Tj ET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let out = '%PDF-1.4\n'
  const at = objects.map((o, i) => {
    const start = out.length
    out += `${i + 1} 0 obj\n${o}\nendobj\n`
    return start
  })
  const xref = out.length
  out += `xref\n0 6\n0000000000 65535 f \n${at.map((n) => `${String(n).padStart(10, '0')} 00000 n \n`).join('')}`
  return Buffer.from(`${out}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${xref}\n%%EOF\n`)
}

test('supervisors see nothing of the administration', async ({ page, line, faults: _ }) => {
  await signIn(page, line.url, '/knowledge', 'supervisor@alfa.example')
  await expect(page.getByText('tempo real')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Administração' })).toHaveCount(0)
  await expect(page.getByRole('heading', { name: 'Conhecimento' })).toHaveCount(0)
})

test('knowledge is written, uploaded, tried, changed and deleted', async ({ page, line, faults: _ }) => {
  await signIn(page, line.url, '')
  await expect(page.getByRole('heading', { level: 1, name: 'Conhecimento' })).toBeFocused()
  await expect(page.getByText('Nenhum artigo ainda')).toBeVisible()
  await sound(page, 'knowledge-empty')

  // Written.
  await button(page, 'Novo artigo').click()
  await page.getByLabel('Título', { exact: true }).fill('Segunda via do boleto')
  await page.getByLabel('Texto', { exact: true }).fill('# Boleto\n\nA segunda via está no aplicativo, em Faturas.')
  await sound(page, 'article')
  await button(page, 'Salvar').click()
  await expect(page.getByRole('link', { name: 'Segunda via do boleto' })).toBeVisible()

  // Uploaded: what can be read becomes an article, of the rest the reason is said.
  const file = (name: string, text: string | Buffer) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) })
  await page.locator('input[type=file]').setInputFiles([
    file('roteador.md', '# Reiniciar o roteador\n\nDesligue da tomada por dez segundos.'),
    file('visita.pdf', pdfOf('A visita do tecnico custa oitenta reais.')),
    file('planos.docx', 'x'),
    file('vazio.txt', ''),
    file('espacos.txt', '   '),
    file('quebrado.pdf', '%PDF-1.7 nada'),
    file('longo.txt', 'a'.repeat(2 << 20)),
    file('enorme.txt', Buffer.alloc(11 << 20, 'a')),
  ])
  const jobs = page.getByRole('region', { name: 'Enviar arquivos' }).getByRole('listitem')
  for (const [name, text] of [
    ['roteador.md', 'virou artigo'],
    ['visita.pdf', 'virou artigo'],
    ['planos.docx', 'não é aceito'],
    ['vazio.txt', 'está vazio'],
    ['espacos.txt', 'nenhum texto pôde ser lido'],
    ['quebrado.pdf', 'nenhum texto pôde ser lido'],
    ['longo.txt', 'grande demais'],
    ['enorme.txt', 'grande demais'],
  ] as const)
    await expect(jobs.filter({ hasText: name })).toContainText(text)
  await expect(page.getByRole('link', { name: 'Reiniciar o roteador' })).toBeVisible()
  await sound(page, 'knowledge')
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer()
    data.items.add(new File(['# Senha do Wi-Fi\n\nEstá na etiqueta.'], 'wifi.md'))
    return data
  })
  await page.getByRole('region', { name: 'Enviar arquivos' }).dispatchEvent('drop', { dataTransfer: dropped })
  await expect(page.getByRole('link', { name: 'Senha do Wi-Fi' })).toBeVisible()

  // Tried: the passages that an answer would be given.
  await expect(async () => {
    await page.getByLabel('Pergunta de um cliente').fill('quanto custa a visita do técnico?')
    await button(page, 'Procurar trechos').click()
    await expect(page.getByText('custa oitenta reais')).toBeVisible({ timeout: 1000 })
  }).toPass()
  await sound(page, 'passages')
  await page.getByLabel('Pergunta de um cliente').fill('xyz')
  await button(page, 'Procurar trechos').click()
  await expect(page.getByText('Nenhum trecho combina')).toBeVisible()

  // Found by its words, taken out of use, deleted after a question.
  await page.getByLabel('Palavras do texto').fill('tomada')
  await page.keyboard.press('Enter')
  const rows = page.getByRole('region', { name: 'Artigos' }).getByRole('listitem')
  await expect(rows).toHaveCount(1)
  await button(page, 'Opções de Reiniciar o roteador').click()
  await page.getByRole('menuitem', { name: 'Não usar nas respostas' }).click()
  await expect(rows).toContainText('Fora de uso')
  await button(page, 'Opções de Reiniciar o roteador').click()
  await page.getByRole('menuitem', { name: 'Excluir' }).click()
  await expect(page.getByRole('dialog')).toContainText('Não há como desfazer')
  await button(page, 'Excluir').click()
  await expect(page.getByText('Nenhum artigo com estas palavras')).toBeVisible()
})

test('nothing typed is lost: by a line that is cut, by leaving the page, by somebody who was faster', async ({ page, line, hub, faults: _ }) => {
  const admin = await hub.as('admin@alfa.example')
  const article = await admin('POST', '/knowledge', { title: 'Horário', text: 'Das 8 às 18.' })
  await signIn(page, line.url, `/knowledge/${article.id}`)
  const text = page.getByLabel('Texto', { exact: true })
  await text.fill('Das 8 às 20.')

  await page.route('**/api/v1/knowledge/*', (r) => r.abort())
  await button(page, 'Salvar').click()
  await expect(page.getByRole('alert')).toContainText('Sem conexão')
  await page.unroute('**/api/v1/knowledge/*')

  await button(page, 'Voltar à lista').click()
  await expect(page.getByRole('listitem').filter({ hasText: 'Horário' })).toContainText('Rascunho')
  await page.getByRole('link', { name: 'Horário' }).click()
  await expect(text).toHaveValue('Das 8 às 20.')

  // The session ends while the person is at work.
  await page.context().clearCookies()
  await page.route('**/api/v1/knowledge/*', (r) => r.fulfill({ status: 401, json: { code: 'token_expired' } }))
  await button(page, 'Salvar').click()
  await page.getByRole('dialog').getByLabel('Senha', { exact: true }).fill(password)
  await page.unroute('**/api/v1/knowledge/*')
  await page.getByRole('dialog').getByRole('button', { name: 'Entrar' }).click()
  await expect(page.getByRole('dialog')).toBeHidden()
  await expect(text).toHaveValue('Das 8 às 20.')

  await admin('PATCH', `/knowledge/${article.id}`, { text: 'Das 9 às 18.' })
  await button(page, 'Salvar').click()
  await expect(page.getByText('Outra pessoa mudou isto enquanto você editava.')).toBeVisible()
  await expect(text).toHaveValue('Das 8 às 20.')
  await button(page, 'Ver a versão dela').click()
  await expect(text).toHaveValue('Das 9 às 18.')
  await sound(page, 'conflict')
  await button(page, 'Voltar à minha versão').click()
  await expect(text).toHaveValue('Das 8 às 20.')
  await button(page, 'Salvar').click()
  const row = page.getByRole('listitem').filter({ hasText: 'Horário' })
  await expect(row).toBeVisible()
  await expect(row).not.toContainText('Rascunho')
  expect((await admin('GET', `/knowledge/${article.id}`)).text).toBe('Das 8 às 20.')

  // What the person does not want is gone for good.
  await row.getByRole('link').click()
  await text.fill('Nunca.')
  await button(page, 'Descartar alterações').click()
  await row.getByRole('link').click()
  await expect(text).toHaveValue('Das 8 às 20.')
})

test('alerts go where the administrator says, and what became of each is told', async ({ page, line, hub, faults: _ }) => {
  const receiver = await Receiver.start()
  try {
    await signIn(page, line.url, '/alerts')
    await expect(page.getByText('Nenhum alerta nos últimos sete dias.')).toBeVisible()
    await expect(button(page, 'Enviar um teste')).toBeDisabled()
    await sound(page, 'alerts-empty')

    const url = page.getByLabel('Endereço que recebe os alertas')
    await url.fill('ftp://alfa.example')
    await button(page, 'Gerar um segredo').click()
    await button(page, 'Salvar').click()
    await expect(page.getByRole('alert')).toContainText('precisa ser https e público')
    await url.fill(receiver.url)
    await page.getByLabel('Tom negativo').uncheck()
    const secret = await page.getByLabel('Segredo da assinatura').inputValue()
    expect(secret).toMatch(/^[0-9a-f]{64}$/)
    await button(page, 'Salvar').click()
    await expect(page.getByRole('status').filter({ hasText: 'Salvo' })).toBeVisible()
    // The secret is never shown again.
    await expect(page.getByLabel('Segredo da assinatura')).toHaveValue('')
    await expect(page.getByLabel('Segredo da assinatura')).toHaveAttribute('placeholder', `guardado, termina em ${secret.slice(-4)}`)
    const admin = await hub.as('admin@alfa.example')
    expect(await admin('GET', '/alert-settings')).toMatchObject({ url: receiver.url, kinds: ['asked_human', 'no_answer', 'regenerations', 'quota'] })

    receiver.status = 500
    await button(page, 'Enviar um teste').click()
    await expect(page.getByRole('status').filter({ hasText: 'O endereço respondeu 500. Nova tentativa' })).toBeVisible()
    receiver.status = 204
    await button(page, 'Enviar um teste').click()
    await expect(page.getByRole('status').filter({ hasText: 'Entregue: o endereço respondeu 204' })).toBeVisible()
    expect(receiver.signatures.every((s) => /^t=\d+,v1=[0-9a-f]{64}$/.test(s))).toBe(true)
    await expect(page.getByRole('region', { name: 'Últimos sete dias' }).getByRole('listitem').first()).toContainText('Entregue')
    await sound(page, 'alerts')

    // Another address does not get the secret of the first one.
    await url.fill('https://outro.alfa.example/alertas')
    await expect(page.getByLabel('Segredo da assinatura')).toHaveAttribute('required')
    await expect(button(page, 'Enviar um teste')).toBeDisabled()
  } finally {
    await receiver.stop()
  }
})

test('the administrator decides whether people are told that somebody watches', async ({ page, line, hub, faults: _ }) => {
  await signIn(page, line.url, '/supervision')
  const toggle = page.getByRole('checkbox', { name: 'Avisar a pessoa quando alguém da equipe acompanha a conversa' })
  await expect(toggle).not.toBeChecked()
  await toggle.check()
  await expect(page.getByText('Uma pessoa da equipe acompanha esta conversa.')).toBeVisible()
  // A change of something else of the distributor's, under the same revision, is no conflict.
  const admin = await hub.as('admin@alfa.example')
  await admin('PATCH', '/branding', { welcome: 'Boa tarde' })
  await button(page, 'Salvar').click()
  await expect(page.getByRole('status').filter({ hasText: 'Salvo' })).toBeVisible()
  await sound(page, 'supervision')
  expect((await admin('GET', '/privacy')).tell_watched).toBe(true)

  // Somebody else changes it meanwhile.
  await page.getByRole('checkbox', { name: 'Ocultar dados pessoais do modelo' }).click()
  await admin('PATCH', '/privacy', { tell_watched: false })
  await button(page, 'Salvar').click()
  await expect(page.getByText('Outra pessoa mudou isto enquanto você editava.')).toBeVisible()
  await button(page, 'Ver a versão dela').click()
  await expect(toggle).not.toBeChecked()
  await button(page, 'Salvar').click()
  await expect(page.getByText('Outra pessoa mudou isto')).toBeHidden()
  expect((await admin('GET', '/privacy')).tell_watched).toBe(false)
})

test('people sign in at a provider that the administrator has added, until it is deleted', async ({ page, browser, hub, faults: _ }) => {
  const provider = await Provider.start()
  const visitor = await (await browser.newContext({ locale: 'pt-BR' })).newPage()
  const way = visitor.getByRole('link', { name: 'Entrar com Conta Alfa' })
  try {
    await signIn(page, hub.url, '/logins')
    await expect(page.getByText('Nenhum provedor.')).toBeVisible()
    await expect(page.getByLabel('Endereço de retorno, a registrar no provedor')).toHaveValue(`${hub.url}/auth/oidc/alfa/callback`)
    await sound(page, 'logins-empty')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await button(page, 'Copiar').click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${hub.url}/auth/oidc/alfa/callback`)

    await button(page, 'Novo provedor').click()
    await page.getByLabel('Nome no botão').fill('Conta Alfa')
    await page.getByLabel('Emissor (issuer)').fill(provider.issuer)
    await page.getByLabel('Cliente (client ID)').fill(provider.client)
    await page.getByLabel('Cliente público, sem segredo').check()
    await page.getByLabel('Domínios de e-mail que podem entrar').fill('sem ponto')
    await page.getByLabel('Papel inicial').selectOption('Supervisor')
    await page.getByLabel('Campo do provedor que diz o papel (claim)').fill('groups')
    await button(page, 'Nova regra').click()
    await page.getByLabel('Valor 1').fill('noc')
    await sound(page, 'login')
    await button(page, 'Salvar').click()
    await expect(page.getByRole('alert')).toContainText('os domínios')
    await page.getByLabel('Domínios de e-mail que podem entrar').fill('alfa.example')
    await button(page, 'Salvar').click()
    await expect(page.getByRole('listitem').filter({ hasText: 'Conta Alfa' })).toContainText('Em uso')
    await sound(page, 'logins')

    await visitor.goto(`${hub.url}/console/alfa`)
    await way.click()
    await visitor.getByRole('textbox', { name: 'E-mail' }).fill('bia@alfa.example')
    await visitor.getByRole('button', { name: 'Continuar' }).click()
    await expect(visitor.getByRole('navigation', { name: 'Seções' })).toBeVisible()

    // Its button is taken from the page, then the provider goes.
    await page.getByRole('link', { name: 'Conta Alfa' }).click()
    await page.getByLabel('Mostrar o botão na página de entrada').uncheck()
    await button(page, 'Salvar').click()
    await expect(page.getByRole('listitem').filter({ hasText: 'Conta Alfa' })).toContainText('Fora de uso')
    await visitor.context().clearCookies()
    await visitor.goto(`${hub.url}/p/alfa`)
    await expect(visitor.getByLabel('E-mail')).toBeVisible()
    await expect(way).toHaveCount(0)
    await button(page, 'Opções de Conta Alfa').click()
    await page.getByRole('menuitem', { name: 'Excluir' }).click()
    await button(page, 'Excluir').click()
    await expect(page.getByText('Nenhum provedor.')).toBeVisible()
  } finally {
    await visitor.context().close()
    await provider.stop()
  }
})

test('the administration speaks English, too', async ({ page, line, faults: _ }) => {
  await page.context().addCookies([{ name: 'lang', value: 'en', url: line.url }])
  await page.goto(`${line.url}/console/alfa/admin/alerts`)
  await page.getByLabel('Email').fill('admin@alfa.example')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Alerts' })).toBeVisible()
  for (const [name, title] of [['Knowledge', 'Knowledge'], ['Supervision', 'Supervision'], ['Sign in with…', 'Sign in with…']] as const) {
    await page.getByRole('navigation', { name: 'Administration' }).getByRole('link', { name }).click()
    await expect(page.getByRole('heading', { level: 1, name: title })).toBeFocused()
    await accessible(page)
  }
})
