/**
 * The name service of a user-defined network, at port 53 of its gateway: names, aliases and ids of the containers on it from the leases on
 * disk, everything else from the host's own resolvers. RFC 1035, RFC 7766 (TCP).
 *
 * Whoever has a container on the network may run one: of several UDP sockets on a port the kernel hands packets to the one bound last,
 * and when that goes the next one has them.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { decode, encode, type Packet } from 'dns-packet'
import { DrydockError } from '../kernel/errors.js'
import { parseIp, parsePrefix } from '../kernel/ip.js'
import { networkOf } from './config.js'
import { forward, frame, takeFrames } from './forward.js'
import { answerLocally } from './local-names.js'
import { numberOf, rangeOf } from './pool.js'
import { hostResolvConf } from './resolv.js'
import { SharedNames } from './shared-names.js'

const PORT = 53
/** Largest answer over UDP in bytes, for a client that does not say that it takes more. */
const PLAIN_UDP = 512
/** More questions than this wait for the host's resolvers: further ones are refused. */
const MOST_WAITING = 512
/** So many TCP connections at once: each takes a descriptor of the engine's, and a container could ask for all of them. */
const MOST_CONNECTIONS = 256
/** In milliseconds: how often a TCP port that another name service has is tried again. */
const RETRY = 1000
/** In milliseconds: how long a TCP connection may say nothing. */
const IDLE = 10_000

export interface NameService {
  close(): Promise<void>
}

/** Start one, in the network namespace of this process, where the network's bridge must be. */
export async function startNameService(dataRoot: string, network: string): Promise<NameService> {
  const service = new Service(dataRoot, network)
  await service.start()
  return { close: () => service.close() }
}

class Service {
  readonly #gateway: string
  readonly #range: { first: number; last: number }
  readonly #names: SharedNames
  #udp: UdpSocket | undefined
  #tcp: Server | undefined
  #retry: NodeJS.Timeout | undefined
  readonly #connections = new Set<Socket>()
  #waiting = 0
  #closed = false

  constructor(dataRoot: string, network: string) {
    const { gateway, subnet } = networkOf(dataRoot, network)
    this.#gateway = gateway
    this.#range = rangeOf(parsePrefix(subnet))
    this.#names = new SharedNames(dataRoot, network)
  }

  async start(): Promise<void> {
    const udp = createSocket({ type: 'udp4', reuseAddr: true })
    this.#udp = udp
    udp.on('message', (query, from) => void this.#overUdp(query, from))
    await new Promise<void>((resolve, reject) => {
      udp.once('error', (cause) => {
        // A socket that could not be bound is one all the same.
        udp.close()
        reject(new DrydockError(`the name service cannot have ${this.#gateway}:${PORT}: ${cause.message}`, { cause }))
      })
      udp.bind(PORT, this.#gateway, resolve)
    })
    // Errors of single packets (a client that is gone) end nothing.
    udp.removeAllListeners('error').on('error', () => undefined)
    udp.unref()
    this.#listen()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    for (const connection of this.#connections) connection.destroy()
    const ends = [this.#udp, this.#tcp].map((each) => new Promise<void>((resolve) => (each ? each.close(() => resolve()) : resolve())))
    await Promise.all(ends)
  }

  #listen(): void {
    const server = createServer((connection) => this.#overTcp(connection))
    server.unref()
    server.maxConnections = MOST_CONNECTIONS
    server.once('error', () => {
      this.#tcp = undefined
      if (!this.#closed) this.#retry = setTimeout(() => this.#listen(), RETRY).unref()
    })
    server.listen(PORT, this.#gateway)
    this.#tcp = server
  }

  /** The gateway's address can be routed to from elsewhere: a resolver that answers everybody serves attacks on others. */
  #isOurs(address: string | undefined): boolean {
    if (address === undefined) return false
    const { family, bytes } = parseIp(address)
    const number = family === 4 ? numberOf(bytes) : -1
    return number >= this.#range.first && number <= this.#range.last
  }

  async #overUdp(query: Buffer, from: RemoteInfo): Promise<void> {
    if (!this.#isOurs(from.address)) return
    const answer = await this.#answer(query, 'udp', from.address)
    if (answer && !this.#closed) this.#udp?.send(answer, from.port, from.address, () => undefined)
  }

  #overTcp(connection: Socket): void {
    if (!this.#isOurs(connection.remoteAddress)) return void connection.destroy()
    const from = connection.remoteAddress ?? ''
    this.#connections.add(connection)
    connection.setTimeout(IDLE, () => connection.destroy())
    connection.on('error', () => undefined).once('close', () => this.#connections.delete(connection))
    let rest: Buffer = Buffer.alloc(0)
    connection.on('data', (chunk) => {
      const taken = takeFrames(Buffer.concat([rest, chunk]))
      rest = taken.rest
      for (const query of taken.frames) {
        void this.#answer(query, 'tcp', from).then((answer) => {
          if (answer && connection.writable) connection.write(frame(answer))
        })
      }
    })
  }

  async #answer(bytes: Buffer, over: 'udp' | 'tcp', from: string): Promise<Buffer | undefined> {
    let query: Packet
    try {
      query = decode(bytes)
    } catch {
      return undefined
    }
    if (query.type !== 'query' || query.questions?.length !== 1) return undefined
    try {
      return await this.#found(query, bytes, over, from)
    } catch {
      // What it is to be found in cannot be read, for want of descriptors say. That is no end of a program that does more than this.
      return failure(query)
    }
  }

  async #found(query: Packet, bytes: Buffer, over: 'udp' | 'tcp', from: string): Promise<Buffer> {
    const local = this.#local(query, from)
    if (local) return over === 'udp' ? fitted(local, query) : encode(local)
    if (this.#waiting >= MOST_WAITING) return failure(query)
    this.#waiting++
    try {
      const asker = this.#names.own.ids.get(from)
      const own = asker === undefined ? undefined : this.#names.own.resolvers.get(asker)
      return (await forward(bytes, own ?? hostResolvConf().nameservers, over)) ?? failure(query)
    } finally {
      this.#waiting--
    }
  }

  /** The network's own names count before those of other networks that the asker is on. */
  #local(query: Packet, from: string): Packet | undefined {
    const asker = this.#names.own.ids.get(from)
    const own = answerLocally(query, this.#names.own, asker)
    if (own) return own
    for (const names of this.#names.others(from)) {
      const found = answerLocally(query, names, asker)
      if (found) return found
    }
    return undefined
  }
}

/** An answer that is too long for UDP says so, and is asked for again over TCP. */
function fitted(answer: Packet, query: Packet): Buffer {
  const whole = encode(answer)
  const option = query.additionals?.find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined
  if (whole.length <= Math.max(PLAIN_UDP, option?.udpPayloadSize ?? 0)) return whole
  return encode({ ...answer, flags: (answer.flags ?? 0) | TRUNCATED, answers: [] })
}

const TRUNCATED = 0x0200
const SERVFAIL = 2
const RECURSION_AVAILABLE = 0x80

/** No resolver of the host's has answered. */
function failure(query: Packet): Buffer {
  const { id, flags = 0, questions = [] } = query
  return encode({ type: 'response', ...(id !== undefined && { id }), flags: (flags & 0x0100) | RECURSION_AVAILABLE | SERVFAIL, questions })
}
