import '../shared/style.css'
import { createRoot } from 'react-dom/client'
import { pageLanguage, setLanguage } from '../shared/i18n'
import { cookie } from '../shared/theme'
import { App } from './App'
import { start } from './store'

const chosen = cookie('lang')
await setLanguage(chosen === 'en' || chosen === 'pt-BR' ? chosen : pageLanguage())
createRoot(document.getElementById('root')!).render(<App />)
await start()
