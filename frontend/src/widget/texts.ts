import { type Language, language, setLanguage } from '../shared/i18n'
import type { FieldName, Texts } from './config'

/** What only the widget says; the rest is in the texts that all pages share. */
const pt = {
  assistant: 'Assistente de IA',
  human: 'Atendimento humano',
  queue: 'Aguardando atendente',
  close: 'Fechar chat',
  menu: 'Opções da conversa',
  place: (n: number) => (n === 1 ? 'Aguardando atendente: você é o próximo' : `Aguardando atendente: ${n}º da fila`),
  newChat: 'Nova conversa',
  download: 'Baixar conversa',
  mail: 'Enviar por e-mail',
  mailTo: 'Seu e-mail',
  mailed: (address: string) => `A conversa vai para ${address} em instantes.`,
  mailEnough: 'O limite de e-mails de hoje foi atingido.',
  erase: 'Apagar conversa',
  eraseSure: 'Apagar esta conversa? Não há como desfazer.',
  greeting: (name: string) => `Olá! Sou o assistente de IA da ${name}. Como posso ajudar?`,
  placeholder: 'Escreva sua mensagem…',
  messages: 'Mensagens',
  consentTitle: 'Antes de começar',
  consent: (name: string) =>
    `${name} guarda esta conversa para atender você. Quem responde primeiro é uma inteligência artificial.`,
  policy: 'Política de privacidade',
  agree: 'Iniciar conversa',
  refuse: 'Agora não',
  fieldsTitle: 'Só mais um passo',
  fields: { name: 'Nome', email: 'E-mail', phone: 'Telefone', document: 'CPF ou CNPJ', contract: 'Número do contrato' },
  optional: '(opcional)',
  goOn: 'Continuar',
  back: 'Voltar',
  missing: 'Preencha este campo.',
  wrong: 'Confira este campo.',
  signIn: 'Entre na sua conta neste site para conversar.',
  unavailable: 'Nosso assistente está indisponível no momento.',
  unavailableUntil: (when: string) => `Nosso assistente está indisponível até ${when}.`,
  otherWays: 'Fale com a gente por:',
  whatsapp: 'WhatsApp',
  phone: (n: string) => `Telefone ${n}`,
  form: 'Formulário',
  away: (when: string) => `A equipe está fora do horário e volta ${when}.`,
  signed: 'Com tecnologia IXC AI Hub',
}

export type Words = typeof pt
let spoken = pt

/** Sets the language of everything rendered from now on. English is loaded when it is needed. */
export async function speak(l: Language) {
  const next = l === 'en' ? (await import('./en')).en : pt
  await setLanguage(l)
  spoken = next
}

export const words = () => spoken
export const fieldLabel = (name: FieldName) => words().fields[name]
/** The distributor's own text in the person's language, else in Portuguese. */
export const own = (texts: Texts | null | undefined) => texts?.[language] || texts?.['pt-BR'] || ''
