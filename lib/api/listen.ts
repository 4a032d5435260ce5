/** Where the API is reached: a unix socket, or TCP, or TCP with TLS. */
import { chmodSync, chownSync, existsSync, lstatSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type ServerOptions } from 'node:http'
import type { AddressInfo, ListenOptions, Socket, Server as TcpServer } from 'node:net'
import { dirname } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { isLocal } from './browser.js'
import { limitConnections, mostConnections } from './connections.js'
import { occupant } from './occupant.js'
import type { Receivers } from './takeover.js'
import { handOver, LONGEST_HEAD } from './takeover.js'
import { secured, type Tls } from './tls.js'

export type { Tls } from './tls.js'

export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string; readonly gid?: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls?: Tls }

export interface Listener {
  /** `unix:///run/drydock.sock`, `tcp://127.0.0.1:2376` */
  readonly address: string
  /** Nobody is let in any more, and who is there is shown out. */
  close(): Promise<void>
}

/**
 * Uploads take as long as they take, so that a request has no time limit; its head has one, and so has a body of JSON (body.ts). Clients
 * keep a connection for as long as they like and are astonished when it is closed just as they use it, so that idle ones stay open: the kernel finds
 * out who has vanished, and of those over TCP there is a limit.
 */
const HTTP: ServerOptions = {
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 0,
  maxHeaderSize: LONGEST_HEAD,
  noDelay: true,
  // Asked for by faults.ts, with an answer that says so.
  requireHostHeader: false,
}

/** Milliseconds between two complaints about the same. */
const PAUSE = 60_000
/** How many may wait to be let in, as with Docker's daemon; a unix socket refuses who comes then with EAGAIN. The kernel takes no more than net.core.somaxconn (listen(2)). */
const BACKLOG = 4096
/** Seconds of silence before the kernel asks whether the other side is still there. */
const SILENCE = 60

/** Rejects with one sentence when the place is taken or cannot be had. `refused` hears who was not let in, a sentence each. */
export async function listen(endpoint: Endpoint, receivers: Receivers, refused: (sentence: string) => void): Promise<Listener> {
  await checkFree(endpoint)
  const tls = endpoint.kind === 'tcp' ? endpoint.tls : undefined
  const http = createServer(HTTP)
  const server: TcpServer = tls ? secured(http, tls, refused) : http
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    if (sockets.has(socket)) return
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    if (endpoint.kind === 'unix') isLocal(socket)
    else socket.setKeepAlive(true, SILENCE * 1000)
  })
  const most = mostConnections(descriptors())
  // Of those that have not come as far as HTTP yet: they have half a minute to.
  if (tls) server.maxConnections = 2 * most
  let told = Number.NEGATIVE_INFINITY
  limitConnections(http, most, (socket) => {
    socket.destroy()
    if (performance.now() - told < PAUSE) return
    told = performance.now()
    refused(`connections are refused: there are ${most} already, and something goes on in each of them`)
  })
  handOver(http, receivers)
  if (endpoint.kind === 'unix') await listenAt(server, endpoint.path, endpoint.gid)
  else {
    await listening(server, { host: endpoint.host, port: endpoint.port }, `${endpoint.host}:${endpoint.port}`)
  }
  const inode = endpoint.kind === 'unix' ? lstatSync(endpoint.path).ino : undefined
  return {
    address: endpoint.kind === 'unix' ? `unix://${endpoint.path}` : tcpAddress(server),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
      if (endpoint.kind === 'unix' && lstatSync(endpoint.path, { throwIfNoEntry: false })?.ino === inode)
        rmSync(endpoint.path, { force: true })
    },
  }
}

/** How many this process may have (RLIMIT_NOFILE; proc_pid_limits(5)). */
export function descriptors(): number {
  const [, soft = 'unlimited'] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

/** Rejects with a sentence when somebody else answers at a unix socket; a file that was left there is no hindrance. */
export async function checkFree(endpoint: Endpoint): Promise<void> {
  if (endpoint.kind !== 'unix') return
  const { path } = endpoint
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return
  if (!found.isSocket()) throw new DrydockError(`${path} is no socket: remove it, or listen elsewhere with --host`)
  const other = await occupant(path)
  if (other !== undefined) throw new DrydockError(`${path} is in use: ${other} answers there. Stop it, or listen elsewhere with --host`)
}

async function listenAt(server: TcpServer, path: string, gid: number | undefined): Promise<void> {
  // Libuv says EACCES for that too.
  if (!existsSync(dirname(path))) throw new DrydockError(`cannot listen on ${path}: its directory does not exist`)
  rmSync(path, { force: true })
  // Nobody gets in before it belongs to whom it should.
  const mask = process.umask(0o177)
  const done = listening(server, { path }, path)
  process.umask(mask)
  await done
  if (gid !== undefined) chownSync(path, -1, gid)
  chmodSync(path, 0o660)
}

/** Rejects with one sentence when `where`, which is called `name`, is taken or cannot be had. */
export function listening(server: TcpServer, where: ListenOptions, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = REASONS[cause.code ?? ''] ?? cause.message
      reject(new DrydockError(`cannot listen on ${name}: ${why}`, { cause }))
    })
    server.listen({ ...where, backlog: BACKLOG }, () => resolve())
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'somebody else does',
  EACCES: 'that is not allowed for this user',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
  ENOTFOUND: 'there is no such host',
}

function tcpAddress(server: TcpServer): string {
  const { address, port, family } = server.address() as AddressInfo
  return `tcp://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
