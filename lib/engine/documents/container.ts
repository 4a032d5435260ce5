/** A container as Docker's ContainerInspect tells it. */
import { createHash } from 'node:crypto'
import type { ContainerRecord, ContainerSpec, EndpointRequest, StoredContainer } from '../../container/index.js'
import { asSet } from '../../image/documents.js'
import { endpointId, type PublishedPort } from '../../network/index.js'
import { own } from '../own.js'
import { configDocument } from './config.js'
import { hostConfigDocument, mountsDocument } from './host-config.js'

/** What is not on disk. */
export interface ContainerView {
  readonly container: StoredContainer
  /** Its first process as the host numbers it; absent: it does not run. */
  readonly pid?: number
  /** Its address in each of its networks, while it runs. */
  readonly endpoints: Readonly<Record<string, Endpoint>>
  /** HostConfig.Links, by what those are called now. */
  readonly links?: readonly string[]
  /** What an engine knows of its life; without one the exit file and the kernel tell. */
  readonly life?: LifeView
  /** Bytes of what it has changed, and of all that it sees. */
  readonly size?: { readonly own: number; readonly all: number }
}

export interface LifeView {
  readonly status: string
  readonly startedAt: string | undefined
  /** Of the run before, while it runs. */
  readonly finishedAt?: string
  readonly restartCount: number
  /** Ids. */
  readonly execs: readonly string[]
  readonly exitCode: number
  /** Docker's Health, where it is asked how well it is. */
  readonly health?: object
  /** Why it could not be started. */
  readonly error?: string
}

export interface Endpoint {
  readonly networkId: string
  readonly address: string
  readonly prefix: number
  readonly gateway: string
  /** The same of IPv6, where the network has it. */
  readonly ipv6?: { readonly address: string; readonly prefix: number; readonly gateway: string }
  readonly mac: string
  readonly aliases: readonly string[]
  /** Of the first network: the host's that lead to it. */
  readonly ports: readonly PublishedPort[]
}

/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z'

export function containerDocument({ container, pid, endpoints, size, life, links }: ContainerView): Record<string, unknown> {
  const { record, layout } = container
  const { spec } = record
  const [path = '', ...args] = spec.argv
  return {
    Id: spec.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateOf(container, pid, life),
    Image: spec.image.id ?? '',
    ResolvConfPath: layout.resolvConf,
    HostnamePath: layout.hostname,
    HostsPath: layout.hosts,
    // Docker does not say where `local` keeps it.
    LogPath: spec.ephemeral || (record.more?.log.driver ?? 'json-file') !== 'json-file' ? '' : layout.log,
    Name: `/${spec.name}`,
    RestartCount: life?.restartCount ?? 0,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: life && life.execs.length > 0 ? life.execs : null,
    HostConfig: { ...(record.more?.hostConfig ?? hostConfigDocument(spec)), Links: links ?? null },
    GraphDriver: {
      Data: { LowerDir: spec.image.layers.join(':'), MergedDir: layout.merged, UpperDir: layout.upper, WorkDir: layout.work },
      Name: 'overlay2',
    },
    ...(size && { SizeRw: size.own, SizeRootFs: size.all }),
    Mounts: mountsDocument(record),
    Config: configOf(container),
    NetworkSettings: networkDocument(container, pid, endpoints),
  }
}

function stateOf({ record, exit }: StoredContainer, pid: number | undefined, life: LifeView | undefined) {
  const running = pid !== undefined
  const status = life?.status ?? (running ? 'running' : exit ? 'exited' : 'created')
  return {
    Status: status,
    // Docker's own habit: who waits to be started again counts as running.
    Running: running || status === 'restarting',
    Paused: status === 'paused',
    Restarting: status === 'restarting',
    OOMKilled: exit?.oomKilled ?? false,
    Dead: status === 'dead',
    Pid: pid ?? 0,
    ExitCode: running ? 0 : (life?.exitCode ?? exit?.exitCode ?? 0),
    Error: life?.error ?? '',
    StartedAt: life?.startedAt ?? exit?.startedAt ?? (running ? record.created : NEVER),
    FinishedAt: exit?.finishedAt ?? life?.finishedAt ?? NEVER,
    ...(life?.health && { Health: life.health }),
  }
}

function configOf({ record: { spec, more } }: StoredContainer) {
  if (more) {
    // The one that was asked for in the network that is its mode: newer daemons tell it here too, in every version of the API.
    const mac = own(more.endpoints, String(more.hostConfig.NetworkMode))?.mac ?? more.mac
    return { ...more.config, ...(mac !== undefined && { MacAddress: mac }) }
  }
  const { declared } = spec
  return configDocument({
    Hostname: spec.hostname,
    Domainname: spec.domainname,
    User: spec.user,
    AttachStdin: spec.stdin,
    AttachStdout: true,
    AttachStderr: true,
    ...(declared && declared.exposedPorts.length > 0 && { ExposedPorts: asSet(declared.exposedPorts) }),
    Tty: spec.terminal !== undefined,
    OpenStdin: spec.stdin,
    StdinOnce: spec.stdin,
    Env: spec.env,
    Cmd: declared ? declared.cmd : spec.argv,
    Image: spec.image.name,
    ...(declared && declared.volumes.length > 0 && { Volumes: asSet(declared.volumes) }),
    WorkingDir: spec.cwd === '/' ? '' : spec.cwd,
    ...(declared?.entrypoint && { Entrypoint: declared.entrypoint }),
    Labels: declared?.labels ?? {},
    ...(declared?.stopSignal && { StopSignal: declared.stopSignal }),
  })
}

function networkDocument({ record }: StoredContainer, pid: number | undefined, endpoints: ContainerView['endpoints']) {
  const { spec } = record
  const networks = listNetworks(record, endpoints)
  const bridge = networks.bridge ?? endpointDocument(record, 'bridge', undefined)
  const running = pid !== undefined
  const hasOwn = running && spec.network.kind !== 'container'
  return {
    Bridge: '',
    SandboxID: hasOwn ? madeUp(spec.id, 'sandbox') : '',
    SandboxKey: hasOwn ? `/proc/${pid}/ns/net` : '',
    Ports:
      running && spec.network.kind === 'networks'
        ? portsOf(
            spec.declared?.exposedPorts ?? [],
            Object.values(endpoints).flatMap(({ ports }) => ports),
          )
        : {},
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: bridge.EndpointID,
    Gateway: bridge.Gateway,
    GlobalIPv6Address: bridge.GlobalIPv6Address,
    GlobalIPv6PrefixLen: bridge.GlobalIPv6PrefixLen,
    IPAddress: bridge.IPAddress,
    IPPrefixLen: bridge.IPPrefixLen,
    IPv6Gateway: bridge.IPv6Gateway,
    MacAddress: bridge.MacAddress,
    Networks: networks,
  }
}

/** By name; those of a container that does not run have no addresses. */
export function listNetworks(record: ContainerRecord, endpoints: ContainerView['endpoints']): Record<string, EndpointDocument> {
  const { network } = record.spec
  const names = network.kind === 'networks' ? network.names : network.kind === 'container' ? [] : [network.kind]
  return Object.fromEntries(names.map((name) => [name, endpointDocument(record, name, own(endpoints, name))]))
}

type EndpointDocument = ReturnType<typeof endpointDocument>

function endpointDocument({ spec, more }: ContainerRecord, name: string, endpoint: Endpoint | undefined) {
  const asked = own(more?.endpoints, name)
  const aliases = asked?.aliases.length ? asked.aliases : endpoint?.aliases.length ? endpoint.aliases : null
  // Whoever is on a network with names is found by them.
  const found = spec.network.kind === 'networks' && name !== 'bridge' && (endpoint !== undefined || asked?.connected === true)
  return {
    IPAMConfig: ipamOf(asked),
    Links: asked?.links ?? null,
    Aliases: aliases,
    MacAddress: endpoint?.mac ?? '',
    DriverOpts: null,
    GwPriority: asked?.priority ?? 0,
    NetworkID: endpoint?.networkId ?? '',
    EndpointID: endpoint ? endpointId(spec.id, name) : '',
    Gateway: endpoint?.gateway ?? '',
    IPAddress: endpoint?.address ?? '',
    IPPrefixLen: endpoint?.prefix ?? 0,
    IPv6Gateway: endpoint?.ipv6?.gateway ?? '',
    GlobalIPv6Address: endpoint?.ipv6?.address ?? '',
    GlobalIPv6PrefixLen: endpoint?.ipv6?.prefix ?? 0,
    DNSNames: found ? [...new Set([spec.name, ...(aliases ?? []), spec.id.slice(0, 12), spec.hostname])] : null,
  }
}

function ipamOf({ ip, ip6 }: Partial<EndpointRequest> = {}) {
  if (ip === undefined && ip6 === undefined) return null
  return { ...(ip !== undefined && { IPv4Address: ip }), ...(ip6 !== undefined && { IPv6Address: ip6 }) }
}

/** Docker's numbers for what has none here: the same for the same thing. */
const madeUp = (id: string, what: string): string => createHash('sha256').update(`${id} ${what}`).digest('hex')

/** Exposed ports, and what of the host leads to those that are published. */
function portsOf(exposed: readonly string[], published: readonly PublishedPort[]): Record<string, unknown> {
  const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = Object.fromEntries(exposed.map((port) => [port, null]))
  for (const { containerPort, protocol, hostIp, hostPort } of published) {
    const key = `${containerPort}/${protocol}`
    ports[key] = [...(ports[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }]
  }
  return ports
}

/** As lists tell them: those that are published, and those that are only exposed. */
export function listPorts(spec: ContainerSpec, endpoints: ContainerView['endpoints'], running: boolean): Record<string, unknown>[] {
  if (!running || spec.network.kind !== 'networks') return []
  const published = Object.values(endpoints).flatMap(({ ports }) => ports)
  const led = new Set(published.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`))
  const exposed = (spec.declared?.exposedPorts ?? []).filter((port) => !led.has(port))
  return [
    ...published.map(({ hostIp, hostPort, containerPort, protocol }) => ({
      IP: hostIp,
      PrivatePort: containerPort,
      PublicPort: hostPort,
      Type: protocol,
    })),
    ...exposed.map((port) => ({ PrivatePort: Number.parseInt(port, 10), Type: port.split('/')[1] ?? 'tcp' })),
  ]
}
