/** Calls on internet sockets. ip(7), raw(7), icmp(7), udp(7), tcp(7), socket(7). */
import { bits, bytes, fd, field, int, out, struct, word } from '../args.js'
import { constant } from '../constants.js'
import { ENDPOINT_SIZE, type Endpoint, encodeEndpoint, showEndpoint } from '../endpoint.js'
import { type Arg, type Descriptor, type Step, type StepOptions, step } from '../step.js'
import type { Word } from '../words.js'

/** Which of its call's out-buffers has the sender (recvfrom) or the caller (accept4), for decodeEndpoint. */
export const SENDER_BUFFER = { recvfrom: 1, accept4: 0 } as const

/** socket(2) for messages of the internet itself, such as echo requests: raw(7), which takes CAP_NET_RAW. What is read begins with the IP header. */
export function icmp_socket(options?: StepOptions): Step {
  const protocol = word('protocol', 'ip_protocol', 'icmp')
  return step('socket', [word('domain', 'socket_family', 'inet'), bits('type', 'socket_type', ['raw', 'cloexec']), protocol], options)
}

/** struct sockaddr_in and its size, as two arguments. */
function endpoint(name: string, to: Endpoint): [Arg, Arg] {
  const encoded = encodeEndpoint(to)
  return [bytes(name, encoded, { shown: `{inet ${showEndpoint(to)}}` }), int('addrlen', encoded.length)]
}

/** Room for an address, and how much of it there is, which the kernel overwrites with how much it used. */
const room = (name: string): [Arg, Arg] => [
  out(name, ENDPOINT_SIZE),
  struct('addrlen', 'socklen_t', 4, [field('addrlen', 0, 4, ENDPOINT_SIZE)], true),
]

/** bind(2) to an address of this network namespace (`0.0.0.0`: all of them) and a port. */
export function bind_inet(descriptor: Descriptor, address: string, port: number, options?: StepOptions): Step {
  return step('bind', [fd('sockfd', descriptor), ...endpoint('addr', { address, port })], options)
}

/** connect(2) to an address and port. It waits until the other side has answered. */
export function connect_inet(descriptor: Descriptor, address: string, port: number, options?: StepOptions): Step {
  return step('connect', [fd('sockfd', descriptor), ...endpoint('addr', { address, port })], options)
}

/** accept4(2), close-on-exec: the next connection, whose descriptor is returned. */
export function accept4(descriptor: Descriptor, options?: StepOptions): Step {
  return step('accept4', [fd('sockfd', descriptor), ...room('addr'), bits('flags', 'socket_type', ['cloexec'])], options)
}

/** sendto(2): one packet to an address; the port is 0 for ICMP. `shown`: what is in it, in words. */
export function sendto(
  descriptor: Descriptor,
  data: string | Uint8Array,
  address: string,
  port = 0,
  options: StepOptions & { shown?: string } = {},
): Step {
  const { shown, ...rest } = options
  const content = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const said = shown === undefined ? {} : { shown }
  return step(
    'sendto',
    [
      fd('sockfd', descriptor),
      bytes('buf', content, said),
      int('len', content.length),
      int('flags', 0),
      ...endpoint('dest_addr', { address, port }),
    ],
    rest,
  )
}

/** recvfrom(2): the next packet, at most `size` bytes of it. Out-buffer 0 is the packet, 1 who has sent it. */
export function recvfrom(descriptor: Descriptor, size: number, options?: StepOptions): Step {
  return step('recvfrom', [fd('sockfd', descriptor), out('buf', size), int('len', size), int('flags', 0), ...room('src_addr')], options)
}

/** setsockopt(2) SO_RCVTIMEO, socket(7): a call that waits for something to come waits no longer than this, and answers EAGAIN then. */
export const setsockopt_rcvtimeo = (descriptor: Descriptor, milliseconds: number, options?: StepOptions): Step =>
  timeout('rcvtimeo', descriptor, milliseconds, options)

/** setsockopt(2) SO_SNDTIMEO, socket(7): the same for sending; a connect answers EINPROGRESS when the time is up. */
export const setsockopt_sndtimeo = (descriptor: Descriptor, milliseconds: number, options?: StepOptions): Step =>
  timeout('sndtimeo', descriptor, milliseconds, options)

function timeout(option: Word<'so'>, descriptor: Descriptor, milliseconds: number, options?: StepOptions): Step {
  const [seconds, micros] = [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1000]
  const time = struct('optval', 'timeval', 16, [field('tv_sec', 0, 8, seconds), field('tv_usec', 8, 8, micros)])
  return step(
    'setsockopt',
    [fd('sockfd', descriptor), word('level', 'sockopt_level', 'socket'), word('optname', 'so', option), time, int('optlen', 16)],
    options,
  )
}

/** An option that is a flag, set. */
function setsockopt_on(descriptor: Descriptor, level: Arg, name: Arg, options: StepOptions | undefined): Step {
  const on = Buffer.alloc(4)
  on.writeInt32LE(1)
  return step('setsockopt', [fd('sockfd', descriptor), level, name, bytes('optval', on, { shown: '1' }), int('optlen', on.length)], options)
}

/** setsockopt(2) SO_REUSEADDR, socket(7): a port that only connections of the past still have may be bound. */
export function setsockopt_reuseaddr(descriptor: Descriptor, options?: StepOptions): Step {
  return setsockopt_on(descriptor, word('level', 'sockopt_level', 'socket'), word('optname', 'so', 'reuseaddr'), options)
}

/** setsockopt(2) IPV6_V6ONLY, ipv6(7): the socket takes nothing that comes by IPv4. */
export function setsockopt_v6only(descriptor: Descriptor, options?: StepOptions): Step {
  return setsockopt_on(descriptor, word('level', 'sockopt_level', 'ipv6'), word('optname', 'ipv6_option', 'v6only'), options)
}

/** setsockopt(2) ICMP_FILTER, raw(7): a raw socket gets a copy of every ICMP message, and from now on only of these types. */
export function setsockopt_icmp_filter(descriptor: Descriptor, pass: readonly Word<'icmp'>[], options?: StepOptions): Step {
  // A set bit keeps a type away.
  const passing = pass.reduce((mask, type) => mask | (1 << constant('icmp', type)), 0)
  const mask = Buffer.alloc(4)
  mask.writeUInt32LE(~passing >>> 0)
  return step(
    'setsockopt',
    [
      fd('sockfd', descriptor),
      word('level', 'sockopt_level', 'raw'),
      word('optname', 'raw_option', 'icmp_filter'),
      bytes('optval', mask, { shown: `{all but ${pass.join(', ')}}` }),
      int('optlen', 4),
    ],
    options,
  )
}
