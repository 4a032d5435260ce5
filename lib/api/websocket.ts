/** Attaching over a websocket (RFC 6455), which is what a browser can. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { DrydockError } from '../kernel/errors.js'

/** Bytes of one message; a longer one ends the connection. */
const LONGEST_MESSAGE = 1024 * 1024

/** Shakes hands, and answers 400 by itself to what is none. The stream ends with the connection. */
export async function acceptWebSocket(request: IncomingMessage, socket: Socket): Promise<Duplex> {
  // Loaded when it is needed, which is seldom.
  const { createWebSocketStream, WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ noServer: true, maxPayload: LONGEST_MESSAGE, perMessageDeflate: false })
  return new Promise((resolve, reject) => {
    const fail = () => reject(new DrydockError('the websocket did not come about', { status: 400 }))
    // Nothing more comes of one that has gone meanwhile.
    if (socket.destroyed) return fail()
    socket.once('close', fail)
    server.handleUpgrade(request, socket, Buffer.alloc(0), (client) => {
      const stream = createWebSocketStream(client)
      // There is no half of it that could stay open.
      client.once('close', () => stream.destroy())
      stream.on('error', () => undefined)
      resolve(stream)
    })
  })
}
