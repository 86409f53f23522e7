import type { Page } from '@playwright/test'
import { accessible, expect, fits, password, test } from './hub.ts'
import { at, Script, session } from './monitor-script.ts'

// What the supervisors' screen does with what the server says: the live connection is played by the test, so that a
// thousand sessions, a lost connection and a race are there when they are needed.

const human = { kind: 'human', id: 'u_rita', name: 'Rita Alves', epoch: 2 }
const queue = { kind: 'queue', epoch: 2 }

async function signIn(page: Page, url: string, email = 'supervisor@alfa.example', path = '') {
  await page.goto(`${url}/console/alfa${path}`)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Senha', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Entrar' }).click()
}

/** Four sessions, one of each need. */
function four(s: Script) {
  s.sessions.set('c_idle', session('c_idle', 'Luiza Prado', 'Obrigada', { last_at: at(900), since: at(1200) }))
  s.sessions.set('c_active', session('c_active', 'Carlos Nogueira', 'Meu CPF é 123.456.789-09', { since: at(100) }))
  s.sessions.set('c_queue', session('c_queue', 'Marina Duarte', 'Quero uma pessoa', { owner: queue, risk: ['asked_human'] }))
  s.sessions.set('c_risk', session('c_risk', 'João Pedro Lima', 'Quero cancelar', { risk: ['negative'], channel: 'widget' }))
  for (const conv of s.sessions.keys())
    s.conversation(conv, [
      { id: `${conv}-1`, role: 'user', text: 'Sem sinal. Meu CPF é 123.456.789-09', by: { kind: 'user' }, at: at(90) },
      {
        id: `${conv}-2`,
        role: 'assistant',
        parent: `${conv}-1`,
        text: 'Vou **verificar** agora.',
        by: { kind: 'ai' },
        at: at(80),
        run: { id: 'r_0', state: 'complete', model: 'modelo', len: 24, usage: { in: 10, out: 5 } },
      },
    ])
}

const list = (page: Page) => page.getByRole('listbox', { name: 'Sessões ao vivo' })
const rows = (page: Page) => list(page).getByRole('option')
const row = (page: Page, name: string | RegExp) => list(page).getByRole('option', { name })
const names = (page: Page) => rows(page).locator('.font-semibold').allTextContents()
/** Somewhere that holds nothing still. */
const aside = (page: Page) => page.mouse.move(900, 300)

test('who is not of the staff is told so and shown the portal', async ({ page, line, faults: _ }) => {
  await signIn(page, line.url, 'usuario@alfa.example')
  await expect(page.getByRole('heading', { name: 'O console é da equipe de atendimento' })).toBeVisible()
  await expect(page.getByRole('link', { name: 'Abrir o portal' })).toHaveAttribute('href', '/p/alfa')
  await accessible(page)
  await page.goto(`${line.url}/console`)
  await page.getByLabel('Provedor').fill('Beta')
  await page.getByRole('button', { name: 'Continuar' }).click()
  await expect(page.getByRole('heading', { name: 'Console de Beta Telecom' })).toBeVisible()
})

test('an empty house says so', async ({ page, line, faults: _ }) => {
  await Script.on(page)
  await signIn(page, line.url)
  await expect(page.getByText('Nenhuma sessão agora').first()).toBeVisible()
  await accessible(page)
})

test('the list is sorted by need, stays still under the hand, and hides personal data', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  four(s)
  await signIn(page, line.url)
  await aside(page)
  await expect(row(page, /João Pedro Lima.*Tom negativo/)).toBeVisible()
  expect(await names(page)).toEqual(['João Pedro Lima', 'Marina Duarte', 'Carlos Nogueira', 'Luiza Prado'])
  await expect(row(page, 'Carlos')).toContainText('•••.•••.•••-09')
  await expect(page).toHaveTitle(/^\(2\) Ao vivo/)

  await row(page, 'Carlos').hover()
  s.put(session('c_new', 'Ana Beatriz', 'Olá', { risk: ['no_answer'] }))
  s.put(session('c_idle', 'Luiza Prado', 'Isto é um absurdo', { risk: ['negative'], since: at(1200) }))
  s.del('c_queue')
  await expect(page.getByRole('button', { name: '1 nova' })).toBeVisible()
  await expect(row(page, /Luiza Prado.*Tom negativo/)).toBeVisible()
  expect(await names(page)).toEqual(['João Pedro Lima', 'Encerrada', 'Carlos Nogueira', 'Luiza Prado'])

  await page.getByRole('button', { name: '1 nova' }).click()
  await expect(row(page, 'Ana Beatriz')).toBeVisible()
  expect((await names(page)).slice(0, 3).toSorted()).toEqual(['Ana Beatriz', 'João Pedro Lima', 'Luiza Prado'])
  await accessible(page)
})

test('what the site says of its visitor is folded beside the conversation, without personal data', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  four(s)
  await page.route('**/api/v1/monitor/sessions/c_risk', (r) =>
    r.fulfill({
      json: {
        participant: { id: 'u_1', name: 'João Pedro Lima', email: '', role: 'visitante' },
        plan: '',
        quota: [],
        tags: [],
        previous: [],
        context: { page: 'https://alfa.example/planos', title: 'Planos', data: [{ name: 'cpf', value: '123.456.789-09' }] },
      },
    }),
  )
  await signIn(page, line.url)
  await row(page, 'João').click()
  const context = page.getByRole('complementary', { name: 'Contexto' })
  await expect(context.getByRole('row', { name: 'Título da página Planos' })).toBeHidden()
  await context.getByText('O que o site informa').click()
  await expect(context.getByRole('row', { name: 'Título da página Planos' })).toBeVisible()
  await expect(context.getByRole('row', { name: 'cpf •••.•••.•••-09' })).toBeVisible()
  await accessible(page)
})

test('filters stand in the address', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  four(s)
  await signIn(page, line.url)
  await page.getByRole('button', { name: 'Em risco 1' }).click()
  await expect(rows(page)).toHaveCount(1)
  await expect(page).toHaveURL(/view=risk/)
  await page.getByRole('button', { name: 'Na fila 1' }).click()
  await expect(row(page, 'Marina')).toBeVisible()
  await page.getByRole('button', { name: 'Todas 4' }).click()
  await page.keyboard.press('/')
  await page.keyboard.type('joao')
  await expect(rows(page)).toHaveCount(1)
  await page.getByLabel('Canal').selectOption('Widget')
  await expect(page).toHaveURL(/channel=widget&q=joao/)
  await page.reload()
  await expect(rows(page)).toHaveCount(1)
  await page.getByLabel('Canal').selectOption('API')
  await expect(page.getByText('Nenhuma sessão com este filtro')).toBeVisible()
  await page.getByRole('button', { name: 'Limpar filtros' }).last().click()
  await expect(rows(page)).toHaveCount(4)
})

test('by the keyboard alone: find, open, whisper, take over, answer with a prepared reply, end and think again', async ({
  page,
  line,
  faults: _,
}) => {
  const s = await Script.on(page)
  four(s)
  await signIn(page, line.url)
  await expect(list(page)).toBeVisible()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Carlos Nogueira' })).toBeVisible()
  await expect(page.getByRole('article', { name: 'Assistente' })).toContainText('verificar')
  await expect(page.getByText('•••.•••.•••-09').last()).toBeVisible()
  expect(s.last('sub')).toMatchObject({ conv: 'c_active' })

  await page.keyboard.press('s')
  await page.keyboard.type('Ofereça a visita técnica. a e j ?')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Sussurro enviado ao assistente')).toBeVisible()
  expect(s.last('whisper')).toMatchObject({ conv: 'c_active', to: 'ai', text: 'Ofereça a visita técnica. a e j ?' })
  s.staff('c_active', 'whisper', { by: { kind: 'agent', id: 'u_p', name: 'Paula Ramos' }, text: 'Ofereça a visita técnica.' })
  const whisper = page.getByRole('article', { name: 'Sussurro de Paula Ramos' })
  await expect(whisper).toContainText('o cliente não vê')
  await expect(whisper).toContainText('Vale na próxima resposta')

  await page.keyboard.press('Escape')
  await expect(list(page)).toBeFocused()
  await page.keyboard.press('a')
  await page.keyboard.type('ok')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Escreva ao menos 3 letras.')).toBeVisible()
  await page.keyboard.type(', cliente nervoso')
  await accessible(page)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toBeHidden()
  expect(s.last('take')).toMatchObject({ conv: 'c_active', epoch: 1, note: 'ok, cliente nervoso' })

  const { user } = await page.evaluate(async () => {
    const r = await fetch('/api/v1/auth/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tenant: 'alfa' }),
    })
    const { access_token } = await r.json()
    return (await fetch('/api/v1/me', { headers: { authorization: `Bearer ${access_token}` } })).json()
  })
  s.ev('c_active', 'owner', { owner: { kind: 'human', id: user.id, name: user.name, epoch: 2 } })
  await expect(page.getByText('Paula Ramos assumiu a conversa')).toBeVisible()
  const desk = page.getByRole('textbox', { name: /Responder a Carlos/ })
  await expect(desk).toBeFocused()
  await desk.fill('{saudacao}, {nome}! Aqui é {atendente}.')
  await page.getByRole('button', { name: 'Guardar como resposta pronta' }).click()
  await page.getByRole('textbox', { name: 'Nome curto' }).fill('ola')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Resposta guardada')).toBeVisible()
  await desk.fill('/ol')
  await expect(page.getByRole('option', { name: /\/ola/ })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(desk).toHaveValue(/^(Bom dia|Boa tarde|Boa noite), Carlos! Aqui é Paula Ramos\.$/)
  await accessible(page)
  await desk.press('Enter')
  await expect.poll(() => s.last('send')).toMatchObject({ conv: 'c_active' })
  const { cid, text } = s.last('send')!
  s.ev('c_active', 'msg', { msg: 'm_1', cid, role: 'agent', parent: 'c_active-2', by: { kind: 'agent', name: 'Paula Ramos' }, text })
  await expect(page.getByRole('article', { name: 'Paula Ramos', exact: true })).toContainText('Aqui é Paula')

  await page.keyboard.press('Escape')
  await page.keyboard.press('e')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Desfazer' }).click()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Atalhos do teclado' })).toBeVisible()
  await page.keyboard.press('Escape')
  await page.waitForTimeout(6000) // the time in which an end can be undone
  expect(s.last('end')).toBeUndefined()
  await list(page).focus()
  await page.keyboard.press('e')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect.poll(() => s.last('end'), { timeout: 15_000 }).toMatchObject({ conv: 'c_active', note: 'Cliente não respondeu' })
})

test('an answer appears as it is written; scrolling up pauses, and the way back is there', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  four(s)
  await signIn(page, line.url, undefined, '/s/c_active')
  await expect(page.locator('span').filter({ hasText: /^Ao vivo$/ })).toBeVisible()
  s.ev('c_active', 'run.start', { run: 'r_1', msg: 'm_a', parent: 'c_active-2', model: 'modelo' })
  let off = 0
  for (let i = 0; i < 60; i++) {
    const text = `palavra-${i}\n\n`
    s.ev('c_active', 'delta', { run: 'r_1', off, text })
    off += text.length
  }
  const answer = page.getByRole('article', { name: 'Assistente' }).last()
  await expect(answer).toContainText('palavra-59')
  await expect(answer).toHaveAttribute('aria-busy', 'true')
  await page.getByRole('region', { name: 'Conversa' }).hover()
  await page.mouse.wheel(0, -900)
  const resume = page.getByRole('button', { name: /Pausado/ })
  await expect(resume).toBeVisible()
  await resume.click()
  await expect(page.locator('span').filter({ hasText: /^Ao vivo$/ })).toBeVisible()
})

test('two supervisors: the one who is late is told who attends', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  four(s)
  s.refusals.set('take', { code: 'conv_human', owner: human })
  await signIn(page, line.url, undefined, '/s/c_risk')
  await page.getByRole('button', { name: 'Assumir' }).click()
  await page.keyboard.type('Cliente em risco')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Rita Alves está atendendo').first()).toBeVisible()
  s.ev('c_risk', 'owner', { owner: human })
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'Assumir' })).toBeHidden()
  await expect(page.getByText('Rita Alves está atendendo.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Nota' })).toBeVisible()
})

test('without a connection nothing counts as live and nothing can be done', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  four(s)
  await signIn(page, line.url, undefined, '/s/c_active')
  await expect(page.getByText('tempo real')).toBeVisible()
  s.cut()
  await expect(page.getByText(/^Dados de \d\d:\d\d:\d\d$/)).toBeVisible()
  await expect(page.getByText('tempo real')).toBeHidden()
  await expect(page.getByRole('button', { name: 'Assumir' })).toBeDisabled()
  await expect(page.getByText('Sem conexão com o servidor: as ações voltam com ela.')).toBeVisible()
  s.del('c_idle')
  s.up()
  await expect(page.getByText('tempo real')).toBeVisible()
  await expect(rows(page)).toHaveCount(3)
  await expect(page.getByRole('button', { name: 'Assumir' })).toBeEnabled()
})

test('single-key shortcuts do nothing while writing and can be turned off', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  four(s)
  await signIn(page, line.url, undefined, '/s/c_active')
  await page.getByLabel('Filtrar por nome ou texto').fill('a?e')
  await expect(page.getByRole('dialog')).toBeHidden()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Conta e preferências' }).click()
  await page.getByRole('menuitem', { name: 'Desativar atalhos de uma tecla' }).click()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toBeHidden()
  await page.getByRole('button', { name: 'Conta e preferências' }).click()
  await page.getByRole('menuitem', { name: 'Ativar atalhos de uma tecla' }).click()
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toBeVisible()
})

test('on a phone the list leads to the conversation and back', async ({ page, line, faults: _ }) => {
  await page.setViewportSize({ width: 320, height: 640 })
  const s = await Script.on(page)
  four(s)
  await signIn(page, line.url)
  await expect(row(page, 'Carlos')).toBeVisible()
  await fits(page)
  await accessible(page)
  await row(page, 'Carlos').click()
  await expect(page.getByRole('heading', { name: 'Carlos Nogueira' })).toBeVisible()
  await expect(list(page)).toBeHidden()
  await fits(page)
  await accessible(page)
  await page.getByRole('button', { name: 'Mais ações' }).click()
  await page.getByRole('menuitem', { name: 'Contexto' }).click()
  await expect(page.getByRole('dialog', { name: 'Contexto' })).toContainText('R$ 0,0137')
  await accessible(page)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Voltar à lista' }).click()
  await expect(list(page)).toBeVisible()
})

test('a thousand sessions that change all the time leave the screen quick', async ({ page, line, faults: _ }) => {
  const s = await Script.on(page)
  for (let i = 0; i < 1000; i++)
    s.sessions.set(`c_${i}`, session(`c_${i}`, `Pessoa ${i}`, 'Olá', { since: at(i), risk: i % 50 ? [] : ['negative'] }))
  await signIn(page, line.url)
  await aside(page)
  await expect(page.getByRole('heading', { name: '1000 sessões ao vivo' })).toBeVisible()
  expect(await rows(page).count()).toBeLessThan(60)
  const busy = page.evaluate(
    () =>
      new Promise<number>((done) => {
        let total = 0
        new PerformanceObserver((l) => {
          for (const e of l.getEntries()) total += e.duration
        }).observe({ entryTypes: ['longtask'] })
        setTimeout(() => done(total), 4000)
      }),
  )
  for (let n = 0; n < 20; n++) {
    for (let i = 0; i < 100; i++) s.put(session(`c_${(n * 100 + i) % 1000}`, `Pessoa ${i}`, `Mensagem ${n}`, { since: at(i) }))
    await page.waitForTimeout(150)
  }
  await expect(row(page, /Mensagem 1\d/).first()).toBeVisible()
  const ms = await busy
  test.info().annotations.push({ type: 'long tasks of 4 s', description: `${ms.toFixed(0)} ms` })
  expect(ms).toBeLessThan(2000)
})
