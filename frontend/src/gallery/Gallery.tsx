import { type ReactNode, useMemo, useState } from 'react'
import type { Chat } from '../chat/chat'
import type { Pending } from '../chat/live'
import { Connection, Skeleton, Strip, ToastView, Welcome } from '../portal/App'
import { Composer } from '../portal/Composer'
import { Notice } from '../portal/Notice'
import { Sidebar } from '../portal/Sidebar'
import { Thread } from '../portal/Thread'
import { Field } from '../shared/Field'
import { t } from '../shared/i18n'
import { LoginPage } from '../shared/Login'
import { Button, IconButton } from '../shared/ui'
import * as s from './samples'

const nothing = () => {}
const later = async () => {}

/** A long history, to measure how fast it opens. */
function History() {
  const [shown, setShown] = useState(false)
  const messages = useMemo(
    () =>
      Array.from({ length: 250 }, (_, i) => {
        const q = s.question(`q${i}`, `Pergunta ${i}`, i > 0 ? `a${i - 1}` : undefined)
        return [q, s.answer(`a${i}`, q.id, i % 10 === 0 ? s.rich : `Resposta **${i}** com um pouco de texto.`)]
      }).flat(),
    [],
  )
  return (
    <section>
      <Button onClick={() => setShown(!shown)}>500 messages</Button>
      {shown && talk(s.chat(messages))}
    </section>
  )
}

/** Every component of the portal in every state, in both themes: for developers, and for the test that looks at it. */
export function Gallery() {
  return (
    <div className="flex flex-col gap-10 p-6">
      <h1 className="text-2xl font-semibold tracking-tight">Gallery</h1>
      <History />
      {scenes().map(([title, scene]) => (
        <section key={title} id={title.toLowerCase().replaceAll(' ', '-')}>
          <h2 className="mb-3 text-sm font-medium text-muted">{title}</h2>
          <div className="grid gap-4 xl:grid-cols-2">
            {(['light', 'dark'] as const).map((theme) => (
              <div
                key={theme}
                data-theme={theme}
                className="isolate overflow-hidden rounded-2xl border border-line bg-bg text-fg"
              >
                {scene()}
              </div>
            ))}
          </div>
        </section>
      ))}
    </div>
  )
}

type Scene = () => ReactNode

function talk(chat: Chat, pending: Pending[] = []) {
  return (
    <Frame>
      <Thread
        portal={s.portal}
        models={s.me.models}
        chat={chat}
        pending={pending}
        can={{ regenerate: true, edit: true, feedback: true, send: true }}
        typing={undefined}
        editing={undefined}
        onEditing={nothing}
        onSend={nothing}
        onRegenerate={nothing}
        onContinue={nothing}
        onChoose={nothing}
        onFeedback={nothing}
        onRetry={nothing}
        onDiscard={nothing}
        onWithdraw={nothing}
        onOlder={later}
      />
    </Frame>
  )
}

function scenes(): [string, Scene][] {
  const q = s.question('q', 'Como libero o cliente em confiança?')
  const a = (...args: Parameters<typeof s.answer> extends [string, string, ...infer Rest] ? Rest : never) =>
    s.answer('a', 'q', ...args)
  const half = 'Para **liberar o cliente** siga os pass'
  const human = { kind: 'human' as const, id: 'u_9', name: 'Paula Ramos', epoch: 2 }
  return [
    [
      'Welcome',
      () => (
        <Frame>
          <Welcome portal={s.portal} onAsk={nothing} />
        </Frame>
      ),
    ],
    ['Answer complete', () => talk(s.chat([q, a(s.rich)]))],
    ['Message on its way', () => talk(s.chat([]), [s.pending('sending')])],
    ['Message waiting for a connection', () => talk(s.chat([]), [s.pending('waiting')])],
    [
      'Message refused',
      () => talk(s.chat([]), [s.pending('failed', { failure: s.refusal('llm_unavailable', { ref: '8f3a' }) })]),
    ],
    [
      'Message refused for a while',
      () => talk(s.chat([]), [s.pending('failed', { failure: s.refusal('rate_limited', { retry_ms: 42_000 }) })]),
    ],
    ['Answer begun', () => talk(s.chat([q, a('', 'streaming')], { open: { run: 'r_a', msg: 'a' } }))],
    ['Answer being written', () => talk(s.chat([q, a(half, 'streaming')], { open: { run: 'r_a', msg: 'a' } }))],
    ['Answer stopped', () => talk(s.chat([q, a(half, 'stopped')]))],
    ['Answer failed', () => talk(s.chat([q, a('', 'failed', { code: 'llm_timeout' })]))],
    ['Answer blocked', () => talk(s.chat([q, a('', 'failed', { code: 'llm_filtered' })]))],
    ['Answer interrupted', () => talk(s.chat([q, a(half, 'interrupted', { code: 'instance_lost' })]))],
    [
      'Person took over',
      () =>
        talk(
          s.chat(
            [
              q,
              a(half, 'taken_over'),
              {
                ...s.question('h', 'Oi, Marina! Sou a Paula e sigo com você.', 'a'),
                role: 'agent',
                by: { kind: 'agent', name: human.name },
              },
            ],
            { owner: human, notes: [{ id: 'n', after: 'a', owner: human }] },
          ),
        ),
    ],
    [
      'Several answers',
      () =>
        talk(
          s.chat([
            q,
            s.answer('a1', 'q', 'A primeira.'),
            s.answer('a2', 'q', 'A segunda.'),
            s.answer('a3', 'q', 'A terceira.'),
          ]),
        ),
    ],
    [
      'Voted, with sources and reasoning',
      () =>
        talk(
          s.chat([
            q,
            a('O prazo é de **3 dias** [1].', 'complete', {
              reasoning: 'A pessoa quer saber do desbloqueio. O artigo 12 diz três dias.',
              sources: [
                { n: 1, id: 'k_1', title: 'Desbloqueio em confiança' },
                { n: 2, id: 'k_2', title: 'Política de cobrança e prazos de desbloqueio' },
              ],
              feedback: { vote: 'up' },
            }),
          ]),
        ),
    ],
    [
      'Loading',
      () => (
        <Frame>
          <Skeleton />
        </Frame>
      ),
    ],
    [
      'Composer',
      () => (
        <div className="flex flex-col gap-5 p-5">
          <Write draft="gallery-empty" />
          <Write draft="gallery-busy" busy />
          <Write draft="gallery-blocked" blocked={t.quotaFull('01/12/2026')} />
          <Write draft="gallery-human" placeholder={t.placeholderHuman('Paula Ramos')} />
        </div>
      ),
    ],
    [
      'News',
      () => (
        <div className="flex flex-col gap-4 p-5">
          <Connection link={{ is: 'waiting', tries: 1 }} />
          <Strip>{t.quotaNear('82%', '01/12/2026')}</Strip>
          <Strip>{t.quotaFull('01/12/2026')}</Strip>
          <Notice portal={{ ...s.portal, privacy_url: 'https://conecta.example/privacidade' }} onAccept={nothing} />
          <div className="relative h-14 [transform:translate(0)]">
            <ToastView toast={{ text: t.removed, action: { label: t.undo, run: nothing } }} low />
          </div>
        </div>
      ),
    ],
    [
      'Sidebar',
      () => (
        <div className="flex h-140 gap-4 overflow-x-auto p-5">
          <Side part={0.62} />
          <Side part={0.86} empty />
          <Side part={1} />
        </div>
      ),
    ],
    [
      'Controls',
      () => (
        <div className="flex flex-wrap items-center gap-3 p-5">
          <Button>{t.cancel}</Button>
          <Button look="main">{t.save}</Button>
          <Button look="bad">{t.erase}</Button>
          <Button look="quiet">{t.discard}</Button>
          <Button look="main" disabled>
            {t.send}
          </Button>
          <IconButton label={t.close}>×</IconButton>
          <div className="w-64">
            <Field label={t.email} error={t.required} />
          </div>
        </div>
      ),
    ],
    [
      'Sign in',
      () => (
        <div className="[&_main]:min-h-120">
          <LoginPage portal={s.portal} onLogin={later} />
        </div>
      ),
    ],
    [
      'Other brands',
      () => (
        <div className="grid grid-cols-2">
          <div data-brand="violet" className="flex h-90 flex-col">
            <Welcome portal={{ ...s.portal, name: 'Beta Telecom' }} onAsk={nothing} />
          </div>
          <div data-brand="amber" className="flex h-90 flex-col">
            <Welcome portal={{ ...s.portal, name: 'Gama Net' }} onAsk={nothing} />
          </div>
        </div>
      ),
    ],
  ]
}

function Frame({ children }: { children: ReactNode }) {
  return <div className="flex h-110 flex-col">{children}</div>
}

function Write(p: Partial<React.ComponentProps<typeof Composer>> & { draft: string }) {
  return (
    <Composer
      placeholder={t.placeholder}
      busy={false}
      blocked={undefined}
      most={16_000}
      autoFocus={false}
      onSend={nothing}
      onStop={nothing}
      onTyping={nothing}
      onEditLast={nothing}
      {...p}
    />
  )
}

function Side({ part, empty = false }: { part: number; empty?: boolean }) {
  return (
    <div className="w-64 shrink-0 overflow-hidden rounded-xl border border-line">
      <Sidebar
        portal={s.portal}
        me={s.me}
        list={empty ? [] : s.list}
        loaded
        more={!empty}
        current="c_0"
        quota={s.quota(part)}
        readAloud={false}
        onNavigate={nothing}
        onDialog={nothing}
        onLanguage={nothing}
        onSignOut={nothing}
      />
    </div>
  )
}
