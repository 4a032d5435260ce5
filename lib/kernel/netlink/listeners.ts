/**
 * TCP sockets that wait for connections, from those that wait alone: /proc/net/tcp tells them too, but the kernel goes through the connections of the
 * whole machine for it. sock_diag(7).
 */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant } from '../constants.js'
import { type Family, formatIp } from '../ip.js'
import { familyNumber } from './address.js'
import { splitMessages } from './attributes.js'
import { typedMessage } from './message.js'

/** `bind`'s address and port. */
export interface Listener {
  readonly address: string
  readonly port: number
}

const TCP = 6
/** include/net/tcp_states.h: the states' numbers are bits here. */
const LISTEN = 10
const REQUEST_SIZE = 56
/** struct inet_diag_msg up to the addresses. */
const ANSWER = { family: 0, port: 4, address: 8, size: 40 } as const

/** struct inet_diag_req_v2: u8 family, u8 protocol, u8 extensions, u8, u32 states, and which socket: any. */
export function listenersDump(family: Family): NetlinkMessage {
  const request = Buffer.alloc(REQUEST_SIZE)
  request[0] = familyNumber(family)
  request[1] = TCP
  request.writeUInt32LE(1 << LISTEN, 4)
  return typedMessage(constant('sock_diag', 'by_family'), ['dump'], [request], '')
}

export function decodeListeners(answer: Uint8Array): Listener[] {
  const type = constant('sock_diag', 'by_family')
  return splitMessages(answer).flatMap((message) => {
    const { body } = message
    if (message.type !== type || body.length < ANSWER.size) return []
    const bytes = body.subarray(ANSWER.address, ANSWER.address + (body[ANSWER.family] === familyNumber(4) ? 4 : 16))
    return [{ address: formatIp(bytes), port: body.readUInt16BE(ANSWER.port) }]
  })
}
