/** Requests about neighbours: which hardware address an internet address has. rtnetlink(7), arp(7), ip-neighbour(8). */
import type { NetlinkMessage } from '../calls/sockets.js'
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
