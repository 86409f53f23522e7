import './host'
import './widget.css'
import { h, render } from 'preact'
import { pageLanguage, setLanguage } from '../shared/i18n'
import { App } from './App'
import { start } from './store'

void setLanguage(pageLanguage()).then(() => {
  render(h(App, null), document.getElementById('root')!)
  start()
})
