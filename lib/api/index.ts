/**
 * The Docker Engine API: requests of docker's command line and of other clients become calls of the engine's nouns, and nothing is added but HTTP.
 *
 *     listen.ts, tls.ts   unix sockets, TCP, TLS: who is let in                takeover.ts   connections taken away from HTTP
 *     server.ts      what holds for every request; the routes are in routes/   hijack.ts     attach and exec on such connections
 *     versions.ts    which version of the API is meant                         websocket.ts  attach over a websocket
 *     query.ts, filters.ts, body.ts, request.ts    what is asked               streams.ts    answers that take their time
 *     answers.ts, older.ts                         what is answered            progress.ts   lines of pull, push and load
 */
import type { EngineNouns } from '../engine/types.js'
import type { Log } from './context.js'
import { isHijack, takeHijack } from './hijack.js'
import { type Endpoint, type Listener, listen } from './listen.js'
import { createAnswer } from './server.js'

export type { Log } from './context.js'
export type { Endpoint, Listener, Tls } from './listen.js'
export { checkFree } from './listen.js'
export { NEWEST, PROMISED, versionText } from './versions.js'

export interface Api {
  listen(endpoint: Endpoint): Promise<Listener>
}

/** `log` gets a sentence for what went wrong and is nobody's fault, and a stack for a bug. */
export async function createApi(engine: EngineNouns, log: Log): Promise<Api> {
  const context = { engine, log }
  const answer = await createAnswer(context)
  const receivers = { wants: isHijack, take: (taken: Parameters<typeof takeHijack>[1]) => void takeHijack(context, taken), answer }
  return { listen: (endpoint) => listen(endpoint, receivers, (sentence) => log('warn', sentence)) }
}
