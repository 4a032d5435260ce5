/**
 * The body of POST /containers/create as a container's record:
 *
 *     tables.ts      every member, its shape, and what is done with it; members.ts reads by them; bodies.ts what is read
 *     mounts.ts networks.ts resources.ts modes.ts devices.ts     what HostConfig says of one thing
 *     documents.ts   the documents as inspect gives them back
 *     image.ts       what an image says about running it; common.ts what the command line reads alike
 */

import {
  type ContainerRecord,
  type ContainerSpec,
  checkName,
  type DnsSettings,
  type NetworkMode,
  type RecordedMore,
  type RestartRequest,
  type Sharing,
} from '../../container/index.js'
import { inventName } from '../../container/names.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { newId } from '../../kernel/random.js'
import { DEFAULT_NETWORK, readNetwork } from '../../network/config.js'
import { parseCapabilities } from '../../primitives/capabilities.js'
import type { MountSpec } from '../../primitives/rootfs/index.js'
import { nowNanos, timestamp } from '../clock.js'
import { mergeEnvironment, parseEnvironment } from '../environment.js'
import { checkServers, parseExtraHosts } from '../hosts.js'
import { parseSecurity } from '../security.js'
import type { CreateBody } from '../types.js'
import type { ConfigBody, HostBody } from './bodies.js'
import { hostnameOf, programOf, stopSignal, withProtocol, workingDirectory } from './common.js'
import { devicesOf, sysctlsOf } from './devices.js'
import { configOf, hostConfigOf } from './documents.js'
import { healthBody, healthOf } from './health.js'
import type { RunnableImage } from './image.js'
import { linksOf } from './links.js'
import { logOf } from './log.js'
import { readMembers } from './members.js'
import { ownIpcOf, sharingOf } from './modes.js'
import { mountsOf } from './mounts.js'
import { networkingOf } from './networks.js'
import { checkRanges } from './ranges.js'
import { cgroupParentOf, limitsOf, limitWarnings, rlimitsOf } from './resources.js'
import { CONFIG, HOST_CONFIG } from './tables.js'

export interface Asked {
  readonly config: ConfigBody
  readonly host: HostBody
  readonly networking: unknown
}

/** What the body says, its members checked one by one; nothing is looked up. `nameless`: it need not name an image. */
export function readBody(body: CreateBody, { nameless = false }: { readonly nameless?: boolean } = {}): Asked {
  const config = readMembers(body, CONFIG) as ConfigBody & { HostConfig?: unknown; NetworkingConfig?: unknown }
  const host = readMembers(config.HostConfig, HOST_CONFIG, 'HostConfig.') as HostBody
  checkRanges(host)
  if (!config.Image && !nameless) throw new DrydockError('no image specified', { status: 400 })
  return { config, host, networking: config.NetworkingConfig }
}

export interface Surroundings {
  readonly dataRoot: string
  readonly image: RunnableImage
  readonly rootless: boolean
  readonly ruleless: boolean
  /** Containers of this root's have user namespaces, unless they want the host's. */
  readonly remapped?: boolean
  readonly name?: string
  recordOf(word: string): ContainerRecord
  /** Of a volume without one. */
  readonly volumeName?: () => string
}

export interface Requested {
  readonly record: ContainerRecord
  /** No name was asked for: another will do. */
  readonly invented: boolean
  readonly warnings: readonly string[]
  /** Volumes that get what the image has in their place, when they are empty. */
  readonly fill: readonly MountSpec[]
  /** Names of volumes that were made for it. */
  readonly madeVolumes: readonly string[]
}

/** New volumes are made. Throws in Docker's words for what cannot be. */
export function requestedRecord({ config, host, networking }: Asked, around: Surroundings): Requested {
  const { dataRoot, image, rootless, ruleless, remapped = false, recordOf, volumeName = newId } = around
  const id = newId()
  const name = around.name === undefined ? inventName() : checkName(around.name.replace(/^\//, ''))
  checkCapabilities(host)
  const sharing = sharingOf(config, host, { recordOf, remapped })
  const { devices, rules } = devicesOf(host)
  const restart = restartOf(host)
  const log = logOf(host)
  const healthcheck = healthBody(config.Healthcheck, image.healthcheck)
  const { health, warnings: healthWarnings } = healthOf(healthcheck, config.Shell)
  const exposed = [...new Set([...(image.exposedPorts ?? []), ...Object.keys(config.ExposedPorts ?? {})].map(withProtocol))]
  const connected = networkingOf(config, host, networking, { dataRoot, rootless, ruleless, exposed, recordOf })
  const { argv, ...told } = programOf(config.Entrypoint, config.Cmd ?? [], image)
  const { warnings, ...security } = parseSecurity(host.SecurityOpt ?? [], (profile) => profile)
  const env = mergeEnvironment(image.env, parseEnvironment(config.Env ?? [], [], {}))
  const rest = {
    limits: { ...limitsOf(host), ...(rules && { devices: rules }) },
    parent: cgroupParentOf(host),
    rlimits: rlimitsOf(host),
    hostname: hostnameIn(config, connected.network, sharing, id, recordOf),
    sysctls: sysctlsOf(host, connected.network, sharing),
    cwd: workingDirectory(config.WorkingDir || image.workingDir || '/'),
    signal: stopSignal(config.StopSignal ?? image.stopSignal),
    hosts: { extraHosts: parseExtraHosts(host.ExtraHosts ?? [], () => readNetwork(dataRoot, DEFAULT_NETWORK)?.gateway), dns: dnsOf(host) },
  }
  // Last, since it makes volumes.
  const {
    mounts,
    ownVolumes,
    fill,
    made: madeVolumes,
    modes: mountModes,
    memory,
  } = mountsOf(config, host, image, { dataRoot, recordOf, volumeName })
  const [rows = 0, columns = 0] = host.ConsoleSize ?? []
  const spec: ContainerSpec = {
    id,
    name,
    image: { name: image.name, ...(image.id !== undefined && { id: image.id }), layers: image.layers },
    argv,
    env,
    cwd: rest.cwd,
    user: config.User || image.user,
    groups: host.GroupAdd ?? [],
    hostname: rest.hostname,
    domainname: config.Domainname ?? '',
    ...(config.Tty && { terminal: { rows, columns } }),
    stdin: config.OpenStdin ?? false,
    init: host.Init ?? false,
    readOnlyRoot: host.ReadonlyRootfs ?? false,
    mounts,
    ...(ownVolumes.length > 0 && { ownVolumes }),
    ...(Object.keys(memory).length > 0 && { memoryVolumes: memory }),
    ...(host.ShmSize && { shmSize: host.ShmSize }),
    security: {
      ...security,
      unmasked: security.unmasked || (host.MaskedPaths?.length === 0 && host.ReadonlyPaths?.length === 0),
      privileged: host.Privileged ?? false,
      capAdd: host.CapAdd ?? [],
      capDrop: host.CapDrop ?? [],
    },
    limits: rest.limits,
    ...rest.parent,
    rlimits: rest.rlimits,
    ...(host.OomScoreAdj && { oomScoreAdj: host.OomScoreAdj }),
    network: connected.network,
    ...(Object.keys(sharing).length > 0 && { sharing }),
    ...ownIpcOf(host),
    ...(devices && { devices }),
    ...rest.sysctls,
    ephemeral: false,
    declared: {
      ...told,
      labels: { ...image.labels, ...config.Labels },
      exposedPorts: exposed,
      volumes: [...new Set([...(image.volumes ?? []), ...Object.keys(config.Volumes ?? {})])],
      ...rest.signal,
    },
  }
  const more: RecordedMore = {
    config: configOf({ ...config, ...(healthcheck && { Healthcheck: healthcheck }) }, spec),
    hostConfig: hostConfigOf(host, spec, connected.mode),
    endpoints: connected.endpoints,
    ...(connected.mac && { mac: connected.mac }),
    ...linksOf(host.Links ?? [], connected.network, connected.mode, recordOf),
    ...rest.hosts,
    log,
    restart,
    ...(health && { health }),
    autoRemove: host.AutoRemove ?? false,
    mountModes,
    keepStdin: spec.stdin && !config.StdinOnce,
    ...(config.StopTimeout !== undefined && { stopTimeout: config.StopTimeout }),
  }
  return {
    record: { version: 1, created: timestamp(nowNanos()), spec, more },
    invented: around.name === undefined,
    warnings: [...warnings, ...connected.warnings, ...limitWarnings(host), ...healthWarnings],
    fill,
    madeVolumes,
  }
}

/** What there is none of is said before the container is made. */
function checkCapabilities({ CapAdd = [], CapDrop = [] }: HostBody): void {
  for (const [member, names] of Object.entries({ CapAdd, CapDrop })) {
    try {
      parseCapabilities(names)
    } catch (cause) {
      throw new DrydockError(`invalid ${member}: ${sentenceOf(cause)}`, { cause, status: 400 })
    }
  }
}

/** Of one that shares the network of another: that one's. */
function hostnameIn(
  { Hostname }: ConfigBody,
  network: NetworkMode,
  { uts }: Sharing,
  id: string,
  recordOf: Surroundings['recordOf'],
): string {
  const asked = hostnameOf(Hostname, uts ? { kind: 'host' } : network, id)
  return network.kind === 'container' ? recordOf(network.of).spec.hostname : asked
}

const POLICIES = ['no', 'always', 'on-failure', 'unless-stopped'] as const

export function restartOf({ RestartPolicy: { Name = '', MaximumRetryCount = 0 } = {}, AutoRemove = false }: HostBody): RestartRequest {
  const policy = Name === '' ? 'no' : POLICIES.find((one) => one === Name)
  if (!policy)
    throw new DrydockError(`invalid restart policy: unknown policy '${Name}'; use one of '${POLICIES.join("', '")}'`, { status: 400 })
  if (MaximumRetryCount < 0) throw new DrydockError('invalid restart policy: maximum retry count cannot be negative', { status: 400 })
  if (policy !== 'on-failure' && MaximumRetryCount > 0)
    throw new DrydockError("invalid restart policy: maximum retry count can only be used with 'on-failure'", { status: 400 })
  if (policy !== 'no' && AutoRemove) throw new DrydockError("can't create 'AutoRemove' container with restart policy", { status: 400 })
  return { policy, most: MaximumRetryCount }
}

function dnsOf({ Dns = [], DnsSearch = [], DnsOptions = [] }: HostBody): DnsSettings {
  return { servers: checkServers(Dns), search: DnsSearch, options: DnsOptions }
}
