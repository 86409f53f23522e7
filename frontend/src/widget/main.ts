import './host'
import './widget.css'
import { h, render } from 'preact'
import { pageLanguage } from '../shared/i18n'
import { App } from './App'
import { start } from './store'
import { speak } from './texts'

void speak(pageLanguage()).then(() => {
  render(h(App, null), document.getElementById('root')!)
  start()
})
