/** The sockets that the workshop listens on. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { limitConnections, mostConnections } from '../api/connections.js'
import { descriptors, listening } from '../api/listen.js'
import { DrydockError } from '../kernel/errors.js'
import { type Place, socketsOf, USUAL_PORT } from './place.js'

export interface Sockets {
  readonly port: number
  /** The usual port was taken, and this is another. */
  readonly moved: boolean
  close(): Promise<void>
}

/** A head and a small body come at once or not at all. */
const HTTP = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 5_000, maxHeaderSize: 16 * 1024, noDelay: true }

/** Free ports of one address are tried until the other has one too. */
const TRIES = 20

/** Rejects with a sentence when a port that was asked for is taken, or the address is none of this machine's. */
export async function listenAt(place: Place, answer: RequestListener): Promise<Sockets> {
  const { port } = place
  if (port !== undefined) return { ...(await listenOn(place, port, answer)), moved: false }
  for (let turn = 0; ; turn++) {
    try {
      return { ...(await listenOn(place, turn === 0 ? USUAL_PORT : 0, answer)), moved: turn > 0 }
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || turn >= TRIES) throw error
    }
  }
}

async function listenOn(place: Place, wanted: number, answer: RequestListener): Promise<Omit<Sockets, 'moved'>> {
  const servers: Server[] = []
  const close = async () => {
    await Promise.all(servers.map(closed))
  }
  let port = wanted
  for (const host of socketsOf(place)) {
    const server = createServer(HTTP, answer)
    limitConnections(server, mostConnections(descriptors()), (socket) => void socket.destroy())
    try {
      await listening(server, { host, port }, `${host} port ${port}`)
    } catch (error) {
      // A kernel without IPv6, or one where it is turned off, has no ::1.
      if (servers.length > 0 && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error) ?? '')) continue
      await close()
      throw codeOf(error) === 'EADDRINUSE' ? taken(error as DrydockError, wanted) : error
    }
    servers.push(server)
    port = (server.address() as AddressInfo).port
  }
  return { port, close }
}

const taken = (error: DrydockError, port: number): DrydockError =>
  new DrydockError(`port ${port} is taken, perhaps by another workshop page: name another with --port`, { cause: error.cause })

const codeOf = (error: unknown): string | undefined => ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
