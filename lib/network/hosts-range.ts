/** The addresses of the two hosts. */
import { DrydockError } from '../kernel/errors.js'
import { formatIp, parsePrefix } from '../kernel/ip.js'

/** Another range than the article's: a network of 256 addresses, `192.168.56.0/24`. vm/Vagrantfile knows it too. */
export const NETWORK_VARIABLE = 'DRYDOCK_NETWORK'

const USUAL = '172.20.122.0/24'

/** The last byte of an address. */
const NUMBERS = { router: 1, 'vm-1': 115, 'vm-2': 116 } as const

export interface HostsNetwork {
  readonly network: string
  /** With the length of the network's prefix, as a device gets it: `172.20.122.115/24`. */
  readonly prefixes: Readonly<Record<keyof typeof NUMBERS, string>>
  readonly addresses: Readonly<Record<keyof typeof NUMBERS, string>>
}

export function hostsNetwork(env: NodeJS.ProcessEnv = process.env): HostsNetwork {
  const network = env[NETWORK_VARIABLE] || USUAL
  const wrong = (cause?: unknown) =>
    new DrydockError(`${NETWORK_VARIABLE} is '${network}', and must be a network of 256 IPv4 addresses such as 192.168.56.0/24`, { cause })
  let bytes: Uint8Array
  try {
    const prefix = parsePrefix(network)
    if (prefix.family !== 4 || prefix.length !== 24 || prefix.bytes[3] !== 0) throw wrong()
    bytes = prefix.bytes
  } catch (error) {
    throw wrong(error)
  }
  const of = (number: number) => formatIp(Uint8Array.from([...bytes.subarray(0, 3), number]))
  const each = (suffix: string) =>
    Object.fromEntries(Object.entries(NUMBERS).map(([name, number]) => [name, of(number) + suffix])) as HostsNetwork['addresses']
  return { network, addresses: each(''), prefixes: each('/24') }
}

/** Is this one of the 256 addresses? */
export function isOnHostsNetwork(address: string, { network }: HostsNetwork): boolean {
  return address.split('.').length === 4 && network.startsWith(`${address.split('.').slice(0, 3).join('.')}.`)
}
