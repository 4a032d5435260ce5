/**
 * A socket that passes everything on to another one, both ways, and keeps what was said. It stands between a client and an engine, and neither notices:
 * one side may end what it says while the other still speaks.
 */
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { type Exchange, Listener } from './listener.js'

export interface Wire {
  /** Requests on all connections, in the order in which they were made. */
  readonly exchanges: readonly Exchange[]
  /** Each connection by itself. */
  readonly connections: readonly Listener[]
  close(): Promise<void>
}

/** `from`: a path at which there is nothing yet; `to`: the socket of an engine. */
export async function wire(from: string, to: string): Promise<Wire> {
  const sockets = new Set<Socket>()
  const exchanges: Exchange[] = []
  const connections: Listener[] = []
  const track = (socket: Socket) => {
    sockets.add(socket)
    // Either end may go at any moment: a learner's process is ended when it has answered.
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ path: to, allowHalfOpen: true })
    for (const socket of [near, far]) track(socket)
    const listener = new Listener((exchange) => exchanges.push(exchange))
    connections.push(listener)
    near.on('data', (bytes) => listener.client(bytes))
    far.on('data', (bytes) => listener.engine(bytes))
    near.pipe(far)
    far.pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
  server.listen(from)
  await once(server, 'listening')
  return {
    exchanges,
    connections,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
      rmSync(from, { force: true })
    },
  }
}
