import { expect, test } from './hub.ts'
import { payloads } from './payloads.ts'

// The fixture `faults` fails a test on any script error, any refusal of the content policy (something reached the
// document that should not have) and any request to another server.

const batches = Array.from({ length: 10 }, (_, i) => payloads.filter((_, n) => n % 10 === i))

test('500 hostile texts in messages and answers stay texts', async ({ portal, model, page }) => {
  expect(payloads.length).toBeGreaterThanOrEqual(500)
  page.on('dialog', (d) => {
    throw new Error(`a script ran: ${d.message()}`)
  })
  batches.forEach((batch, i) => model.will(`lote ${i}.`, { text: batch.join('\n\n'), piece: 40, every: 2 }))
  await portal.login()
  for (const [i, batch] of batches.entries()) {
    await portal.ask(`lote ${i}.\n${batch.join('\n\n')}`)
    await portal.answered(i + 1)
  }
  const made = await page.evaluate(() =>
    [...document.querySelectorAll('article *')]
      .filter(
        (e) =>
          /^(script|iframe|object|embed|style|link|meta|base|form|video|audio|math|template|portal)$/i.test(e.localName) ||
          (e.localName === 'img' && !e.getAttribute('src')?.startsWith('/p/')) ||
          (e.localName === 'a' && !/^(https?:|mailto:|tel:)/.test(e.getAttribute('href') ?? '')) ||
          [...e.attributes].some((a) => /^on/i.test(a.name)),
      )
      .map((e) => e.outerHTML),
  )
  expect(made).toEqual([])
  expect(await page.evaluate(() => '__ran' in window)).toBe(false)
  // What was written is all there to read.
  const text = (await portal.questions.first().textContent()) ?? ''
  for (const p of batches[0]!) expect(text).toContain(p.split('\n')[0]!.trim())
  await page.reload()
  await expect(portal.answers.last()).toBeVisible()
})

test('hostile titles, names and suggestions stay texts', async ({ portal, page }) => {
  page.on('dialog', (d) => {
    throw new Error(`a script ran: ${d.message()}`)
  })
  await page.route('**/api/v1/portal/alfa', (route) =>
    route.fulfill({
      json: {
        slug: 'alfa',
        name: payloads[0],
        portal_name: payloads[1],
        welcome: payloads[2],
        suggestions: payloads.slice(250, 254),
        color: 'red;}</style><script>alert(1)</script>',
        logo_url: 'javascript:alert(1)',
        privacy_url: 'javascript:alert(1)',
        notice: { version: '1', text: { 'pt-BR': payloads[3], en: payloads[3] } },
      },
    }),
  )
  await page.route('**/api/v1/me/consent', (route) => route.fulfill({ status: 204 }))
  const at = new Date().toISOString()
  await page.route('**/api/v1/conversations?*', (route) =>
    route.fulfill({
      json: { items: payloads.slice(0, 100).map((title, i) => ({ id: `c_${i}`, title, state: 'open', created_at: at, updated_at: at })) },
    }),
  )
  await portal.login()
  await expect(page.getByRole('navigation').getByRole('link').nth(50)).toBeAttached()
  await expect(page.getByRole('heading', { name: payloads[2], exact: true })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('img')
  await expect(page.getByRole('option').first()).toBeVisible()
  expect(await page.evaluate(() => '__ran' in window)).toBe(false)
})
