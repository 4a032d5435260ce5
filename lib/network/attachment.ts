/** What plugging one container into one network takes: the fragment of its plan, and what its files are to say. */

import { parsePrefix } from '../kernel/ip.js'
import { StepError } from '../kernel/result.js'
import type { Fragment, Step } from '../kernel/step.js'
import { type CableSpec, cable, cableNames, loopback } from '../primitives/network.js'
import { DEFAULT_NETWORK, networkOf } from './config.js'
import { chooseAddress, leaseSteps, macOf } from './leases.js'
import { hostNameservers } from './resolv.js'

export interface AttachmentRequest {
  readonly dataRoot: string
  /** Name of the network: `bridge`, or one that was created. */
  readonly network: string
  readonly container: { readonly id: string; readonly name: string; readonly hostname: string }
  /** Further names in the network's name service. */
  readonly aliases: readonly string[]
  readonly ip?: string
  readonly mac?: string
  /** Texts of `-p`: `8080:80`, `127.0.0.1::53/udp`, `7000-7003:7000-7003`. */
  readonly ports: readonly string[]
  /** Which of the container's networks this is, from 0 on. */
  readonly index: number
  readonly maker?: CableSpec['maker']
}

export interface Attachment {
  readonly fragment: Fragment
  readonly address: string
  /** Bits of the network's prefix. */
  readonly prefix: number
  readonly gateway: string
  readonly mac: string
  /** `eth0`. */
  readonly interface: string
  /** Lines for /etc/hosts, without line ends. */
  readonly hostsLines: string[]
  readonly nameservers: string[]
  /** False for the default network, which has no name service. */
  readonly userDefined: boolean
  /** Sentences for the person. */
  readonly warnings: string[]
  /** Was the plan's failure that somebody was quicker (the address, an ephemeral port)? Then plan again. */
  taken(error: unknown): boolean
}

/** Reads what is on disk; makes nothing. The network's bridge is `ensureNetwork`'s. Errors are sentences, as Docker has them where it has one. */
export async function planAttachment(request: AttachmentRequest): Promise<Attachment> {
  const { dataRoot, network, container, aliases, index, maker } = request
  const config = networkOf(dataRoot, network)
  const address = chooseAddress(dataRoot, config, request.ip)
  const prefix = parsePrefix(config.subnet).length
  const mac = request.mac ?? macOf(address)
  const userDefined = network !== DEFAULT_NETWORK
  const lease = { ...container, aliases, mac }
  const leased = leaseSteps(dataRoot, network, address, lease, `lease${index}`)
  const wire = cable({
    id: container.id,
    position: index,
    bridge: { index: config.index, name: config.bridge },
    address: `${address}/${prefix}`,
    gateway: config.gateway,
    mac,
    mtu: config.mtu,
    ...(maker && { maker }),
  })
  const resolvers = userDefined ? { nameservers: [config.gateway], warnings: [] } : hostNameservers()
  const races = [leased.find(({ call }) => call === 'linkat')]
  return {
    fragment: { ...wire, steps: [...leased, ...wire.steps] },
    address,
    prefix,
    gateway: config.gateway,
    mac,
    interface: cableNames({ id: container.id, position: index }).inside.name,
    hostsLines: [`${address}\t${container.hostname}`],
    nameservers: resolvers.nameservers,
    userDefined,
    warnings: resolvers.warnings,
    taken: (error) => error instanceof StepError && error.errno === 'EEXIST' && races.some((step) => step && same(step, error.step)),
  }
}

/** The steps that came back have their actor and phase, but their arguments are those that were sent. */
const same = (one: Step, other: Step): boolean => one.call === other.call && one.args === other.args

/** `none`: the loopback alone. */
export function networkFragmentFor(mode: 'none'): Fragment {
  if (mode !== 'none') throw new TypeError(`no fragment is known for network mode ${String(mode)}`)
  return loopback()
}
