/** Connections to an engine, whatever leads there: a unix socket, TCP, TLS, or a program (ssh) whose standard input and output are the line. */
import { Agent, type AgentOptions } from 'node:http'
import { connect, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { inspect } from 'node:util'
import type { Endpoint } from './endpoint.js'

/** Milliseconds until a connection must stand; docker's client waits as long. */
const PATIENCE = 10_000

/** An agent that dials one engine and nothing else. Connections are kept for the next request: over ssh one costs a login. */
export class Dial extends Agent {
  readonly #endpoint: Endpoint

  constructor(endpoint: Endpoint) {
    // The name for TLS is settled below; without one here Node looks for it in each request, by a pattern that takes milliseconds to compile.
    super({ keepAlive: true, servername: '' } as AgentOptions)
    this.#endpoint = endpoint
  }

  override createConnection(_options: object, callback?: (error: Error | null, stream: Duplex) => void): Duplex | null | undefined {
    void dial(this.#endpoint).then(
      (stream) => callback?.(null, stream),
      (error: Error) => callback?.(error, undefined as unknown as Duplex),
    )
    return undefined
  }

  /** docker-modem prints whole requests for its debugging, also when nobody reads that. */
  [inspect.custom](): string {
    return 'Dial'
  }
}

/** Resolves when the connection stands, with TLS when it is agreed on. */
export async function dial({ host, tls }: Endpoint): Promise<Duplex> {
  if (host.kind === 'unix') return settled(connect({ path: host.path }), 'connect')
  const { guard, guardedLookup } = await import('./guard.js')
  await guard(host)
  if (host.kind === 'ssh') return (await import('./ssh.js')).dialSsh(host)
  const address = { host: host.host, port: host.port, lookup: guardedLookup }
  if (!tls) return settled(connect(address), 'connect')
  // Loaded when it is needed; an import in the middle of a bundle makes Node print a warning.
  const { connect: secure } = process.getBuiltinModule('node:tls')
  const { verify, ...files } = tls
  const servername = isIP(host.host) === 0 ? { servername: host.host } : {}
  return settled(secure({ ...address, ...servername, ...files, rejectUnauthorized: verify }), 'secureConnect')
}

function settled<S extends ReturnType<typeof connect>>(socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => socket.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })), PATIENCE)
    socket.once('error', reject)
    socket.once('close', () => {
      clearTimeout(late)
      reject(Object.assign(new Error('the other side has hung up'), { code: 'ECONNRESET' }))
    })
    socket.once(event, () => {
      clearTimeout(late)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
