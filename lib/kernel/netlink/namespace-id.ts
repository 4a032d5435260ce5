/** What one network namespace calls another: a small number, by which a link names the namespace that its other end is in. rtnetlink(7), ip-netns(8). */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant } from '../constants.js'
import { Attributes, messagesOf } from './attributes.js'
import { message, u32 } from './message.js'

/** struct rtgenmsg, padded. */
const HEADER_SIZE = 4

/** The number that the network namespace of a process has here. */
export const namespaceIdGet = (pid: number): NetlinkMessage =>
  message('getnsid', [], [Buffer.alloc(HEADER_SIZE), u32(constant('netnsa', 'pid'), pid)], 'netns list-id')

/** Undefined: it has none. */
export function decodeNamespaceId(answer: Uint8Array): number | undefined {
  const [found] = messagesOf(answer, 'newnsid', HEADER_SIZE)
  const id = found && new Attributes(found.body, HEADER_SIZE).signed(constant('netnsa', 'nsid'))
  return id === undefined || id < 0 ? undefined : id
}
