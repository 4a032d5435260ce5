/** A way for the learner's own program, which runs on the host, to a registry inside a bottle: bytes from a port of the loopback to a socket file. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Proxy {
  /** `http://127.0.0.1:41234` */
  readonly url: string
  close(): Promise<void>
}

export async function proxyTo(socketFile: string): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    // Either end may go at any moment: the learner's process is ended when it has answered.
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer((near) => {
    const far = connect(socketFile)
    for (const socket of [near, far]) track(socket)
    near.pipe(far)
    far.pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      if (server.listening) await once(server, 'close')
    },
  }
}
