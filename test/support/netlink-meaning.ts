/** Netlink messages as what they mean: order of attributes, padding, sequence numbers and spare NUL bytes do not count. */
import { constant } from '../../lib/kernel/constants.js'
import { Attributes, splitMessages } from '../../lib/kernel/netlink/attributes.js'

export interface Meaning {
  readonly type: number
  readonly flags: number
  /** The structure after the header, in hexadecimal. */
  readonly structure: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Sizes of the structures by the message's type, in the words of the constants. */
const SIZES = { newlink: 16, dellink: 16, getlink: 16, setlink: 16, newaddr: 8, deladdr: 8, newroute: 12, delroute: 12 } as const

/** Attributes that have attributes in them: path of numbers → bytes before those. */
function nestedAt(path: string): number | undefined {
  const info = constant('ifla', 'linkinfo')
  const data = constant('ifla_info', 'data')
  if (path === `${info}` || path === `${info}.${data}`) return 0
  return path === `${info}.${data}.peer` ? 16 : undefined
}

/** The one message in a buffer. */
export function meaningOf(bytes: Uint8Array): Meaning {
  const messages = splitMessages(bytes)
  const [message] = messages
  if (messages.length !== 1 || !message) throw new Error(`${messages.length} messages where one was expected`)
  const size = Object.entries(SIZES).find(([word]) => constant('rtm', word as keyof typeof SIZES) === message.type)?.[1]
  if (size === undefined) throw new Error(`no structure is known for messages of type ${message.type}`)
  // A destination of no bits may be given or not.
  const attributes = read(message.body, size, '', message.body.includes(Buffer.from('veth')))
  if (message.type === constant('rtm', 'newroute') && message.body[1] === 0) delete attributes[constant('rta', 'dst')]
  return {
    type: message.type,
    flags: message.flags,
    structure: message.body.subarray(0, size).toString('hex'),
    attributes,
  }
}

function read(body: Buffer, start: number, path: string, isVeth: boolean): Record<string, unknown> {
  const attributes = new Attributes(body, start)
  const found: Record<string, unknown> = {}
  for (const type of attributes.types.sort((a, b) => a - b)) {
    const value = attributes.bytes(type) as Buffer
    const inner = path === '' ? `${type}` : `${path}.${type}`
    const peer = isVeth && inner === `${constant('ifla', 'linkinfo')}.${constant('ifla_info', 'data')}.${constant('veth', 'info_peer')}`
    const before = nestedAt(peer ? inner.replace(/[^.]*$/, 'peer') : inner)
    if (before === undefined) found[type] = value.toString('hex')
    else found[type] = { before: value.subarray(0, before).toString('hex'), ...read(value, before, peer ? '' : inner, isVeth) }
  }
  return found
}
