/** What happens in an engine from a moment on, as short lines. */
import type { Engine } from '../../lib/engine/index.js'
import type { EngineEvent } from '../../lib/engine/types.js'

/** `act`, and what was published until it was over. */
export async function eventsOf(engine: Engine, act: () => Promise<unknown>): Promise<EngineEvent[]> {
  const listening = new AbortController()
  const stream = engine.events.stream({ filters: new Map(), signal: listening.signal })
  await act()
  listening.abort()
  const events: EngineEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

/** `image tag box:latest`: type, action, name (or the id). */
export const lineOf = ({ Type, Action, Actor }: EngineEvent): string => `${Type} ${Action} ${Actor.Attributes.name ?? Actor.ID}`
