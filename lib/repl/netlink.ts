/**
 * Requests to the network stack in the words of the ip command: `link set lo up`, `address add 10.0.0.2/24 dev 2`. Devices that an
 * address or a route is for are named by index (or lo), since a request cannot look a name up.
 */

import type { NetlinkMessage } from '../kernel/calls/sockets.js'
import { addressAdd, addressDelete } from '../kernel/netlink/address.js'
import { type Device, LOOPBACK, type NetworkNamespace } from '../kernel/netlink/device.js'
import { linkAdd, linkDelete, linkSet, vethAdd } from '../kernel/netlink/link.js'
import { routeAdd, routeDelete } from '../kernel/netlink/route.js'
import { BYTES, type Kind, PID } from './kinds.js'
import { didYouMean } from './near.js'
import { LineError, literal, type Token } from './tokens.js'
import { Expression } from './typescript.js'

const USES = [
  'link set NAME up|down|netns PID|mtu BYTES|address MAC',
  'link add NAME type KIND',
  'link add NAME type veth peer name NAME [netns PID]',
  'link delete NAME',
  'address add ADDRESS/BITS dev INDEX',
  'address delete ADDRESS/BITS dev INDEX',
  'route add NETWORK|default via ADDRESS',
  'route add NETWORK dev INDEX',
  'route delete NETWORK|default',
] as const

const wrong = () => new LineError(`not a request that can be typed here; there are ${USES.join('; ')}`)

const LINK = 'netlink/link'
const ADDRESS = 'netlink/address'
const ROUTE = 'netlink/route'

export const REQUEST: Kind<NetlinkMessage | Expression> = {
  what: 'a request as the ip command takes it',
  completion: {
    kind: 'words',
    words: ['link', 'address', 'route', 'set', 'add', 'delete', 'type', 'dev', 'up', 'via', 'peer'],
    many: false,
  },
  parse: (token) => REQUEST.parseAll?.([token]) as NetlinkMessage,
  parseAll(tokens) {
    const [first] = tokens
    if (first && tokens.length === 1 && first.raw.startsWith('hex:')) {
      const bytes = BYTES.parse(first) as Uint8Array
      return { bytes, shown: `<${bytes.length} bytes>` }
    }
    return new Request(tokens).read()
  },
}

/** Reads one word after the other. */
class Request {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  read(): Expression {
    const object = this.#word(['link', 'address', 'addr', 'route'])
    const verb = this.#word(['set', 'add', 'delete', 'del'])
    const found = object === 'link' ? this.#link(verb) : object === 'route' ? this.#route(verb) : this.#address(verb)
    if (this.#at < this.#tokens.length) throw new LineError(`${this.#tokens[this.#at]?.raw} is one word too many`)
    return found
  }

  #link(verb: string): Expression {
    const name = this.#text()
    if (verb === 'set') return new Expression(LINK, 'linkSet', linkSet, [name, this.#change()])
    if (verb !== 'add') return new Expression(LINK, 'linkDelete', linkDelete, [name])
    this.#word(['type'])
    const kind = this.#text()
    if (kind !== 'veth') return new Expression(LINK, 'linkAdd', linkAdd, [kind, { name }])
    this.#word(['peer'])
    this.#word(['name'])
    const peer = { name: this.#text(), ...(this.#rest() && { netns: this.#namespace() }) }
    return new Expression(LINK, 'vethAdd', vethAdd, [{ name, peer }])
  }

  #change(): Record<string, unknown> {
    const what = this.#word(['up', 'down', 'netns', 'mtu', 'address'])
    if (what === 'up' || what === 'down') return { up: what === 'up' }
    if (what === 'mtu') return { mtu: this.#number() }
    if (what === 'address') return { mac: this.#text() }
    this.#at--
    return { netns: this.#namespace() }
  }

  #address(verb: string): Expression {
    const address = this.#text()
    const device = this.#device()
    if (verb === 'add') return new Expression(ADDRESS, 'addressAdd', addressAdd, [device, address])
    if (verb === 'set') throw wrong()
    return new Expression(ADDRESS, 'addressDelete', addressDelete, [device, address])
  }

  #route(verb: string): Expression {
    const to = this.#text()
    const route: Record<string, unknown> = { to }
    while (this.#rest()) {
      const what = this.#word(['via', 'dev'])
      if (what === 'via') route.via = this.#text()
      else {
        this.#at--
        route.dev = this.#device()
      }
    }
    if (verb === 'add') return new Expression(ROUTE, 'routeAdd', routeAdd, [route])
    if (verb === 'set') throw wrong()
    return new Expression(ROUTE, 'routeDelete', routeDelete, [route])
  }

  #device(): Device {
    this.#word(['dev'])
    const token = this.#token()
    if (token.raw === 'lo') return LOOPBACK
    const index = Number(token.raw)
    if (!Number.isInteger(index) || index < 1) throw new LineError(`${token.raw} is not the index of a device (a number, or lo)`)
    return index
  }

  #namespace(): NetworkNamespace {
    this.#word(['netns'])
    return { pid: PID.parse(this.#token()) } as NetworkNamespace
  }

  #number(): number {
    const { raw } = this.#token()
    if (!/^\d+$/.test(raw)) throw new LineError(`${raw} is not a number`)
    return Number(raw)
  }

  #text(): string {
    const token = this.#token()
    const text = literal(token)
    if (text === undefined) throw new LineError(`${token.raw}: a kept number cannot stand here`)
    return text
  }

  #word(words: readonly string[]): string {
    const { raw } = this.#token()
    if (words.includes(raw)) return raw === 'addr' ? 'address' : raw === 'del' ? 'delete' : raw
    throw new LineError(`${raw} is not one of ${words.join(', ')}${didYouMean(raw, words)}`)
  }

  #token(): Token {
    const token = this.#tokens[this.#at]
    if (!token) throw wrong()
    this.#at++
    return token
  }

  #rest(): boolean {
    return this.#at < this.#tokens.length
  }
}
