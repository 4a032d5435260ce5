/** Requests about neighbours: which hardware address an internet address has. rtnetlink(7), arp(7), ip-neighbour(8). */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant } from '../constants.js'
import type { Family } from '../ip.js'
import { familyNumber } from './address.js'
import { message } from './message.js'

/** `ip neighbour show`: all that is known is the answer, of one family or of both. */
export function neighbourDump(family?: Family): NetlinkMessage {
  // struct ndmsg: u8 family, 3 bytes of padding, i32 index, u16 state, u8 flags, u8 type
  const header = Buffer.alloc(12)
  header[0] = family === undefined ? 0 : familyNumber(family)
  return message('getneigh', ['dump'], [header], family === undefined ? 'neighbour show' : `-${family} neighbour show`)
}

/** `bridge fdb show`: the forwarding tables of the bridges are the answer, which hardware address is behind which port. bridge(8). */
export function forwardingDump(): NetlinkMessage {
  const header = Buffer.alloc(12)
  header[0] = constant('socket_family', 'bridge')
  return message('getneigh', ['dump'], [header], 'neighbour show (family bridge)')
}
