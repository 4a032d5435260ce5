/** The workshop page. It is a live one where it was served, and only a recorded session where it was exported to a file. */
import { render } from 'preact'
import type { Exported } from '../protocol.js'
import './page.css'
import { App, ExportedApp } from './app.jsx'
import { listen } from './live.js'
import { Store } from './store.js'

const root = document.getElementById('app') ?? document.body
const exported = document.getElementById('export')

if (exported) {
  render(<ExportedApp exported={JSON.parse(exported.textContent ?? '') as Exported} />, root)
} else {
  const store = new Store()
  render(<App store={store} />, root)
  listen(store)
}
