/** How a container ended. */
import { json } from 'node:stream/consumers'
import type { Engine } from '../engine/client.js'

export interface Ending {
  readonly status: number
}

interface Answer {
  readonly StatusCode: number
  readonly Error?: { readonly Message?: string } | null
}

/**
 * Without a condition one that has ended meanwhile is told of at once. The engine is asked before the container is started, and has answered by its headers when this resolves: from then on no end is missed. `ending` is its exit status,
 * or 125 after the engine's sentence about what went wrong meanwhile.
 */
export async function awaitEnd(
  engine: Engine,
  id: string,
  condition?: 'next-exit' | 'removed',
): Promise<{ readonly ending: Promise<number> }> {
  const stream = await engine.stream({ method: 'POST', path: `/containers/${id}/wait`, query: { condition } })
  const ending = (json(stream) as Promise<Answer>).then(({ StatusCode, Error: failed }) => {
    if (!failed?.Message) return StatusCode
    process.stderr.write(`Error waiting for container: ${failed.Message}\n`)
    return 125
  })
  // Who asks for it may never come to do so: a start that fails ends before.
  ending.catch(() => undefined)
  return { ending }
}
