import { language } from '../shared/i18n'
import { en } from './en'
import { pt, type Words } from './pt'

/** The texts of the administration in the language of the page. */
export const words = (): Words => (language === 'en' ? en : pt)
