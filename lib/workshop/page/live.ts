/** The stream of what is happening, kept open: when it is lost it is opened again. */
import type { LiveEvent } from '../protocol.js'
import { onSilence } from './silence.js'
import type { Store } from './store.js'

/** Milliseconds after which a stream that the server has refused is tried again; one that broke is by the browser itself. */
const AGAIN = 3000

const KINDS: readonly LiveEvent['kind'][] = ['picture', 'changed', 'sessions', 'room', 'pace']

export function listen(store: Store): void {
  const source = new EventSource('/live')
  source.addEventListener('open', () => store.connection('open'))
  source.addEventListener('error', () => {
    store.connection('lost')
    if (source.readyState !== EventSource.CLOSED) return
    setTimeout(() => listen(store), AGAIN)
  })
  onSilence(source, KINDS, () => {
    store.connection('lost')
    listen(store)
  })
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      store.hear({ kind, ...JSON.parse((event as MessageEvent<string>).data) } as LiveEvent, Date.now())
    })
  }
}
