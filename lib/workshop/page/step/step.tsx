/** A session that is stepped through on this machine, or was. */
import { useState } from 'preact/hooks'
import type { SessionSummary } from '../../protocol.js'
import type { State } from '../store.js'
import { cut } from '../text.jsx'
import { useSession } from './follow.js'
import { Replayed } from './replayed.jsx'

export function Step({ state: { sessions } }: { state: State }) {
  const [chosen, setChosen] = useState<string>()
  const summary = sessions?.find(({ id }) => id === chosen) ?? sessions?.find(({ running }) => running) ?? sessions?.[0]
  const { replay, version, lost } = useSession(summary?.id)
  if (!sessions) return <p class="empty large">Looking for sessions…</p>
  if (!summary) {
    return (
      <p class="empty large">
        Nobody steps through anything yet. Type <code>npm run lesson 1</code>, <code>drydock run --step …</code> or{' '}
        <code>npm run repl</code> in a terminal of this machine: every call is shown here, with the picture that it changes.
      </p>
    )
  }
  return (
    <>
      <div class="tools">
        <label>
          Session{' '}
          <select value={summary.id} onChange={(event) => setChosen(event.currentTarget.value)}>
            {sessions.map((one) => (
              <option key={one.id} value={one.id}>
                {nameOf(one)}
              </option>
            ))}
          </select>
        </label>
        <a class="button" href={`/sessions/${encodeURIComponent(summary.id)}/export`} download>
          export as one file
        </a>
        {lost && <strong class="lost">The connection is lost; trying again…</strong>}
      </div>
      <Replayed key={summary.id} replay={replay} version={version} running={summary.running} />
    </>
  )
}

function nameOf({ title, user, began, running, auto }: SessionSummary): string {
  const when = new Date(began).toLocaleTimeString([], { hour12: false, hour: '2-digit', minute: '2-digit' })
  return `${cut(title, 60)} (${cut(user, 20)}, ${when}${auto ? ', by itself' : ''}${running ? ', running' : ''})`
}
