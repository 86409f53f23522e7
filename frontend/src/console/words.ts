import { type Language, setLanguage } from '../shared/i18n'
import { pt, type Words } from './pt'

export let w: Words = pt

/** Sets the language of the console and of what it shares with the portal. English is loaded when it is needed. */
export async function speak(l: Language) {
  await setLanguage(l)
  w = l === 'en' ? (await import('./en')).en : pt
}
