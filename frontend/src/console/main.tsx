import './style.css'
import { createRoot } from 'react-dom/client'
import { Boundary } from '../shared/Boundary'
import { pageLanguage } from '../shared/i18n'
import { cookie } from '../shared/theme'
import { Console } from './Console'
import { start } from './session'
import { speak } from './words'

const chosen = cookie('lang')
await speak(chosen === 'en' || chosen === 'pt-BR' ? chosen : pageLanguage())
createRoot(document.getElementById('root')!).render(
  <Boundary>
    <Console />
  </Boundary>,
)
await start()
