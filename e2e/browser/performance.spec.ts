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
  // After the first second nothing keeps the page from answering the person for longer than 50 ms.
  expect(all.filter((t) => t.at > 1000 && t.ms > 50)).toEqual([])
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

test('a conversation of 500 messages opens from the list at once', async ({ portal, hub, page, browser }) => {
  test.setTimeout(400_000)
  const admin = await hub.as('admin@alfa.example')
  const plan = await admin('POST', '/plans', { name: 'Sem limite', limits: [], allow_global_key: true, concurrency: 2 })
  const { user } = await (await hub.as('usuario@alfa.example'))('GET', '/me')
  await admin('POST', '/subscriptions', { user_id: user.id, plan_id: plan.id })
  await portal.login()
  await page.evaluate(async () => {
    const r = await fetch('/api/v1/auth/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tenant: 'alfa', email: 'usuario@alfa.example', password: 'demo-aihub' }),
    })
    const { access_token } = await r.json()
    const ws = new WebSocket(`ws://${location.host}/ws`, 'aihub.v1')
    await new Promise<void>((done, failed) => {
      let n = 0
      let conv: string | undefined
      const next = () => ws.send(JSON.stringify({ t: 'send', id: ++n, cid: `c${n}`, text: `Pergunta ${n}`, ...(conv ? { conv } : {}) }))
      ws.onopen = () => ws.send(JSON.stringify({ t: 'auth', id: 'a', token: access_token }))
      ws.onmessage = (e) => {
        const f = JSON.parse(e.data)
        if (f.t === 'ping') ws.send('{"t":"pong"}')
        if (f.t === 'ok') conv = f.conv
        if (f.t === 'hello' || (f.t === 'ev' && f.k === 'run.end' && n < 250)) next()
        else if (f.t === 'ev' && f.k === 'run.end') done()
        if (f.t === 'err') failed(new Error(e.data))
      }
    })
    ws.close()
  })
  await page.reload()
  const entry = page.getByRole('link', { name: 'Pergunta 1' })
  await expect(entry).toBeVisible()
  const stop = await tasks(browser, page)
  await entry.click()
  await expect(portal.answer).toContainText('Resposta a: Pergunta 250')
  const all = (await stop()).map((t) => t.ms)
  const longest = Math.max(...all)
  console.log(`500 messages: ${all.reduce((sum, ms) => sum + ms, 0).toFixed(0)} ms in all, the longest ${longest.toFixed(0)} ms`)
  expect(longest).toBeLessThan(100)
  const earlier = page.getByRole('button', { name: 'Mensagens anteriores' })
  for (let i = 0; i < 9; i++) await earlier.click()
  await expect(portal.questions).toHaveCount(250)
})
