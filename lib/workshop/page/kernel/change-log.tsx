/** What has changed, in words, newest first; a screen reader says it when it has time. */
import type { Said } from '../store.js'
import { Text } from '../text.jsx'

/** Lines that are there; the list is scrolled. */
const SHOWN = 40

export function ChangeLog({ log }: { log: readonly Said[] }) {
  return (
    <section class="panel log" aria-labelledby="title-log">
      <h2 id="title-log">
        What has changed <small>newest first</small>
      </h2>
      <ol aria-live="polite" aria-relevant="additions">
        {log.slice(0, SHOWN).map(({ number, at, words }) => (
          <li key={number}>
            <time dateTime={new Date(at).toISOString()}>{new Date(at).toLocaleTimeString([], { hour12: false })}</time>{' '}
            <Text of={words} most={160} />
          </li>
        ))}
      </ol>
      {log.length === 0 && <p class="empty">Nothing since this page was opened.</p>}
    </section>
  )
}
