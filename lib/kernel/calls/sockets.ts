/** Calls on sockets, and netlink messages. socket(2), unix(7), netlink(7), rtnetlink(7). */
import { bits, bytes, fd, field, int, out, struct, word } from '../args.js'
import { constant } from '../constants.js'
import { type Descriptor, type Patch, type Step, type StepOptions, step } from '../step.js'
import { UCRED_SIZE } from '../ucred.js'
import type { Word } from '../words.js'

/** socket(2), close-on-exec. `protocol` is 0 except for netlink. */
export function socket(family: Word<'socket_family'>, type: Word<'socket_type'>, protocol = 0, options?: StepOptions): Step {
  return step(
    'socket',
    [word('domain', 'socket_family', family), bits('type', 'socket_type', [type, 'cloexec']), int('protocol', protocol)],
    options,
  )
}

/** A netlink socket for links, addresses and routes. It speaks to the network namespace in which it was opened, for ever. */
export function rtnetlink_socket(options?: StepOptions): Step {
  const route = word('protocol', 'netlink_protocol', 'route')
  return step('socket', [word('domain', 'socket_family', 'netlink'), bits('type', 'socket_type', ['raw', 'cloexec']), route], options)
}

/** A netlink socket for the packet filter of the network namespace in which it was opened. */
export function nfnetlink_socket(options?: StepOptions): Step {
  const netfilter = word('protocol', 'netlink_protocol', 'netfilter')
  return step('socket', [word('domain', 'socket_family', 'netlink'), bits('type', 'socket_type', ['raw', 'cloexec']), netfilter], options)
}

/** struct sockaddr_un of a path, unix(7). */
function unixAddress(pathname: string) {
  const name = Buffer.from(pathname)
  const address = Buffer.alloc(2 + name.length + 1)
  address.writeUInt16LE(constant('socket_family', 'unix'), 0)
  name.copy(address, 2)
  return [bytes('addr', address, { shown: `{unix ${JSON.stringify(pathname)}}` }), int('addrlen', address.length)]
}

/** bind(2) of a unix socket to a path, which it makes. */
export function bind_unix(descriptor: Descriptor, pathname: string, options?: StepOptions): Step {
  return step('bind', [fd('sockfd', descriptor), ...unixAddress(pathname)], options)
}

/** connect(2) to the unix socket at a path. */
export function connect_unix(descriptor: Descriptor, pathname: string, options?: StepOptions): Step {
  return step('connect', [fd('sockfd', descriptor), ...unixAddress(pathname)], options)
}

/** listen(2). */
export const listen = (descriptor: Descriptor, backlog: number, options?: StepOptions): Step =>
  step('listen', [fd('sockfd', descriptor), int('backlog', backlog)], options)

/**
 * getsockopt(2) SO_PEERCRED, unix(7): who has made the connection, as he was in that moment; struct ucred is the step's out-buffer (decodeUcred). The
 * kernel counts pid and ids as the caller's namespaces do. `keepPid`: the name under which later steps find the pid.
 */
export function getsockopt_peercred(descriptor: Descriptor, options: StepOptions & { keepPid?: string } = {}): Step {
  const { keepPid, ...rest } = options
  return step(
    'getsockopt',
    [
      fd('sockfd', descriptor),
      word('level', 'sockopt_level', 'socket'),
      word('optname', 'so', 'peercred'),
      out('optval', UCRED_SIZE),
      struct('optlen', 'socklen_t', 4, [field('optlen', 0, 4, UCRED_SIZE)]),
    ],
    { ...rest, ...(keepPid !== undefined && { keeps: [{ slot: keepPid, out: 0, offset: 0, width: 4 as const }] }) },
  )
}

/** shutdown(2): end one direction of a connection, or both; the descriptor stays open. */
export const shutdown = (descriptor: Descriptor, how: Word<'shutdown'>, options?: StepOptions): Step =>
  step('shutdown', [fd('sockfd', descriptor), word('how', 'shutdown', how)], options)

/** A netlink message as bytes, with what it says in words for people, and the numbers of earlier steps that belong in it. */
export interface NetlinkMessage {
  readonly bytes: Uint8Array
  readonly shown: string
  readonly patches?: readonly Patch[]
}

/**
 * A netlink request: sent, its answers read up to the acknowledgement, whose error becomes the step's. Not a system call of its
 * own but sendto and recvfrom; the shim knows it as `netlink`. With `answer`, that many bytes of answers are the out-buffer.
 */
export function netlink(descriptor: Descriptor, message: NetlinkMessage, options: StepOptions & { answer?: number } = {}): Step {
  const { answer, ...rest } = options
  const { shown, patches } = message
  const content = bytes('message', message.bytes, patches ? { shown, patches } : { shown })
  return step(
    'netlink',
    answer === undefined ? [fd('fd', descriptor), content] : [fd('fd', descriptor), content, out('answer', answer)],
    rest,
  )
}
