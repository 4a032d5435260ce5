/**
 * How many clients there may be at one address. Clients keep connections that they do not use for as long as they like, and so do those who want to keep
 * others away: when there is no room, whoever has been idle the longest makes some, and that is as good as any end of an idle connection, which HTTP has
 * clients expect (RFC 9112, 9.5). Idle is who has no request under way: between two of them, before the first, within a head that does not end.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Of descriptors each of them needs one or two, and the engine needs some for itself. */
const SHARE = 1 / 4
const MOST = 1000
const LEAST = 8

/** `descriptors`: how many this process may have. */
export const mostConnections = (descriptors: number): number => Math.max(LEAST, Math.min(MOST, Math.floor(descriptors * SHARE)))

/** Count the connections of a server. `refused` is called for one that there is no room for, which is to be told and closed. */
export function limitConnections(server: Server, most: number, refused: (socket: Socket) => void): void {
  /** How many requests of each are under way. */
  const all = new Map<Socket, number>()
  /** The one that has been idle the longest first. */
  const idle = new Set<Socket>()
  const count = (socket: Socket, more: number) => {
    const before = all.get(socket)
    if (before === undefined) return
    all.set(socket, before + more)
    if (before + more > 0) idle.delete(socket)
    else idle.add(socket)
  }
  const forget = (socket: Socket) => {
    all.delete(socket)
    idle.delete(socket)
  }
  server.prependListener('connection', (socket: Socket) => {
    // One that was given back after an upgrade that is not for us.
    if (all.has(socket)) return count(socket, -1)
    const [longest] = all.size >= most ? idle : []
    if (longest) {
      forget(longest)
      longest.destroy()
    }
    if (all.size >= most) return refused(socket)
    all.set(socket, 0)
    idle.add(socket)
    socket.once('close', () => forget(socket))
  })
  // For good, or until it is given back.
  server.prependListener('upgrade', (_request, socket) => count(socket as Socket, 1))
  server.prependListener('request', ({ socket }, response) => {
    count(socket, 1)
    response.once('close', () => count(socket, -1))
  })
}
