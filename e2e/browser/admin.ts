import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { accessible, fits, type Hub, password } from './hub.ts'

// What the tests of the administration share.

const shots = fileURLToPath(new URL('results/admin', import.meta.url))

/** Signs in at a page of the administration. */
export async function signIn(page: Page, url: string, path: string, email = 'admin@alfa.example') {
  await page.goto(`${url}/console/alfa/admin${path}`)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Senha', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Entrar' }).click()
}

/** The button of this name. */
export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true })

/** The page as it is: no violation in either theme, and nothing sticks out on a phone. A picture of each remains. */
export async function sound(page: Page, name: string) {
  fs.mkdirSync(shots, { recursive: true })
  await accessible(page)
  for (const [size, width, height] of [['desk', 1280, 800], ['phone', 390, 844]] as const) {
    await page.setViewportSize({ width, height })
    await fits(page)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
      await page.screenshot({ path: `${shots}/${name}-${size}-${colorScheme}.png` })
    }
  }
  await accessible(page)
  await page.setViewportSize({ width: 1280, height: 720 })
  await page.emulateMedia({ colorScheme: 'light' })
}

/** Lets a program ask with its key; the status of what it is answered. */
export async function complete(hub: Hub, key: string, question: string): Promise<number> {
  const r = await fetch(`${hub.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'default', messages: [{ role: 'user', content: question }] }),
  })
  await r.text()
  return r.status
}
