/** What a container's network mode means: its cables, what its files say of them, and what the network needs beforehand. */
import { readFileSync } from 'node:fs'
import type { NetworkFiles } from '../container/files.js'
import { loopbackUp } from '../kernel/netlink/loopback.js'
import type { Shim } from '../kernel/shim.js'
import { type Fragment, inPhase } from '../kernel/step.js'
import type { LaunchRequest } from './launch.js'

export interface Connections extends NetworkFiles {
  readonly fragments: readonly Fragment[]
  readonly warnings: readonly string[]
  /** What `ensure` would do that is not done yet, in sentences. */
  readonly beforehand: readonly string[]
  /** Make what all containers of a network share: its bridge, its rules. */
  ensure(shim: Shim): Promise<void>
  /** Did somebody else take what was chosen? Then it is worth another try. */
  taken(error: unknown): boolean
  /** Answer for the names of user-defined networks as long as this program runs; undefined when there is none. */
  serveNames(): Promise<{ close(): Promise<void> } | undefined>
}

const NOTHING = {
  warnings: [],
  beforehand: [],
  ensure: () => Promise.resolve(),
  taken: () => false,
  serveNames: () => Promise.resolve(undefined),
}

export async function connectionsOf(request: LaunchRequest): Promise<Connections> {
  const { network } = request.spec
  const resolvConf = resolvConfOf(request)
  if (network.kind === 'none') {
    const loopback = { primitive: 'network', title: 'Loopback', steps: inPhase('network', 'container', loopbackUp()) }
    return { ...NOTHING, fragments: [loopback], hostsLines: [], resolvConf }
  }
  return { ...NOTHING, fragments: [], hostsLines: [], resolvConf }
}

/** The host's, or what was asked for in its place. */
function resolvConfOf({ dns }: LaunchRequest): string {
  if (!dns || dns.servers.length + dns.search.length + dns.options.length === 0) return hostsResolvConf()
  return [
    ...dns.servers.map((address) => `nameserver ${address}`),
    ...(dns.search.length > 0 ? [`search ${dns.search.join(' ')}`] : []),
    ...(dns.options.length > 0 ? [`options ${dns.options.join(' ')}`] : []),
    '',
  ].join('\n')
}

function hostsResolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}
