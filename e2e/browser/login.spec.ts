import { expect, type Hub, test } from './hub.ts'
import { Provider } from './idp.ts'

async function admin(hub: Hub, path: string, body: unknown) {
  const call = async (to: string, data: unknown, token?: string) => {
    const r = await fetch(`${hub.url}/api/v1${to}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(data),
    })
    if (!r.ok) throw new Error(`${to}: ${r.status} ${await r.text()}`)
    return (await r.json()) as { access_token: string }
  }
  const { access_token } = await call('/auth/login', { tenant: 'alfa', email: 'admin@alfa.example', password: 'demo-aihub' })
  await call(path, body, access_token)
}

test("people sign in at their distributor's provider: made there and then, turned away, signed in after a reload", async ({ hub, page }) => {
  const provider = await Provider.start()
  try {
    await admin(hub, '/login-providers', {
      name: 'Conta Alfa',
      issuer: provider.issuer,
      client_id: provider.client,
      domains: ['alfa.example'],
      create_users: true,
      role: 'supervisor',
    })
    await page.goto(`${hub.url}/p/alfa`)
    await page.getByRole('link', { name: 'Entrar com Conta Alfa' }).click()
    await page.getByRole('textbox', { name: 'E-mail' }).fill('intruso@outro.example')
    await page.getByRole('button', { name: 'Continuar' }).click()
    await expect(page.getByRole('alert')).toHaveText('Essa conta não tem acesso aqui.')
    await expect(page).toHaveURL(`${hub.url}/p/alfa`)

    await page.getByRole('link', { name: 'Entrar com Conta Alfa' }).click()
    await page.getByRole('textbox', { name: 'E-mail' }).fill('bia@alfa.example')
    await page.getByRole('button', { name: 'Continuar' }).click()
    await expect(page.getByRole('textbox', { name: /Pergunte alguma coisa/ })).toBeVisible()
    await page.reload()
    await expect(page.getByRole('textbox', { name: /Pergunte alguma coisa/ })).toBeVisible()
    expect((await page.context().cookies()).filter((c) => c.name.startsWith('aihub_')).map((c) => [c.name, c.httpOnly])).toEqual([['aihub_refresh_alfa', true]])

    await page.context().clearCookies()
    await page.goto(`${hub.url}/console/alfa`)
    await page.getByRole('link', { name: 'Entrar com Conta Alfa' }).click()
    await page.getByRole('textbox', { name: 'E-mail' }).fill('bia@alfa.example')
    await page.getByRole('button', { name: 'Continuar' }).click()
    await expect(page).toHaveURL(new RegExp(`${hub.url}/console/alfa`))
    await expect(page.getByRole('navigation').first()).toBeVisible()
  } finally {
    await provider.stop()
  }
})
