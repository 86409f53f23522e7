import fs from 'node:fs'
import type { Page } from '@playwright/test'
import { button, complete, signIn, sound } from './admin.ts'
import { expect, type Hub, test } from './hub.ts'

// What was used and what it cost, on the built program: the screen, the file and the paper say what the ledger does.

/** Lets a program of the administrator's ask, and be answered. */
async function ask(hub: Hub, question: string) {
  const admin = await hub.as('admin@alfa.example')
  const { key } = await admin('POST', '/api-keys', { name: question })
  expect(await complete(hub, key, question)).toBe(200)
}

/** An amount on the screen, in millionths. */
const amount = (text: string) => Math.round(Number(text.replace(/[^\d,]/g, '').replace(',', '.')) * 1e6)

/** The columns of the table's rows, the last of which is the total. */
async function cells(page: Page): Promise<string[][]> {
  const rows = await page.getByRole('table', { name: 'Uso em grupos' }).getByRole('row').all()
  return Promise.all(rows.slice(1).map((r) => r.locator('th, td').allInnerTexts()))
}

async function saved(page: Page): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Baixar CSV').click()])
  expect(download.suggestedFilename()).toMatch(/^uso-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d-\w+\.csv$/)
  return fs.readFileSync(await download.path(), 'utf8')
}

test('what was used is told by day, model, channel and person, and adds up to the ledger', async ({ page, hub, line, portal, faults: _ }) => {
  await signIn(page, line.url, '/usage')
  await expect(page.getByText('Nada foi usado neste período.')).toBeVisible()
  await sound(page, 'usage-empty')

  // Without a price it is not known what an answer costs, which is not nothing.
  await ask(hub, 'quanto custa?')
  await page.reload()
  const cost = page.locator('dl').first().getByText('desconhecido')
  await expect(cost).toBeVisible()
  await expect(page.getByText('1 de 1 respostas foram de modelos sem preço')).toBeVisible()

  const admin = await hub.as('admin@alfa.example')
  await admin('POST', '/models', { key: 'modelo', provider: 'openai', model: 'modelo', name: 'Modelo', price: { input: 1.37, output: 7.91 } })
  await ask(hub, 'e com preço?')
  await ask(hub, 'e outra vez, com mais palavras do que antes?')
  await page.reload()
  await expect(page.getByText('1 de 3 respostas foram de modelos sem preço')).toBeVisible()

  const usage = await admin('GET', '/usage')
  for (const [by, name] of [['model', 'Modelo'], ['channel', 'Canal'], ['key', 'Quem paga o provedor'], ['day', 'Dia']] as const) {
    await page.getByLabel('Agrupar por').selectOption(name)
    await expect(page.getByRole('columnheader', { name, exact: true })).toBeVisible()
    await expect(page).toHaveURL(new RegExp(`by=${by}`))
    const rows = await cells(page)
    const total = rows.pop()!
    expect(rows.length).toBeGreaterThan(0)
    for (const [at, field] of [[1, 'runs'], [3, 'tokens_in'], [4, 'tokens_out']] as const) {
      const sum = rows.reduce((n, r) => n + Number(r[at]!.replace(/\D/g, '')), 0)
      expect(sum).toBe(usage.total[field])
      expect(Number(total[at]!.replace(/\D/g, ''))).toBe(usage.total[field])
    }
    expect(rows.reduce((n, r) => n + amount(r[5]!.split(' e ')[0]!), 0)).toBe(Math.round(usage.total.cost * 1e6))
    expect(total[5]).toContain('1 sem preço')
  }
  await sound(page, 'usage')

  const file = await saved(page)
  expect(file.startsWith('\ufeffDia;Respostas;Falhas;Tokens lidos;Tokens escritos;Custo (BRL);Respostas sem preço\r\n')).toBe(true)
  const line1 = file.split('\r\n')[1]!.split(';')
  expect(line1[1]).toBe('3')
  expect(line1[5]).toMatch(/^\d+,\d+$/)
  expect(amount(line1[5]!)).toBe(Math.round(usage.total.cost * 1e6))

  await page.getByLabel('Agrupar por').selectOption('Pessoa')
  const people = page.getByRole('table', { name: 'Uso em grupos' })
  await expect(people.getByRole('row')).toHaveCount(2)
  await expect(people).toContainText(String(usage.total.tokens_in + usage.total.tokens_out))
  await page.getByText('Mês passado').click()
  await expect(page.getByText('Nada foi usado neste período.')).toBeVisible()
  await page.getByText('Hoje').click()
  await expect(people).toBeVisible()
  // What is shown has an address, and the way to another page and back keeps it.
  await page.getByRole('link', { name: 'Conhecimento' }).click()
  await page.goBack()
  await expect(page.getByRole('radio', { name: 'Hoje' })).toBeChecked()
  await expect(people).toBeVisible()
})

test('a month is printed on one page, and old numbers stay when new ones do not come', async ({ page, line, faults: _ }) => {
  const row = (key: string, i = 0) => ({ key, runs: 1204 - ((i * 37) % 31) * 20, failed: 3, tokens_in: 1_200_345, tokens_out: 345_678, estimated: 0, cost: 12.3456, unpriced: 0 })
  const days = Array.from({ length: 31 }, (_, i) => `2026-10-${String(i + 1).padStart(2, '0')}`)
  await page.route('**/api/v1/usage?*', (r) =>
    r.fulfill({ json: { from: days[0], to: days.at(-1), currency: 'BRL', items: days.map(row), total: { ...row(''), runs: 37_324, cost: 382.7136 } } }),
  )
  await signIn(page, line.url, '/usage?period=month')
  await expect(page.getByRole('table', { name: 'Uso em grupos' }).getByRole('row')).toHaveCount(33)
  await expect(page.locator('tfoot')).toContainText('R$ 382,7136')
  await sound(page, 'usage-month')
  await page.emulateMedia({ colorScheme: 'dark' })
  const paper = await page.pdf({ path: 'results/admin/usage.pdf', format: 'A4', preferCSSPageSize: true })
  expect(paper.toString('latin1').match(/\/Type \/Page\b/g)).toHaveLength(1)

  await page.unroute('**/api/v1/usage?*')
  await page.route('**/api/v1/usage?*', (r) => r.fulfill({ status: 429, json: { code: 'rate_limited', ref: 'abc123' } }))
  await page.getByText('7 dias').click()
  await expect(page.getByRole('alert')).toContainText('Espere um minuto. (registro abc123)')
  await expect(page.locator('tfoot')).toContainText('R$ 382,7136')
  await page.unroute('**/api/v1/usage?*')
  await page.getByRole('alert').getByRole('button', { name: 'Tentar de novo' }).click()
  await expect(page.getByText('Nada foi usado neste período.')).toBeVisible()
})
