/**
 * Elements of the packet filter's sets and maps, by our own messages: one is put in and taken out with a container, which the nft program
 * would need milliseconds for, and nobody could do once the container's client is gone. linux/netfilter/nf_tables.h, nft(8).
 *
 * A change is a transaction: batch begin, the changes, batch end. All of them or none take place. Only the last change is acknowledged
 * (the end of a batch can be since Linux 6.10), so the end bears its sequence number: the answer to that is the end of the request.
 */
import type { NetlinkMessage } from '../calls/sockets.js'
import { constant } from '../constants.js'
import { DrydockError } from '../errors.js'
import { Attributes, splitMessages } from './attributes.js'
import { type Attribute, attribute, type Piece, string, together, typedMessage } from './message.js'

/** A set or map, and elements of it. */
export interface SetElements {
  /** Of the table; ip when nothing is said. */
  readonly family?: 'ip' | 'ip6'
  readonly table: string
  readonly set: string
  readonly elements: readonly SetElement[]
}

export interface SetElement {
  /** The key's parts (`fieldOf…` below), as the set's type has them. */
  readonly key: readonly Uint8Array[]
  /** What a map leads to. */
  readonly data?: readonly Uint8Array[]
  /** As nft writes it: `tcp . 8080 : 172.17.0.2 . 80`. */
  readonly shown: string
}

/** Put elements in. EEXIST: a map has the key, with other data. ENOENT: no such table or set. */
export const elementsAdd = (changes: readonly SetElements[]): NetlinkMessage => transaction('newsetelem', changes)

/** Take elements out. ENOENT: one of them is not there (or its set), and none was taken. */
export const elementsDelete = (changes: readonly SetElements[]): NetlinkMessage => transaction('delsetelem', changes)

/** Is the element there? It is the answer; ENOENT when it, its set or the table is not. */
export const elementGet = (where: Omit<SetElements, 'elements'>, element: SetElement): NetlinkMessage =>
  changeMessage('getsetelem', { ...where, elements: [element] }, false)

/** How often has the packet filter of this network namespace been changed? Each transaction counts one; 1 is as it was born. */
export function generationGet(): NetlinkMessage {
  const number = (constant('nfnl_subsys', 'nftables') << 8) | constant('nft_msg', 'getgen')
  return typedMessage(number, [], [generic(0, 0)], '')
}

export function decodeGeneration(answer: Uint8Array): number | undefined {
  const number = (constant('nfnl_subsys', 'nftables') << 8) | constant('nft_msg', 'newgen')
  const found = splitMessages(answer).find(({ type }) => type === number)
  const id = found && new Attributes(found.body, GENERIC_SIZE).bytes(constant('nfta_gen', 'id'))
  return id?.length === 4 ? id.readUInt32BE() : undefined
}

/** An element's part of so many bytes: each part starts at a multiple of 4. */
export function field(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array((bytes.length + 3) & ~3)
  padded.set(bytes)
  return padded
}

/** A port, in the network's byte order. */
export const portField = (port: number): Uint8Array => field(Uint8Array.of(port >> 8, port & 0xff))

/** A device's name: 16 bytes (IFNAMSIZ). */
export function nameField(name: string): Uint8Array {
  const bytes = Buffer.from(name)
  if (bytes.length > 15) throw new DrydockError(`'${name}' cannot be a network device's name: it must have 1 to 15 bytes`)
  const padded = new Uint8Array(16)
  padded.set(bytes)
  return padded
}

const GENERIC_SIZE = 4

/** struct nfgenmsg: u8 family, u8 version, u16 resource in the network's byte order. */
function generic(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 0xff)
}

function transaction(type: 'newsetelem' | 'delsetelem', changes: readonly SetElements[]): NetlinkMessage {
  // What fails is told in any case; hundreds of acknowledgements would not fit where answers wait (ENOBUFS).
  const messages = changes.map((change, index) => changeMessage(type, change, index === changes.length - 1))
  const last = messages.at(-1)
  if (!last) throw new DrydockError('a transaction of the packet filter needs at least one change')
  const sequence = Buffer.from(last.bytes).readUInt32LE(8)
  const edge = (word: 'batch_begin' | 'batch_end', number?: number) =>
    typedMessage(constant('nfnl_msg', word), [], [generic(0, constant('nfnl_subsys', 'nftables'))], '', number)
  const { bytes } = together([edge('batch_begin'), ...messages, edge('batch_end', sequence)])
  return { bytes, shown: messages.map(({ shown }) => shown).join('; ') }
}

const VERB = { newsetelem: 'add', delsetelem: 'delete', getsetelem: 'get' } as const

function changeMessage(type: keyof typeof VERB, { family = 'ip', table, set, elements }: SetElements, ack: boolean): NetlinkMessage {
  const number = (constant('nfnl_subsys', 'nftables') << 8) | constant('nft_msg', type)
  const list = elements.map(({ key, data }) =>
    nested(constant('nfta_list', 'elem'), [
      nested(constant('nfta_set_elem', 'key'), [value(key)]),
      // A key alone says which element is to go.
      ...(data && type === 'newsetelem' ? [nested(constant('nfta_set_elem', 'data'), [value(data)])] : []),
    ]),
  )
  const pieces: Piece[] = [
    generic(constant('socket_family', family === 'ip' ? 'inet' : 'inet6'), 0),
    string(constant('nfta_set_elem_list', 'table'), table),
    string(constant('nfta_set_elem_list', 'set'), set),
    nested(constant('nfta_set_elem_list', 'elements'), list),
  ]
  const shown = `nft ${VERB[type]} element ${family} ${table} ${set} { ${elements.map((one) => one.shown).join(', ')} }`
  return typedMessage(number, [...(ack ? (['ack'] as const) : []), ...(type === 'newsetelem' ? (['create'] as const) : [])], pieces, shown)
}

const value = (parts: readonly Uint8Array[]): Attribute => attribute(constant('nfta_data', 'value'), Buffer.concat(parts))

const nested = (type: number, pieces: readonly Piece[]): Attribute => attribute(type | constant('nla', 'nested'), pieces)
