import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { button, signIn, sound } from './admin.ts'
import { expect, test } from './hub.ts'

// How the administrators of a distributor bring the chat onto their sites, on the built program.

test('a key is made, pasted into a site, changed and deleted', async ({ page, browser, line, hub, faults: _ }) => {
  const admin = await hub.as('admin@alfa.example')
  for (const k of (await admin('GET', '/widget-keys')).items) await admin('DELETE', `/widget-keys/${k.id}`)
  const told = (text: string) => expect(page.getByRole('status').filter({ hasText: text })).toBeVisible()
  // A site of the distributor's, on another port.
  let html = ''
  const site = http.createServer((_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end(html))
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const visitor = await (await browser.newContext({ locale: 'pt-BR' })).newPage()
  try {
    await signIn(page, line.url, '/widget-keys')
    await expect(page.getByText('Nenhuma chave ainda.')).toBeVisible()

    await button(page, 'Nova chave').click()
    await page.getByLabel('Nome', { exact: true }).fill('Site principal')
    await page.getByLabel('Site 1', { exact: true }).fill('http://www.alfa.example')
    await page.getByLabel('Por dia').fill('muitas')
    await page.getByRole('textbox', { name: 'Em português' }).first().fill('Oi! Aqui é a Alfa.')
    await button(page, 'Salvar').click()
    await expect(page.getByLabel('Site 1', { exact: true })).toBeFocused()
    await expect(page.getByText('Escreva um endereço com https')).toBeVisible()
    await sound(page, 'widget-wrong')
    // Lines that are pasted together come apart, and a page's address becomes its origin.
    await page.getByLabel('Site 1', { exact: true }).fill('')
    await page.getByLabel('Site 1', { exact: true }).evaluate((field, text) => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text', text)
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, `${origin}\nwww.alfa.example/contato`)
    await expect(page.getByLabel('Site 2', { exact: true })).toHaveValue('www.alfa.example/contato')
    await page.getByLabel('Por dia').fill('1.000')
    await button(page, 'Incluir horário').click()
    await page.getByRole('checkbox', { name: 'sábado' }).check()
    await page.getByLabel('WhatsApp').fill('+55 (49) 99999-0000')
    await button(page, 'Salvar').click()
    await told('“Site principal” salva')
    const [key] = (await admin('GET', '/widget-keys')).items
    expect(key).toMatchObject({
      origins: [origin, 'https://www.alfa.example'].sort(),
      caps: { per_day: 1000 },
      greeting: { 'pt-BR': 'Oi! Aqui é a Alfa.' },
      hours: [{ days: [1, 2, 3, 4, 5, 6], from: '08:00', to: '18:00' }],
      fallback: { whatsapp: '5549999990000' },
    })

    // What is copied works where it is pasted.
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await button(page, 'Copiar').click()
    html = `<!doctype html><title>Alfa</title><body>${await page.evaluate(() => navigator.clipboard.readText())}</body>`
    await visitor.goto(origin)
    await visitor.getByRole('button', { name: 'Abrir chat' }).click()
    await expect(visitor.frameLocator('iframe').getByText('Oi! Aqui é a Alfa.')).toBeVisible()

    // The secret is shown once; the key still saves after it, and a change of somebody else's is no loss.
    await page.getByRole('combobox', { name: 'Visitantes', exact: true }).selectOption('Só os que o seu site identifica')
    await expect(page.getByText('ninguém consegue conversar')).toBeVisible()
    await button(page, 'Gerar novo segredo').click()
    await expect(page.getByLabel('Segredo novo')).not.toHaveValue('')
    await expect(page.getByText('Um segredo assina')).toBeVisible()
    await sound(page, 'widget')
    await button(page, 'Salvar').click()
    await told('“Site principal” salva')
    expect(await admin('GET', `/widget-keys/${key.id}`)).toMatchObject({ identity: 'required', identity_secrets: 1 })
    await page.getByLabel('Nome', { exact: true }).fill('Site novo')
    await admin('PATCH', `/widget-keys/${key.id}`, { name: 'Site velho' })
    await button(page, 'Salvar').click()
    await expect(page.getByText('Outra pessoa mudou isto enquanto você editava.')).toBeVisible()
    await expect(page.getByLabel('Nome', { exact: true })).toHaveValue('Site novo')
    await button(page, 'Salvar').click()
    await told('“Site novo” salva')

    await button(page, 'Voltar à lista').click()
    const row = page.getByRole('listitem').filter({ hasText: 'Site novo' })
    await expect(row).toContainText('só identificados')
    await sound(page, 'widgets')
    await button(page, 'Opções de Site novo').click()
    await page.getByRole('menuitem', { name: 'Excluir' }).click()
    await expect(page.getByRole('dialog')).toContainText('O chat some dos sites')
    await button(page, 'Excluir').click()
    await expect(page.getByText('Nenhuma chave ainda.')).toBeVisible()
  } finally {
    await visitor.context().close()
    await new Promise((done) => site.close(done))
  }
})
