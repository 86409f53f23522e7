import { button, signIn, sound } from './admin.ts'
import { expect, test } from './hub.ts'

// How the administrators of a distributor connect it to models, on the built program.

test('a provider is added, tested, mended, given a reserve and deleted', async ({ page, line, hub, model, faults: _ }) => {
  const admin = await hub.as('admin@alfa.example')
  const told = (text: string) => expect(page.getByRole('status').filter({ hasText: text })).toBeVisible()
  await signIn(page, line.url, '/llm-configs')
  await expect(page.getByText('Nenhum provedor seu.')).toBeVisible()

  // What is wrong is told beside its field, and the first one has the focus.
  await button(page, 'Novo provedor').click()
  await page.getByLabel('Nome').fill('Conta Alfa')
  await page.getByLabel('Endereço').fill('https://10.0.0.1/v1')
  await page.getByLabel('Chave', { exact: true }).fill('sk-alfa-0123456789')
  await page.getByLabel('Modelo padrão').fill('modelo-alfa')
  await page.getByLabel('Instruções para o modelo').fill('Você é o assistente da Alfa Fibra.')
  await page.getByLabel('Temperatura').fill('quente')
  await page.getByLabel('Mensagens por dia').fill('mil')
  await page.keyboard.press('Control+s')
  await expect(page.getByLabel('Temperatura')).toBeFocused()
  await expect(page.getByText('Escreva um número de 0 a 2')).toBeVisible()
  await page.getByLabel('Temperatura').fill('0,7')
  await page.getByLabel('Mensagens por dia').fill('1.000')
  await page.keyboard.press('Control+s')
  await expect(page.getByRole('alert')).toContainText('precisa ser https e público')
  await page.getByLabel('Endereço').fill(model.url)
  await page.getByRole('checkbox', { name: 'Provedor padrão' }).check()
  await page.keyboard.press('Control+s')
  await told('“Conta Alfa” salvo')
  const [made] = (await admin('GET', '/llm-configs')).items
  expect(made).toMatchObject({
    base_url: model.url, default: true, temperature: 0.7, limits: [{ window: 'day', messages: 1000 }], api_key: { set: true, last4: '6789' },
  })
  await expect(page.getByLabel('Chave', { exact: true })).toHaveValue('')
  await expect(page.getByLabel('Chave', { exact: true })).toHaveAttribute('placeholder', 'guardado, termina em 6789')

  // Tested: what the provider answers, and what to do when it refuses.
  await button(page, 'Testar').click()
  await told('Respondeu em')
  expect(model.names.at(-1)).toBe('modelo-alfa')
  model.will('Responda apenas', { text: '', status: 401 })
  await button(page, 'Testar').click()
  await told('O provedor recusou a chave.')
  model.will('Responda apenas', { text: 'ok' })

  // Another host does not get the key of the first one, and the page says so before it is saved.
  await page.getByLabel('Endereço').fill(model.url.replace('127.0.0.1', 'localhost'))
  await told('ao salvar, ela é apagada')
  await expect(page.getByLabel('Chave', { exact: true })).toHaveAttribute('required')
  await expect(button(page, 'Testar')).toBeDisabled()
  await sound(page, 'llm')
  await page.getByLabel('Chave', { exact: true }).fill('sk-outra-9876543210')
  await button(page, 'Salvar').click()
  await told('“Conta Alfa” salvo')
  await expect(page.getByText('ao salvar, ela é apagada')).toBeHidden()

  // A chain of reserves, put in order by keyboard.
  for (const name of ['Reserva A', 'Reserva B'])
    await admin('POST', '/llm-configs', { name, provider: 'rehearsal', default_model: 'ensaio' })
  await page.reload()
  for (const name of ['Reserva A', 'Reserva B']) await page.getByLabel('Incluir na reserva…').selectOption(name)
  await button(page, 'Subir Reserva B').focus()
  await page.keyboard.press('Enter')
  await told('Reserva B agora é o 1º')
  await expect(button(page, 'Descer Reserva B')).toBeFocused()
  await sound(page, 'llm-reserve')
  await button(page, 'Salvar').click()
  await told('“Conta Alfa” salvo')
  const named = new Map<string, string>((await admin('GET', '/llm-configs')).items.map((r: { id: string; name: string }) => [r.id, r.name]))
  expect((await admin('GET', `/llm-configs/${made.id}`)).fallbacks.map((id: string) => named.get(id))).toEqual(['Reserva B', 'Reserva A'])

  // The list says how each does, and tests as well; what is a reserve is not deleted.
  await button(page, 'Voltar à lista').click()
  const row = page.getByRole('listitem').filter({ hasText: 'Conta Alfa' })
  await expect(row).toContainText('Respondendo')
  await button(page, 'Opções de Conta Alfa').click()
  await page.getByRole('menuitem', { name: 'Testar' }).click()
  await expect(row).toContainText('Respondeu em')
  await sound(page, 'llms')
  await button(page, 'Opções de Reserva A').click()
  await page.getByRole('menuitem', { name: 'Excluir' }).click()
  await button(page, 'Excluir').click()
  await expect(page.getByRole('alert')).toContainText('é reserva de outro')
  await button(page, 'Cancelar').click()
  await button(page, 'Opções de Conta Alfa').click()
  await page.getByRole('menuitem', { name: 'Excluir' }).click()
  await expect(page.getByRole('dialog')).toContainText('A chave é apagada')
  await button(page, 'Excluir').click()
  await expect(row).toHaveCount(0)
})

test('the catalogue says what models cost', async ({ page, line, hub, faults: _ }) => {
  const admin = await hub.as('admin@alfa.example')
  for (const m of (await admin('GET', '/models')).items) await admin('DELETE', `/models/${m.id}`)
  await signIn(page, line.url, '/models')
  await expect(page.getByText('Nenhum modelo no seu catálogo.')).toBeVisible()

  await button(page, 'Novo modelo').click()
  await page.getByLabel('Nome').fill('Rápido')
  await page.getByLabel('Modelo no provedor').fill('modelo')
  await page.getByLabel('Chave do catálogo').fill('com espaço')
  await page.getByLabel('Contexto, em tokens').fill('128.000')
  await page.getByLabel('Lidos', { exact: true }).fill('2,50')
  await button(page, 'Salvar').click()
  await expect(page.getByLabel('Chave do catálogo')).toBeFocused()
  await expect(page.getByText('Um preço tem os dois valores')).toBeVisible()
  await page.getByLabel('Chave do catálogo').fill('rapido')
  await page.getByLabel('Escritos').fill('10')
  await expect(page.getByText('custa cerca de R$ 0,0075.')).toBeVisible()
  await sound(page, 'model')
  await button(page, 'Salvar').click()
  const row = page.getByRole('listitem').filter({ hasText: 'Rápido' })
  await expect(row).toContainText('R$ 2,50 lidos, R$ 10,00 escritos')
  expect((await admin('GET', '/models')).items[0]).toMatchObject({ key: 'rapido', context: 128_000, price: { currency: 'BRL', input: 2.5, output: 10 } })

  // The same key is no other model's.
  await button(page, 'Novo modelo').click()
  await page.getByLabel('Nome').fill('Outro')
  await page.getByLabel('Modelo no provedor').fill('outro')
  await page.getByLabel('Chave do catálogo').fill('rapido')
  await button(page, 'Salvar').click()
  await expect(page.getByRole('alert')).toContainText('Já existe um modelo com esta chave.')
  await button(page, 'Descartar alterações').click()

  // Without figures the price is unknown again.
  await row.getByRole('link').click()
  await page.getByLabel('Lidos', { exact: true }).fill('')
  await page.getByLabel('Escritos').fill('')
  await button(page, 'Salvar').click()
  await expect(row).toContainText('sem preço')
  await sound(page, 'models')
})
