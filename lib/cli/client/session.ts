/** The engine of a call: found, and started when it is this user's own and does not run. */
import { DrydockError } from '../../kernel/errors.js'
import type { Engine } from '../engine/client.js'
import { endpointOf, type Globals } from '../globals.js'
import type { Session } from './verb.js'

/** Nothing is looked up before an engine is really asked for. */
export function sessionOf(globals: Globals): Session {
  let engine: Promise<Engine> | undefined
  return {
    debug: globals.flags.debug === true,
    engine: () => {
      engine ??= opened(globals)
      return engine
    },
    running: async () => {
      try {
        return await (await import('../engine/client.js')).Engine.open(await endpointOf(globals))
      } catch (error) {
        if (error instanceof DrydockError) return undefined
        throw error
      }
    },
  }
}

async function opened(globals: Globals): Promise<Engine> {
  const [{ Engine }, { Unreachable }] = await Promise.all([import('../engine/client.js'), import('../engine/unreachable.js')])
  const endpoint = await endpointOf(globals)
  try {
    return await Engine.open(endpoint)
  } catch (error) {
    const absent = error instanceof Unreachable && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    if (!endpoint.own || !absent) throw error
    await (await import('../engine/background.js')).startEngine(endpoint)
    return Engine.open(endpoint)
  }
}
