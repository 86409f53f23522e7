import { fileURLToPath } from 'node:url'
import { devices } from '@playwright/test'
import { Portal, test, expect } from './hub.ts'

// The pictures of the README, from the built program: e2e/browser/images makes them again.

const to = (name: string) => fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url))

const answer = `Entendi: a internet fica lenta só à noite. Vamos em três passos.

1. **Meça com cabo.** Ligue o computador direto na ONU e faça o teste em *velocidade.alfa.example*.
2. **Compare com o plano:**

| Plano | Download | Upload |
|---|--:|--:|
| Fibra 300 | 300 Mb | 150 Mb |
| Fibra 600 | 600 Mb | 300 Mb |

3. **Se só o Wi-Fi estiver lento,** mude o canal. No roteador:

\`\`\`bash
uci set wireless.radio0.channel='36'
uci commit wireless && wifi reload
\`\`\`

> O sinal da sua ONU está em **−19 dBm**, dentro do esperado.

Quer que eu agende uma visita para amanhã?`

const others = ['Segunda via do boleto de novembro', 'Como troco a senha do Wi-Fi?', 'Mudança de endereço', 'Configurar ONU em modo bridge']

test.use({ hubEnv: { OPENAI_MODEL: 'gpt-4o-mini' }, viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 })

test('pictures of the portal', async ({ portal, model, page, browser }) => {
  test.setTimeout(180_000)
  model.will('lenta', { text: answer, piece: 6, every: 25 })
  await portal.login()
  for (const [i, title] of others.entries()) {
    await portal.ask(title)
    await portal.answered()
    await expect(page.getByRole('link', { name: title })).toBeVisible()
    await page.keyboard.press('Control+Shift+O')
    if (i === 0) await expect(portal.answers).toHaveCount(0)
  }
  await page.screenshot({ path: to('portal-welcome') })
  await portal.ask('À noite a internet fica muito lenta. O que eu faço?')
  await expect(portal.answer).toContainText('uci commit')
  await page.screenshot({ path: to('portal') })
  await portal.answered()
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.screenshot({ path: to('portal-dark') })

  const { defaultBrowserType: _, ...iphone } = devices['iPhone 13']
  const phone = await browser.newContext({ ...iphone, locale: 'pt-BR', colorScheme: 'dark', timezoneId: 'America/Sao_Paulo' })
  await phone.addCookies(await page.context().cookies())
  const small = new Portal(await phone.newPage(), portal.url)
  await small.login()
  await small.page.goto(page.url())
  await expect(small.answer).toContainText('visita')
  await small.page.screenshot({ path: to('portal-phone') })
  await phone.close()

  const other = await browser.newContext({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2, locale: 'pt-BR' })
  const beta = new Portal(await other.newPage(), portal.url)
  await beta.login('usuario@beta.example', 'beta')
  await beta.page.screenshot({ path: to('portal-beta') })
  await other.close()
})
