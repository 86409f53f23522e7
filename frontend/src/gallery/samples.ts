// The data of the gallery: one of everything a person can see.
import type { Chat, Message } from '../chat/chat'
import { newChat } from '../chat/chat'
import type { Pending } from '../chat/live'
import type { Me, Portal, Summary } from '../net/api'
import type { Quota, RunState } from '../net/frames'

const minutes = (n: number) => new Date(Date.now() - n * 60_000).toISOString()

export const portal: Portal = {
  slug: 'conecta-sul',
  name: 'Conecta Sul',
  portal_name: 'Conecta Sul',
  welcome: 'Como podemos ajudar com a sua internet?',
  notice: {
    version: '2026-11',
    text: {
      'pt-BR':
        'Você conversa com um assistente de inteligência artificial de Conecta Sul, controlador dos seus dados. As mensagens ficam guardadas por 90 dias e podem ser lidas pela equipe. Não envie senhas nem dados de cartão.',
      en: 'You are talking to an artificial intelligence assistant of Conecta Sul, the controller of your data. Messages are kept for 90 days and may be read by its team. Do not send passwords or card numbers.',
    },
  },
  suggestions: ['Minha internet está lenta', 'Quero a segunda via do boleto', 'Como troco a senha do Wi-Fi?'],
}

export const me: Me = {
  user: { id: 'u_1', name: 'Marina Duarte', email: 'marina@conecta.example', role: 'usuario' },
  tenant: { id: 'conecta-sul', slug: 'conecta-sul', name: 'Conecta Sul', currency: 'BRL' },
  plan: { id: 'p_1', name: 'Fibra 600' },
  quota: [],
  models: [
    { key: 'rapido', name: 'Rápido', model: 'rapido' },
    { key: 'profundo', name: 'Profundo', model: 'profundo' },
  ],
  consents: [],
}

export const quota = (part: number): Quota[] => [
  {
    window: 'month',
    messages_used: Math.round(500 * part),
    messages_limit: 500,
    tokens_used: 0,
    tokens_limit: 0,
    reset_at: new Date(Date.now() + 7 * 86_400_000).toISOString(),
  },
]

export const list: Summary[] = [
  ['Liberação em confiança', 2],
  ['Segunda via do boleto de novembro', 40],
  ['Configurar ONU Huawei em modo bridge na casa nova', 60 * 26],
  ['Relatório de inadimplência', 60 * 24 * 4],
  ['Integração com o MikroTik', 60 * 24 * 20],
].map(([title, age], i) => ({
  id: `c_${i}`,
  title: String(title),
  state: 'open',
  created_at: minutes(Number(age)),
  updated_at: minutes(Number(age)),
}))

export const rich = `## Liberação em confiança

Para **liberar o cliente** siga os passos:

1. Acesse *Cadastros › Clientes* e abra o contrato
2. Clique em **Desbloqueio de confiança**
3. Confirme o prazo de \`3 dias\`

| Plano | Velocidade | Mensalidade |
|---|--:|--:|
| Fibra 300 | 300 Mb | R$ 89,90 |
| Fibra 600 | 600 Mb | R$ 109,90 |

\`\`\`bash
curl -s https://ixc.example/webservice/v1/desbloqueio_confianca \\
  -H 'ixcsoft: inserir' -d '{"id_contrato": 4821}'
\`\`\`

> O desbloqueio pode ser usado **uma vez por fatura**. <img src=x onerror=alert(1)>

- [x] Contrato conferido
- [ ] Cliente avisado

Veja também [o manual](https://ixc.example/manual).`

export const question = (id: string, text: string, parent?: string): Message => ({
  id,
  role: 'user',
  text,
  bytes: 0,
  by: { kind: 'user', name: 'Marina Duarte' },
  at: minutes(3),
  ...(parent ? { parent } : {}),
})

export const answer = (
  id: string,
  parent: string,
  text: string,
  state: RunState = 'complete',
  more: Partial<Message> & { code?: string } = {},
): Message => {
  const { code, ...rest } = more
  return {
    id,
    role: 'assistant',
    text,
    bytes: 0,
    parent,
    by: { kind: 'ai' },
    at: minutes(2),
    run: { id: `r_${id}`, state, len: 0, model: 'rapido', ...(code ? { code } : {}) },
    ...rest,
  }
}

export const chat = (messages: Message[], more: Partial<Chat> = {}): Chat => ({
  ...newChat('c_0'),
  loaded: true,
  title: 'Liberação em confiança',
  messages,
  ...more,
})

export const pending = (state: Pending['state'], more: Partial<Pending> = {}): Pending => ({
  cid: `cid-${state}`,
  conv: 'c_0',
  text: 'Como libero o cliente em confiança?',
  at: Date.now(),
  state,
  ...more,
})

export const refusal = (code: string, more: { retry_ms?: number; reset_at?: string; ref?: string } = {}) => ({
  t: 'err' as const,
  code,
  message: '',
  retry: true,
  ...more,
})
