import './portal.css'
import { createRoot } from 'react-dom/client'
import { Boundary } from '../shared/Boundary'
import { pageLanguage, setLanguage } from '../shared/i18n'
import { cookie } from '../shared/theme'
import { App } from './App'
import { start } from './store'

const chosen = cookie('lang')
await setLanguage(chosen === 'en' || chosen === 'pt-BR' ? chosen : pageLanguage())
createRoot(document.getElementById('root')!).render(
  <Boundary>
    <App />
  </Boundary>,
)
await start()
