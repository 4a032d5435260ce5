/**
 * What was typed after `run` or `create`, as the body of POST /containers/create: member by member what docker's own client sends, empty ones too
 * (test/lib/cli/client/creates.json has its words for many flags).
 */
import { DrydockError } from '../../../kernel/errors.js'
import { cdiRequest, isCdi, readDevice } from './devices.js'
import { readVolumes } from './mounts.js'
import { readNetworks } from './networks.js'
import type { CreateFlags } from './options.js'
import { readPorts } from './ports.js'
import { asMap, readCapabilities, readPairs, readRestart, readSecurity } from './words.js'

export interface CreateBody {
  readonly Tty: boolean
  readonly OpenStdin: boolean
  readonly AttachStdin: boolean
  readonly AttachStdout: boolean
  readonly AttachStderr: boolean
  readonly Image: string
  readonly HostConfig: Readonly<Record<string, unknown>>
  readonly NetworkingConfig: Readonly<Record<string, unknown>>
  readonly [member: string]: unknown
}

export interface Circumstances {
  /** Before 1.44 the engine takes a hardware address at another place. */
  readonly atLeast: (version: string) => boolean
  /** Rows, columns. */
  readonly console?: readonly [number, number]
  readonly environment: Readonly<Record<string, string | undefined>>
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

/** Go's net.ParseMAC, of six bytes. */
const isMac = (text: string): boolean => /^([0-9a-f]{2}([:-]))([0-9a-f]{2}\2){4}[0-9a-f]{2}$|^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i.test(text)

const orNull = <T>(words: readonly T[]): readonly T[] | null => (words.length > 0 ? words : null)

export function createBody(flags: CreateFlags, image: string, command: readonly string[], about: Circumstances): CreateBody {
  checkTogether(flags)
  const { binds, own } = readVolumes(flags.volume)
  const { exposed, bindings } = readPorts(flags.publish, flags.expose)
  const health = healthOf(flags)
  const network = networkOf(flags)
  const old = flags.macAddress !== undefined && !about.atLeast('1.44')
  const attached = (stream: string) => flags.attach.includes(stream)
  const stdin = attached('stdin') || flags.interactive === true
  const all = flags.attach.length === 0
  return {
    Hostname: flags.hostname ?? '',
    Domainname: flags.domainname ?? '',
    User: flags.user ?? '',
    AttachStdin: stdin,
    AttachStdout: all || attached('stdout'),
    AttachStderr: all || attached('stderr'),
    ...(exposed.size > 0 && { ExposedPorts: Object.fromEntries([...exposed].map((port) => [port, {}])) }),
    Tty: flags.tty === true,
    OpenStdin: flags.interactive === true,
    StdinOnce: flags.interactive === true && stdin,
    Env: orNull(readPairs(flags.envFile, flags.env, (name) => about.environment[name])),
    Cmd: orNull(command),
    ...(health && { Healthcheck: health }),
    Image: image,
    Volumes: own,
    WorkingDir: flags.workdir ?? '',
    Entrypoint: flags.entrypoint === undefined ? null : [flags.entrypoint],
    ...(old && { MacAddress: flags.macAddress }),
    OnBuild: null,
    Labels: asMap(readPairs(flags.labelFile, flags.label)),
    ...(flags.stopSignal !== undefined && { StopSignal: flags.stopSignal }),
    ...(flags.stopTimeout !== undefined && { StopTimeout: flags.stopTimeout }),
    HostConfig: { ...hostConfig(flags, about), Binds: binds, NetworkMode: network.mode, PortBindings: bindings },
    NetworkingConfig: { EndpointsConfig: network.endpoints },
  }
}

function checkTogether({ rm, restart, memorySwappiness, macAddress }: CreateFlags): void {
  if (memorySwappiness !== -1 && (memorySwappiness < 0 || memorySwappiness > 100))
    refuse(`invalid value: ${memorySwappiness}. Valid memory swappiness range is 0-100`)
  if (macAddress !== undefined && !isMac(macAddress)) refuse(`${macAddress} is not a valid mac address`)
  const { Name } = readRestart(restart)
  if (rm && Name !== '' && Name !== 'no') refuse('conflicting options: cannot specify both --restart and --rm')
}

function networkOf({ network, networkAlias, link, linkLocalIp, ip = '', ip6 = '', macAddress = '' }: CreateFlags) {
  const first = { aliases: networkAlias, links: link, linkLocal: linkLocalIp, ipv4: ip, ipv6: ip6, mac: macAddress }
  return readNetworks(network, first)
}

function hostConfig(flags: CreateFlags, { console = [0, 0] }: Circumstances): Record<string, unknown> {
  const security = readSecurity(flags.securityOpt)
  const logOptions = asMap(flags.logOpt)
  if (flags.logDriver === 'none' && flags.logOpt.length > 0) refuse('invalid logging opts for driver none')
  checkNamespaces(flags)
  return {
    Binds: null,
    ContainerIDFile: flags.cidfile ?? '',
    LogConfig: { Type: flags.logDriver ?? '', Config: logOptions },
    NetworkMode: 'default',
    PortBindings: {},
    RestartPolicy: readRestart(flags.restart),
    AutoRemove: flags.rm === true,
    VolumeDriver: flags.volumeDriver ?? '',
    VolumesFrom: orNull(flags.volumesFrom),
    ConsoleSize: console,
    ...(flags.annotation.length > 0 && { Annotations: asMap(flags.annotation) }),
    CapAdd: readCapabilities(flags.capAdd),
    CapDrop: readCapabilities(flags.capDrop),
    CgroupnsMode: flags.cgroupns ?? '',
    Dns: flags.dns,
    DnsOptions: flags.dnsOption,
    DnsSearch: flags.dnsSearch,
    ExtraHosts: orNull(flags.addHost),
    GroupAdd: orNull(flags.groupAdd),
    IpcMode: flags.ipc ?? '',
    Cgroup: '',
    Links: orNull(flags.link),
    OomScoreAdj: flags.oomScoreAdj ?? 0,
    PidMode: flags.pid ?? '',
    Privileged: flags.privileged === true,
    PublishAllPorts: flags.publishAll === true,
    ReadonlyRootfs: flags.readOnly === true,
    SecurityOpt: security.options,
    ...(flags.storageOpt.length > 0 && { StorageOpt: storage(flags.storageOpt) }),
    ...(flags.tmpfs.length > 0 && { Tmpfs: tmpfs(flags.tmpfs) }),
    UTSMode: flags.uts ?? '',
    UsernsMode: flags.userns ?? '',
    ShmSize: flags.shmSize ?? 0,
    ...(flags.sysctl.length > 0 && { Sysctls: asMap(flags.sysctl) }),
    ...(flags.runtime !== undefined && { Runtime: flags.runtime }),
    Isolation: flags.isolation ?? '',
    ...limitsOf(flags),
    MemorySwappiness: flags.memorySwappiness,
    OomKillDisable: flags.oomKillDisable === true,
    ...devicesOf(flags),
    Ulimits: [...new Map(flags.ulimit.map((limit) => [limit.Name, limit])).values()].sort((a, b) => (a.Name < b.Name ? -1 : 1)),
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    ...(flags.mount.length > 0 && { Mounts: flags.mount }),
    MaskedPaths: security.paths,
    ReadonlyPaths: security.paths,
    ...(flags.init !== undefined && { Init: flags.init }),
  }
}

/** Those that `update` sends too. */
export function limitsOf(flags: LimitFlags): Record<string, unknown> {
  return {
    CpuShares: flags.cpuShares ?? 0,
    Memory: flags.memory ?? 0,
    NanoCpus: flags.cpus ?? 0,
    CgroupParent: flags.cgroupParent ?? '',
    BlkioWeight: flags.blkioWeight ?? 0,
    CpuPeriod: flags.cpuPeriod ?? 0,
    CpuQuota: flags.cpuQuota ?? 0,
    CpuRealtimePeriod: flags.cpuRtPeriod ?? 0,
    CpuRealtimeRuntime: flags.cpuRtRuntime ?? 0,
    CpusetCpus: flags.cpusetCpus ?? '',
    CpusetMems: flags.cpusetMems ?? '',
    MemoryReservation: flags.memoryReservation ?? 0,
    MemorySwap: flags.memorySwap ?? 0,
    PidsLimit: flags.pidsLimit ?? 0,
  }
}

export type LimitFlags = Pick<
  CreateFlags,
  | 'blkioWeight'
  | 'cgroupParent'
  | 'cpuPeriod'
  | 'cpuQuota'
  | 'cpuRtPeriod'
  | 'cpuRtRuntime'
  | 'cpuShares'
  | 'cpus'
  | 'cpusetCpus'
  | 'cpusetMems'
  | 'memory'
  | 'memoryReservation'
  | 'memorySwap'
  | 'pidsLimit'
>

function devicesOf(flags: CreateFlags): Record<string, unknown> {
  const cdi = flags.device.filter(isCdi)
  return {
    BlkioWeightDevice: flags.blkioWeightDevice,
    BlkioDeviceReadBps: flags.deviceReadBps,
    BlkioDeviceWriteBps: flags.deviceWriteBps,
    BlkioDeviceReadIOps: flags.deviceReadIops,
    BlkioDeviceWriteIOps: flags.deviceWriteIops,
    Devices: flags.device.filter((text) => !isCdi(text)).map(readDevice),
    DeviceCgroupRules: orNull(flags.deviceCgroupRule),
    DeviceRequests: orNull([...flags.gpus, ...(cdi.length > 0 ? [cdiRequest(cdi)] : [])]),
  }
}

/** `''` is the engine's own choice. */
function checkNamespaces({ pid = '', uts = '', userns = '', cgroupns = '' }: CreateFlags): void {
  if (!/^(host|container:.+|)$/s.test(pid)) refuse('--pid: invalid PID mode')
  if (!['', 'host'].includes(uts)) refuse('--uts: invalid UTS mode')
  if (!['', 'host'].includes(userns)) refuse('--userns: invalid USER mode')
  if (!['', 'host', 'private'].includes(cgroupns)) refuse('--cgroupns: invalid CGROUP mode')
}

function storage(options: readonly string[]): Record<string, string> {
  if (options.some((option) => !option.includes('='))) refuse('invalid storage option')
  return asMap(options)
}

/** `TARGET[:OPTIONS]` */
const tmpfs = (words: readonly string[]): Record<string, string> =>
  Object.fromEntries(words.map((word) => (/^([^:]*):(.*)$/s.exec(word) ?? [word, word, '']).slice(1, 3)))

function healthOf(flags: CreateFlags): object | undefined {
  const { healthCmd, healthInterval = 0, healthTimeout = 0, healthStartPeriod = 0, healthStartInterval = 0, healthRetries = 0 } = flags
  const numbers = {
    interval: healthInterval,
    timeout: healthTimeout,
    retries: healthRetries,
    'start-period': healthStartPeriod,
    'start-interval': healthStartInterval,
  }
  const any = healthCmd !== undefined || Object.values(numbers).some((number) => number !== 0)
  if (!flags.healthcheck) return any ? refuse('--no-healthcheck conflicts with --health-* options') : { Test: ['NONE'] }
  if (!any) return undefined
  const negative = Object.entries(numbers).find(([, number]) => number < 0)?.[0]
  if (negative !== undefined) refuse(`--health-${negative} cannot be negative`)
  return {
    ...(healthCmd !== undefined && { Test: ['CMD-SHELL', healthCmd] }),
    ...(healthInterval && { Interval: healthInterval }),
    ...(healthTimeout && { Timeout: healthTimeout }),
    ...(healthStartPeriod && { StartPeriod: healthStartPeriod }),
    ...(healthStartInterval && { StartInterval: healthStartInterval }),
    ...(healthRetries && { Retries: healthRetries }),
  }
}
