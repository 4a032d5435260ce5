/**
 * Requests of one connection, one after the other. A client may send the next one before it has the answer to the last (RFC 9112, 9.3.2); Node would begin
 * them all at once. Docker's daemon takes them in turn: a container that is made and started in one breath is made first.
 */
import type { Socket } from 'node:net'

/** How many may wait; who sends more of them without reading an answer is no client. */
const MOST_WAITING = 100

interface Turn {
  underWay: boolean
  readonly waiting: ((done: () => void) => void)[]
}

const turns = new WeakMap<Socket, Turn>()

/** Act when those before it are done; it is done itself when it says so. False: too many wait already, and nothing will come of this one. */
export function inTurn(socket: Socket, act: (done: () => void) => void): boolean {
  const turn = turnOf(socket)
  if (turn.waiting.length >= MOST_WAITING) return false
  turn.waiting.push(act)
  if (!turn.underWay) next(socket, turn)
  return true
}

/** Is a request of it under way? */
export const isWaiting = (socket: Socket): boolean => turns.get(socket)?.underWay ?? false

function turnOf(socket: Socket): Turn {
  const found = turns.get(socket)
  if (found) return found
  const turn: Turn = { underWay: false, waiting: [] }
  turns.set(socket, turn)
  // Nobody is there to be answered any more.
  socket.once('close', () => turn.waiting.splice(0))
  return turn
}

function next(socket: Socket, turn: Turn): void {
  const act = socket.destroyed ? undefined : turn.waiting.shift()
  turn.underWay = act !== undefined
  let told = false
  act?.(() => {
    if (told) return
    told = true
    next(socket, turn)
  })
}
