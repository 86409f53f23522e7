import type { Page } from '@playwright/test'
import { button, signIn, sound } from './admin.ts'
import { accessible, expect, fits, password, test } from './hub.ts'

// Who may come in, what they may do and use, on the built program.

const item = (page: Page, name: string) => page.getByRole('listitem').filter({ has: page.getByRole('link', { name, exact: true }) })

async function choose(page: Page, name: string, action: string) {
  await button(page, `Opções de ${name}`).click()
  await page.getByRole('menuitem', { name: action }).click()
}

test('a person is invited, comes in, gets a role and a plan, is shut out and is erased', async ({ page, line, hub, browser, faults: _ }) => {
  const admin = await hub.as('admin@alfa.example')
  await admin('POST', '/plans', { name: 'Equipe', limits: [{ window: 'day', messages: 7 }], allow_global_key: true })
  await signIn(page, line.url, '/people')
  await expect(item(page, 'Ana Souza')).toBeVisible()
  await sound(page, 'people')

  // Invited; what the form asks for is asked for before anything is sent.
  await button(page, 'Convidar pessoa').click()
  await page.getByLabel('Nome', { exact: true }).fill('Rui Prado')
  await page.getByLabel('E-mail').fill('usuario@alfa.example')
  await button(page, 'Convidar').click()
  await expect(page.getByRole('alert')).toContainText('Já existe uma pessoa com este e-mail.')
  await page.getByLabel('E-mail').fill('rui@alfa.example')
  await page.keyboard.press('Control+s')
  const link = page.getByLabel('Link para definir a senha')
  await expect(link).toHaveValue(/\/p\/alfa#invite=/)
  await expect(page.getByRole('heading', { level: 1, name: 'Rui Prado' })).toBeVisible()
  await sound(page, 'person')

  // The one who has the link sets the password, even where somebody else was signed in.
  const context = await browser.newContext({ locale: 'pt-BR' })
  const other = await context.newPage()
  await other.goto(`${line.url}/p/alfa`)
  await other.getByLabel('E-mail').fill('usuario@alfa.example')
  await other.getByLabel('Senha', { exact: true }).fill(password)
  await other.getByRole('button', { name: 'Entrar' }).click()
  await expect(other.getByRole('textbox', { name: /Pergunte/ })).toBeVisible()
  await other.goto('about:blank')
  await other.goto(await link.inputValue())
  await expect(other.getByRole('heading', { name: /Defina a sua senha em/ })).toBeVisible()
  expect(other.url()).not.toContain('invite')
  await accessible(other)
  await other.setViewportSize({ width: 390, height: 844 })
  await fits(other)
  await other.screenshot({ path: 'results/admin/invite-phone.png' })
  await other.getByLabel('Nova senha').fill(password)
  await other.getByRole('button', { name: 'Definir senha' }).click()
  await expect(other.getByText('Senha definida. Entre com o seu e-mail.')).toBeVisible()
  await other.getByLabel('E-mail').fill('rui@alfa.example')
  await other.getByLabel('Senha', { exact: true }).fill(password)
  await other.getByRole('button', { name: 'Entrar' }).click()
  await expect(other.getByRole('textbox', { name: /Pergunte/ })).toBeVisible()

  // A link is for once.
  await other.goto('about:blank')
  await other.goto(await link.inputValue())
  await other.getByLabel('Nova senha').fill('outra-senha')
  await other.getByRole('button', { name: 'Definir senha' }).click()
  await expect(other.getByRole('alert')).toContainText('Este convite não vale mais.')

  // A plan, until a day and back.
  const plan = page.getByRole('region', { name: 'Plano' })
  await plan.getByRole('combobox', { name: 'Plano', exact: true }).selectOption('Equipe')
  await plan.getByLabel('Até (opcional)').fill('2099-12-31')
  await plan.getByRole('button', { name: 'Salvar' }).click()
  await expect(page.getByText('Plano salvo.')).toBeVisible()
  const rui = (await admin('GET', '/users?q=Rui')).items[0]
  const subscription = await admin('GET', `/subscriptions/a_${rui.id}`)
  expect(new Date(subscription.ends_at).getFullYear()).toBeGreaterThanOrEqual(2099)
  await plan.getByRole('button', { name: 'Voltar ao plano padrão' }).click()
  await expect(plan.getByRole('combobox', { name: 'Plano', exact: true })).toHaveValue('')
  expect((await admin('GET', '/subscriptions')).items.filter((s: { user_id: string }) => s.user_id === rui.id)).toEqual([])

  // Another role, while somebody else changes the name: both are kept.
  await page.getByRole('combobox', { name: 'Papel', exact: true }).selectOption('Supervisor')
  await admin('PATCH', `/users/${rui.id}`, { name: 'Rui Prado Lima' })
  await page.getByRole('combobox', { name: 'Papel', exact: true }).focus()
  await page.keyboard.press('Control+s')
  await expect(page.getByText('Outra pessoa mudou isto enquanto você editava.')).toBeVisible()
  await button(page, 'Ver a versão dela').click()
  await expect(page.getByLabel('Nome', { exact: true })).toHaveValue('Rui Prado Lima')
  await page.getByRole('combobox', { name: 'Papel', exact: true }).selectOption('Supervisor')
  await page.locator('form').first().getByRole('button', { name: 'Salvar' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Rui Prado Lima' })).toBeVisible()
  expect(await admin('GET', `/users/${rui.id}`)).toMatchObject({ name: 'Rui Prado Lima', role: 'supervisor' })

  await button(page, 'Encerrar sessões').click()
  await sound(page, 'revoke')
  await page.getByRole('dialog').getByRole('button', { name: 'Encerrar sessões' }).click()
  await expect(page.getByText('Sessões de Rui Prado Lima encerradas')).toBeVisible()

  // Found, shut out, let in, erased.
  await button(page, 'Voltar à lista').click()
  await page.getByLabel('Parte do nome').fill('prado')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('main').getByRole('listitem')).toHaveCount(1)
  await choose(page, 'Rui Prado Lima', 'Desativar a conta')
  await expect(item(page, 'Rui Prado Lima')).toContainText('Desativada')
  expect((await admin('GET', `/users/${rui.id}`)).state).toBe('disabled')
  await choose(page, 'Rui Prado Lima', 'Ativar a conta')
  await expect(item(page, 'Rui Prado Lima')).toContainText('Ativa')
  await choose(page, 'Rui Prado Lima', 'Excluir')
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('button', { name: 'Excluir' })).toBeDisabled()
  await dialog.getByLabel('Para confirmar, escreva: Rui Prado Lima').fill('Rui Prado Lima')
  await sound(page, 'person-erase')
  await dialog.getByRole('button', { name: 'Excluir' }).click()
  await expect(page.getByText('Ninguém com este filtro.')).toBeVisible()
  await context.close()
})

test('the last administrator stays, and is told why', async ({ page, line, hub, faults: _ }) => {
  const admin = await hub.as('admin@alfa.example')
  const { user } = await admin('GET', '/me')
  await signIn(page, line.url, `/people/${user.id}`)
  await expect(page.getByText('Esta é a sua conta.')).toBeVisible()
  await page.getByRole('combobox', { name: 'Papel', exact: true }).selectOption('Usuário')
  await page.locator('form').first().getByRole('button', { name: 'Salvar' }).click()
  await expect(page.getByRole('alert')).toContainText('É a última pessoa que administra a empresa.')
  await expect(page.getByRole('combobox', { name: 'Papel', exact: true })).toHaveValue('usuario')
  await button(page, 'Descartar alterações').click()
  await choose(page, user.name, 'Desativar a conta')
  await expect(page.getByRole('alert')).toContainText('É a última pessoa que administra a empresa.')
  await choose(page, user.name, 'Excluir')
  await page.getByRole('dialog').getByRole('textbox').fill(user.name)
  await page.getByRole('dialog').getByRole('button', { name: 'Excluir' }).click()
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('É a última pessoa que administra a empresa.')
})
