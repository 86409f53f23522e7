import { type Browser, type Page } from '@playwright/test'
import { expect, test } from './hub.ts'
import { counted } from './model.ts'

// What a page costs is measured in time of its main thread's processor, which a busy machine does not change much.

type Task = { at: number; ms: number }

/** Records every task of the page's main thread until the returned function is called. */
async function tasks(browser: Browser, page: Page): Promise<() => Promise<Task[]>> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] })
  return async () => {
    type Event = { name: string; ph: string; pid: number; tid: number; ts: number; tdur?: number; args: { name?: string } }
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: Event[] }
    const main = new Set(traceEvents.filter((e) => e.name === 'thread_name' && e.args.name === 'CrRendererMain').map((e) => `${e.pid}.${e.tid}`))
    const all = traceEvents.filter((e) => e.ph === 'X' && e.tdur !== undefined && main.has(`${e.pid}.${e.tid}`) && /RunTask$/.test(e.name))
    const start = Math.min(...all.map((e) => e.ts))
    return all.map((e) => ({ at: (e.ts - start) / 1000, ms: (e.tdur ?? 0) / 1000 }))
  }
}

test('an answer of 5,000 tokens at 200 a second keeps the page responsive', async ({ portal, model, page, browser }) => {
  test.setTimeout(240_000)
  model.will('depressa', { text: `# Longa\n\n${counted(5000).replaceAll(/(-\d*9) /g, '$1.\n\n')}`, piece: 13, every: 5 })
  await portal.login()
  await portal.ask('Responda depressa')
  await expect(portal.answer).toContainText('palavra-100')
  const stop = await tasks(browser, page)
  await portal.box.pressSequentially('escrevo enquanto a resposta chega', { delay: 200 })
  await portal.answered(1, 180_000)
  const all = await stop()
  const sorted = all.map((t) => t.ms).sort((a, b) => b - a)
  const sum = sorted.reduce((a, b) => a + b, 0)
  console.log(`${all.length} tasks, ${sum.toFixed(0)} ms in all; the longest: ${sorted.slice(0, 5).map((ms) => ms.toFixed(0)).join(', ')} ms`)
  expect(all.length).toBeGreaterThan(100)
  expect(sorted[0]).toBeLessThan(100)
  await expect(portal.box).toHaveValue('escrevo enquanto a resposta chega')
})

test('a history of 500 messages opens at once', async ({ hub, page, browser, faults: _ }) => {
  await page.goto(`${hub.url}/dev/gallery`)
  const stop = await tasks(browser, page)
  await page.getByRole('button', { name: '500 messages' }).click()
  await expect(page.getByText('Pergunta 249')).toBeVisible()
  const worst = Math.max(...(await stop()).map((t) => t.ms))
  console.log(`500 messages: ${worst.toFixed(0)} ms`)
  expect(worst).toBeLessThan(300)
})
