/** A question passed on to other resolvers, as the bytes that it is. RFC 1035; over TCP each message has its length before it. */
import { createSocket } from 'node:dgram'
import { createConnection, isIPv6 } from 'node:net'

const PORT = 53
/** In milliseconds: how long one resolver has time before the next one is asked. Clients wait five seconds, resolv.conf(5). */
const PATIENCE = 2000

/** The first answer of these resolvers, asked one after the other; undefined when none has answered. */
export async function forward(query: Buffer, resolvers: readonly string[], over: 'udp' | 'tcp', port = PORT): Promise<Buffer | undefined> {
  for (const resolver of resolvers) {
    const answer = await (over === 'udp' ? askUdp(query, resolver, port) : askTcp(query, resolver, port))
    if (answer) return answer
  }
  return undefined
}

/** A socket for each question, so that each has a port of its own that nobody can guess, and takes answers from that resolver only. */
function askUdp(query: Buffer, resolver: string, port: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(resolver) ? 'udp6' : 'udp4')
    const finish = (answer?: Buffer) => {
      clearTimeout(timer)
      socket.removeAllListeners('message').close()
      resolve(answer)
    }
    const timer = setTimeout(finish, PATIENCE).unref()
    socket.once('error', () => finish())
    socket.on('message', (answer) => {
      if (sameId(query, answer)) finish(answer)
    })
    // Not as its callback: that is called for a failure too, such as a host without a way there, and a send would throw then.
    socket.once('connect', () => socket.send(query))
    socket.connect(port, resolver)
  })
}

function askTcp(query: Buffer, resolver: string, port: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(port, resolver)
    let received: Buffer = Buffer.alloc(0)
    const finish = (answer?: Buffer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(PATIENCE, () => finish())
    socket.once('error', () => finish())
    socket.once('close', () => finish())
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const answer = takeFrames(received).frames.find((one) => sameId(query, one))
      if (answer) finish(answer)
    })
    socket.write(frame(query))
  })
}

const sameId = (query: Buffer, answer: Buffer): boolean => answer.length >= 12 && answer.readUInt16BE(0) === query.readUInt16BE(0)

/** A message as TCP carries it. */
export function frame(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** The whole messages at the start of a stream, and what is left. */
export function takeFrames(stream: Buffer): { frames: Buffer[]; rest: Buffer } {
  const frames: Buffer[] = []
  let at = 0
  while (at + 2 <= stream.length && at + 2 + stream.readUInt16BE(at) <= stream.length) {
    const end = at + 2 + stream.readUInt16BE(at)
    frames.push(stream.subarray(at + 2, end))
    at = end
  }
  return { frames, rest: stream.subarray(at) }
}
