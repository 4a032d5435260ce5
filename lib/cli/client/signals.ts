/** Signals that come here are meant for the container, as long as it is in the foreground. */
import { constants } from 'node:os'
import { type Engine, queryOnly } from '../engine/client.js'
import { PASSED } from '../passed-signals.js'

/** Returns what stops that. One that comes before the container runs, or after it, is lost, as with docker. */
export function passSignals(engine: Engine, id: string): () => void {
  const undo = PASSED.filter((name) => name in constants.signals).map((name) => {
    const pass = () =>
      void engine
        .container(id)
        .kill(queryOnly({ signal: name.slice('SIG'.length) }))
        .catch(() => undefined)
    process.on(name, pass)
    return () => process.off(name, pass)
  })
  return () => {
    for (const stop of undo) stop()
  }
}
