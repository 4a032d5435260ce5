/** What a container's network mode means: its cables, what its files say of them, and what the network needs beforehand. */
import type { NetworkFiles } from '../container/files.js'
import type { EndpointRequest, NetworkMode } from '../container/index.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import type { Fragment } from '../kernel/step.js'
import {
  type Attachment,
  describeNetwork,
  ensureNetwork,
  foreseeNetwork,
  hostNameservers,
  hostResolvConf,
  nameserversOf,
  networkFragmentFor,
  planAttachment,
  resolvConfFor,
  startNameService,
} from '../network/index.js'
import type { LaunchRequest } from './launch.js'
import { own } from './own.js'
import { wayOutOf } from './way-out.js'

export interface Connections extends NetworkFiles {
  readonly fragments: readonly Fragment[]
  readonly warnings: readonly string[]
  /** What is made beforehand when it is not there, in sentences. */
  readonly beforehand: readonly string[]
  /** By network. */
  readonly attachments: ReadonlyMap<string, Attachment>
  /** Did somebody else take what was chosen? Then it is worth another try. */
  taken(error: Error): boolean
  /** The sentence for a failed step that was about the network, where there is a better one than the kernel's. */
  explain(error: Error): Error | undefined
  /** Those that have a name service: user-defined ones. */
  readonly named: readonly string[]
}

export interface NameService {
  close(): Promise<void>
}

type Networks = NetworkMode & { kind: 'networks' }

/**
 * Networks that this process has seen whole, by data root and name: looking again costs a millisecond of each start. What somebody takes away
 * meanwhile is noticed by the cable, which then has no bridge to be plugged into.
 */
const whole = new Set<string>()

/**
 * With a shim, what all containers of a network share is made first, in that shim's network namespace: the bridge, the rules.
 * `attempt`, from 1 on: a crowd's losers spread out.
 */
export async function connectionsOf(request: LaunchRequest, shim?: Shim, attempt = 1): Promise<Connections> {
  const { network } = request.spec
  if (network.kind === 'networks') return plugged(request, network, shim, attempt)
  const host = hostResolvConf()
  return {
    fragments: network.kind === 'none' ? [networkFragmentFor('none')] : [],
    warnings: [],
    beforehand: [],
    attachments: new Map(),
    hostsLines: [],
    // Without a network too: a program then says that a server cannot be reached, and not that there is none.
    resolvConf: resolvConfFor({ ...request.dns, nameservers: nameserversOf(host).nameservers }, host),
    taken: () => false,
    explain: () => undefined,
    named: [],
  }
}

/** Who knows the first process by a number, and may put a cable into the host: where it is not process 1 of a pid namespace of its own, it does not itself. */
function makerOf({ machine, spec }: LaunchRequest): 'container' | 'shared-pid' | 'host' {
  if (machine.idmap) return 'host'
  const { pid } = spec.sharing ?? {}
  if (pid === undefined) return 'container'
  return pid === 'host' ? 'shared-pid' : 'host'
}

async function plugged(request: LaunchRequest, network: Networks, shim: Shim | undefined, attempt: number): Promise<Connections> {
  const { spec, dataRoot } = request
  const attachments = new Map<string, Attachment>()
  const wayOut = wayOutOf(dataRoot, network.names, request.endpoints) ?? network.names[0]
  const wayOut6 = wayOutOf(dataRoot, network.names, request.endpoints, 6)
  for (const [index, name] of network.names.entries()) {
    const asked = endpointOf(request, network, name, index)
    if (shim) await ensureWhole(shim, dataRoot, name)
    const attachment = await planAttachment({
      dataRoot,
      network: name,
      ...(!shim && { config: foreseeNetwork(dataRoot, name) }),
      container: { id: spec.id, name: spec.name, hostname: spec.hostname, domainname: spec.domainname },
      asked,
      ...(request.dns && { dns: request.dns.servers }),
      index,
      route: name === wayOut,
      route6: name === wayOut6,
      attempt,
      ...(shim && { shim }),
      ports: name === wayOut ? network.ports : [],
      maker: makerOf(request),
    })
    attachments.set(name, attachment)
  }
  const all = [...attachments.values()]
  const named = [...attachments].filter(([, { userDefined }]) => userDefined).map(([name]) => name)
  return {
    // One that has lost all its networks is on none.
    fragments: all.length > 0 ? all.map(({ fragment }) => fragment) : [networkFragmentFor('none')],
    warnings: all.flatMap(({ warnings }) => warnings),
    beforehand: network.names.flatMap((name) => describeNetwork(dataRoot, name)),
    attachments,
    hostsLines: all.flatMap(({ hostsLines }) => hostsLines),
    resolvConf: resolvConfFor({ ...request.dns, nameservers: serversOf(all), service: named.length > 0 }),
    taken: (error) => all.some((attachment) => attachment.taken(error)) || lostNetwork(error, dataRoot, network.names),
    explain: (error) => all.map((attachment) => attachment.explain(error)).find((found) => found !== undefined),
    named,
  }
}

/** What was asked for of one network: for itself, or, on the command line, for the first one and all. */
function endpointOf({ endpoints, ip, mac }: LaunchRequest, { aliases }: Networks, name: string, index: number): EndpointRequest {
  const asked = own(endpoints, name)
  if (asked) return { ...asked, aliases: [...new Set([...aliases, ...asked.aliases])] }
  return { aliases, ...(index === 0 && ip !== undefined && { ip }), ...(index === 0 && mac !== undefined && { mac }) }
}

/** In the network namespace of the shim: what all containers of a network share is there, as far as this process knows. */
export async function ensureWhole(shim: Shim, dataRoot: string, name: string): Promise<void> {
  const key = `${dataRoot}\0${name}`
  if (whole.has(key)) return
  await ensureNetwork(shim, dataRoot, name)
  whole.add(key)
}

/** It was taken away, or is another one now. */
export const forgetWhole = (dataRoot: string, name: string): boolean => whole.delete(`${dataRoot}\0${name}`)

/** Errors of the network's steps when the bridge, the table of the packet filter or the network's directory is gone. */
const GONE = ['ENODEV', 'ENOENT', 'EINVAL']

/** Did a step fail because a network that was whole is not so any more? Then it is made again at the next try. */
function lostNetwork(error: Error, dataRoot: string, names: readonly string[]): boolean {
  if (!(error instanceof StepError) || error.step.call !== 'netlink' || !GONE.includes(error.errno)) return false
  const known = names.filter((name) => forgetWhole(dataRoot, name))
  return known.length > 0
}

/** A network with names has a server for them, which asks the host's in turn; the host's own are for those without. */
function serversOf(attachments: readonly Attachment[]): string[] {
  const own = attachments.filter(({ userDefined }) => userDefined).flatMap(({ nameservers }) => nameservers)
  if (attachments.length === 0) return hostNameservers().nameservers
  return own.length > 0 ? own : [...new Set(attachments.flatMap(({ nameservers }) => nameservers))]
}

/** Answer for the names of these networks as long as this program runs. */
export async function serveNames(dataRoot: string, networks: readonly string[]): Promise<NameService> {
  const services = await Promise.all(networks.map((name) => startNameService(dataRoot, name)))
  return { close: async () => void (await Promise.all(services.map((service) => service.close()))) }
}
