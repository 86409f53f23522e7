import { w } from '../console/words'
import { words } from './words'

// What can stand in the ledger: rows are made, changed and deleted, what there is once is only changed.
const rows = [
  'pessoa',
  'plano',
  'assinatura',
  'chave_api',
  'modelo',
  'configuracao_llm',
  'chave_widget',
  'artigo',
  'resposta_pronta',
  'provedor_login',
  'emissor',
  'exportacao',
]
const settings = ['marca', 'privacidade', 'retencao', 'alertas']
const others: Record<string, string[]> = {
  pessoa: ['convidar', 'revogar_sessoes', 'apagada'],
  chave_widget: ['novo_segredo'],
  exportacao: ['baixar'],
  alertas: ['testar'],
}

/** Every action that can be looked for, under what it is about. */
export function actionGroups(): { label: string; options: Record<string, string> }[] {
  const a = words()
  const group = (noun: string, verbs: string[]) => ({
    label: a.auditNouns[noun] ?? noun,
    options: Object.fromEntries(verbs.map((v) => [`${noun}.${v}`, actionText(`${noun}.${v}`)])),
  })
  return [
    { label: a.auditTalks, options: w.actions },
    ...rows.map((noun) => group(noun, ['criar', 'alterar', 'excluir', ...(others[noun] ?? [])])),
    ...settings.map((noun) => group(noun, ['alterar', ...(others[noun] ?? [])])),
  ]
}

/** An action in words; one that is not known as the ledger has it. */
export function actionText(action: string): string {
  const a = words()
  const known = w.actions[action] ?? a.auditOthers[action]
  if (known) return known
  const [noun = '', verb = ''] = action.split('.')
  const did = a.auditVerbs[verb]
  const what = a.auditNouns[noun]
  return did && what ? did(what.toLocaleLowerCase()) : action
}

/** What an entry says besides, in a line. */
export const detailText = (detail: Record<string, string>): string =>
  Object.entries(detail)
    .map(([name, value]) => `${words().auditDetails[name] ?? name}: ${value}`)
    .join(' · ')

/** Where what an entry is about can be seen, if there is such a place. */
export function placeOf(target: string): string | undefined {
  const at = { c: '/s/', u: '/admin/people/', p: '/admin/plans/', k: '/admin/keys/' }[target.split('_')[0]!]
  return at && `${at}${target}`
}
