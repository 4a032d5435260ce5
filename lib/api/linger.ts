/** The end of a connection that was taken from HTTP. */
import type { Duplex } from 'node:stream'

/** How long a client may leave its side open when all is said, in milliseconds. */
const PATIENCE = 10_000

/** Closing at once would make the kernel throw away what is under way, when there is something that was not read (RFC 1122, 4.2.2.13). */
export function linger(socket: Duplex): void {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.destroy(), PATIENCE)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
}
