/** A container as Docker's ContainerInspect tells it. */
import type { ExitRecord, StoredContainer } from '../../container/index.js'
import type { PublishedPort } from '../../network/index.js'
import { configDocument } from './config.js'
import { hostConfigDocument, mountsDocument } from './host-config.js'

/** What is not on disk. */
export interface ContainerView {
  readonly container: StoredContainer
  /** Its first process as the host numbers it; absent: it does not run. */
  readonly pid?: number
  /** Its address in each of its networks, while it runs. */
  readonly endpoints: Readonly<Record<string, Endpoint>>
  /** Bytes of what it has changed, and of all that it sees. */
  readonly size?: { readonly own: number; readonly all: number }
}

export interface Endpoint {
  readonly networkId: string
  readonly address: string
  readonly prefix: number
  readonly gateway: string
  readonly mac: string
  readonly aliases: readonly string[]
  /** Of the first network: the host's that lead to it. */
  readonly ports: readonly PublishedPort[]
}

/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z'

export function containerDocument({ container, pid, endpoints, size }: ContainerView): Record<string, unknown> {
  const { record, layout, exit } = container
  const { spec } = record
  const [path = '', ...args] = spec.argv
  return {
    Id: spec.id,
    Created: record.created,
    Path: path,
    Args: args,
    State: stateOf(record.created, pid, exit),
    Image: spec.image.id ?? '',
    ResolvConfPath: layout.resolvConf,
    HostnamePath: layout.hostname,
    HostsPath: layout.hosts,
    LogPath: spec.ephemeral ? '' : layout.log,
    Name: `/${spec.name}`,
    RestartCount: 0,
    Driver: 'overlay2',
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: null,
    HostConfig: hostConfigDocument(spec),
    GraphDriver: {
      Data: { LowerDir: spec.image.layers.join(':'), MergedDir: layout.merged, UpperDir: layout.upper, WorkDir: layout.work },
      Name: 'overlay2',
    },
    ...(size && { SizeRw: size.own, SizeRootFs: size.all }),
    Mounts: mountsDocument(spec),
    Config: configOf(container),
    NetworkSettings: networkDocument(container, pid !== undefined, endpoints),
  }
}

function stateOf(created: string, pid: number | undefined, exit: ExitRecord | undefined) {
  const running = pid !== undefined
  return {
    Status: running ? 'running' : exit ? 'exited' : 'created',
    Running: running,
    Paused: false,
    Restarting: false,
    OOMKilled: exit?.oomKilled ?? false,
    Dead: false,
    Pid: pid ?? 0,
    ExitCode: exit?.exitCode ?? 0,
    Error: '',
    StartedAt: exit?.startedAt ?? (running ? created : NEVER),
    FinishedAt: exit?.finishedAt ?? NEVER,
  }
}

const asSet = (names: readonly string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, {}]))

function configOf({ record: { spec } }: StoredContainer) {
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

function networkDocument({ record: { spec } }: StoredContainer, running: boolean, endpoints: ContainerView['endpoints']) {
  const { network } = spec
  const names = network.kind === 'networks' ? network.names : network.kind === 'container' ? [] : [network.kind]
  const of = (name: string) => endpointDocument(endpoints[name])
  const bridge = of('bridge')
  return {
    SandboxKey: '',
    Ports: running
      ? portsOf(
          spec.declared?.exposedPorts ?? [],
          Object.values(endpoints).flatMap(({ ports }) => ports),
        )
      : {},
    EndpointID: bridge.EndpointID,
    Gateway: bridge.Gateway,
    IPAddress: bridge.IPAddress,
    IPPrefixLen: bridge.IPPrefixLen,
    MacAddress: bridge.MacAddress,
    Networks: Object.fromEntries(names.map((name) => [name, of(name)])),
  }
}

function endpointDocument(endpoint: Endpoint | undefined) {
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: endpoint?.aliases ?? null,
    MacAddress: endpoint?.mac ?? '',
    DriverOpts: null,
    NetworkID: endpoint?.networkId ?? '',
    EndpointID: '',
    Gateway: endpoint?.gateway ?? '',
    IPAddress: endpoint?.address ?? '',
    IPPrefixLen: endpoint?.prefix ?? 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  }
}

/** Exposed ports, and what of the host leads to those that are published. */
function portsOf(exposed: readonly string[], published: readonly PublishedPort[]): Record<string, unknown> {
  const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = Object.fromEntries(exposed.map((port) => [port, null]))
  for (const { containerPort, protocol, hostIp, hostPort } of published) {
    const key = `${containerPort}/${protocol}`
    ports[key] = [...(ports[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }]
  }
  return ports
}
