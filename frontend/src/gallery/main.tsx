import '../shared/style.css'
import './gallery.css'
import { createRoot } from 'react-dom/client'
import { pageLanguage, setLanguage } from '../shared/i18n'
import { Gallery } from './Gallery'

await setLanguage(pageLanguage())
createRoot(document.getElementById('root')!).render(<Gallery />)
