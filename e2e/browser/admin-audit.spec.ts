import fs from 'node:fs'
import { button, signIn, sound } from './admin.ts'
import { expect, test } from './hub.ts'

// Who did what, as the administrators of a distributor read it, on the built program.

test('what the staff did is told in words, narrowed, saved for a person, and checked against its seals', async ({ page, line, hub, faults: _ }) => {
  const admin = await hub.as('admin@alfa.example')
  const { user } = await admin('GET', '/me')
  const plan = await admin('POST', '/plans', { name: 'Equipe' })
  await admin('PATCH', `/plans/${plan.id}`, { name: 'Equipe 2' })
  const added = await admin('POST', '/users', { name: 'Rui Prado', email: 'rui@alfa.example', role: 'usuario' })
  await admin('POST', `/users/${added.id}/revoke`)
  await signIn(page, line.url, '/audit')
  const table = page.getByRole('table', { name: 'Auditoria' })
  for (const what of ['Criou plano', 'Alterou plano', 'Criou pessoa', 'Encerrou as sessões de uma pessoa'])
    await expect(table.getByRole('cell', { name: what, exact: true })).toBeVisible()
  await expect(table).toContainText('campos: name')
  await expect(table.getByRole('cell', { name: new RegExp(user.name) }).first()).toBeVisible()
  await sound(page, 'audit')

  await page.getByLabel('Ação').selectOption('Criou plano')
  await expect(table.getByRole('row')).toHaveCount(2)
  await button(page, 'Limpar filtros').click()
  await table.getByRole('row').filter({ hasText: 'Criou pessoa' }).getByRole('button', { name: 'Só o que é sobre Rui Prado' }).click()
  await expect(table.getByRole('row')).toHaveCount(3)
  await page.goBack()
  await expect(table.getByRole('cell', { name: 'Criou plano', exact: true })).toBeVisible()

  await page.getByLabel('Nome da pessoa').fill('Rui')
  await page.locator('datalist option[value^="Rui Prado"]').waitFor({ state: 'attached' })
  await page.getByLabel('Nome da pessoa').fill('Rui Prado · rui@alfa.example')
  const [download] = await Promise.all([page.waitForEvent('download'), button(page, 'Baixar CSV').click()])
  expect(fs.readFileSync(await download.path(), 'utf8')).toContain('pessoa.revogar_sessoes')

  await button(page, 'Conferir agora').click()
  await expect(page.getByText(/Íntegro: \d+ linhas/)).toBeVisible()
  await expect(page.getByLabel('Selo da última linha')).toHaveValue(/^[0-9a-f]+$/)
  await sound(page, 'audit-checked')
})
