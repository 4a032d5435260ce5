/** Docker's HostConfig, and the mounts of a container. */
import { basename, dirname, normalize } from 'node:path'
import type { ContainerRecord, ContainerSpec } from '../../container/index.js'
import { parsePort } from '../../network/ports.js'
import { MASKED_PATHS, READ_ONLY_PATHS } from '../../primitives/rootfs/index.js'

/** /dev/shm, when nothing was said. */
const USUAL_SHM = 64 * 1024 * 1024

const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length > 0 ? list : null)

export function hostConfigDocument(spec: ContainerSpec): Record<string, unknown> {
  const { security, limits, network } = spec
  const open = security.privileged || security.unmasked
  const tmpfs = spec.mounts.filter(({ kind }) => kind === 'tmpfs')
  return {
    Binds: orNull(bindsOf(spec)),
    ContainerIDFile: '',
    LogConfig: { Type: spec.ephemeral ? 'none' : 'json-file', Config: {} },
    NetworkMode: modeOf(network),
    PortBindings: network.kind === 'networks' ? bindingsOf(network.ports) : {},
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: spec.ephemeral,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: spec.terminal ? [spec.terminal.rows, spec.terminal.columns] : [0, 0],
    CapAdd: orNull(security.capAdd),
    CapDrop: orNull(security.capDrop),
    CgroupnsMode: 'private',
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: null,
    GroupAdd: orNull(spec.groups),
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: spec.oomScoreAdj ?? 0,
    PidMode: '',
    Privileged: security.privileged,
    PublishAllPorts: false,
    ReadonlyRootfs: spec.readOnlyRoot,
    SecurityOpt: orNull(securityOptions(security)),
    ...(tmpfs.length > 0 && { Tmpfs: Object.fromEntries(tmpfs.map(({ target, options = [] }) => [target, options.join(',')])) }),
    UTSMode: '',
    UsernsMode: '',
    ShmSize: spec.shmSize ?? USUAL_SHM,
    Runtime: 'drydock',
    Isolation: '',
    CpuShares: limits.cpuShares ?? 0,
    Memory: limits.memory ?? 0,
    NanoCpus: Math.round((limits.cpus ?? 0) * 1e9),
    CgroupParent: '',
    BlkioWeight: limits.ioWeight ?? 0,
    CpuPeriod: limits.cpuPeriod ?? 0,
    CpuQuota: limits.cpuQuota ?? 0,
    CpusetCpus: limits.cpusetCpus ?? '',
    CpusetMems: limits.cpusetMems ?? '',
    Devices: [],
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: limits.memoryReservation ?? 0,
    MemorySwap: limits.memorySwap ?? 0,
    MemorySwappiness: limits.memorySwappiness ?? null,
    OomKillDisable: limits.oomKillDisable ?? false,
    PidsLimit: limits.pids ?? null,
    Ulimits: spec.rlimits.map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })),
    ...(spec.init && { Init: true }),
    MaskedPaths: open ? [] : MASKED_PATHS,
    ReadonlyPaths: open ? [] : READ_ONLY_PATHS,
  }
}

function modeOf(network: ContainerSpec['network']): string {
  if (network.kind === 'networks') return network.names[0] ?? 'bridge'
  return network.kind === 'container' ? `container:${network.of}` : network.kind
}

function securityOptions({ noNewPrivileges, seccomp, unmasked }: ContainerSpec['security']): string[] {
  return [
    ...(noNewPrivileges ? ['no-new-privileges'] : []),
    ...(seccomp === 'unconfined' ? ['seccomp=unconfined'] : typeof seccomp === 'object' ? ['seccomp=profile'] : []),
    ...(unmasked ? ['systempaths=unconfined'] : []),
  ]
}

function bindingsOf(ports: readonly string[]): Record<string, unknown> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const { containerPort, protocol, hostIp, hostPort } of ports.flatMap(parsePort)) {
    const key = `${containerPort}/${protocol}`
    const text = hostPort === undefined ? '' : typeof hostPort === 'number' ? String(hostPort) : `${hostPort.first}-${hostPort.last}`
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp, HostPort: text }]
  }
  return bindings
}

/** A volume's files are at volumes/NAME/_data below the data root. */
function volumeName(source: string): string | undefined {
  const home = dirname(source)
  return basename(source) === '_data' && basename(dirname(home)) === 'volumes' ? basename(home) : undefined
}

const isOwn = ({ ownVolumes = [] }: ContainerSpec, source: string): boolean => ownVolumes.includes(dirname(source))

function bindsOf(spec: ContainerSpec): string[] {
  return spec.mounts.flatMap(({ kind, source = '', target, readOnly }) =>
    kind === 'bind' && !isOwn(spec, source) ? [`${volumeName(source) ?? source}:${target}${readOnly ? ':ro' : ''}`] : [],
  )
}

export function mountsDocument({ spec, more }: Pick<ContainerRecord, 'spec' | 'more'>): Record<string, unknown>[] {
  // Those of --tmpfs are told of in HostConfig alone.
  const asked = ((more?.hostConfig.Mounts ?? []) as readonly { Type?: string; Target?: string }[]).filter(({ Type }) => Type === 'tmpfs')
  return spec.mounts.flatMap((mount) => {
    const { kind, source = '', target, readOnly = false, propagation } = mount
    const mode = { Mode: more?.mountModes ? (more.mountModes[target] ?? '') : readOnly ? 'ro' : '', RW: !readOnly }
    if (kind === 'tmpfs') {
      const told = asked.some(({ Target = '' }) => normalize(Target) === target)
      return told ? [{ Type: 'tmpfs', Source: '', Destination: target, ...mode, Propagation: '' }] : []
    }
    const name = volumeName(source)
    return {
      Type: name === undefined ? 'bind' : 'volume',
      ...(name !== undefined && { Name: name }),
      Source: source,
      Destination: target,
      ...(name !== undefined && { Driver: 'local' }),
      ...mode,
      Propagation: propagation ?? (name === undefined ? 'rprivate' : ''),
    }
  })
}
