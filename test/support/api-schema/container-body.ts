/** The body of POST /containers/create. Engine API 1.47. */
import { either, flag, integer, labels, list, map, name, nothing, object, text } from './kinds.js'

/** Files of the host that may be mounted are below it. */
export const SHARED = '/run/engine/shared'

const MEGABYTE = 1024 * 1024
const SECOND = 1_000_000_000
const paths = (...more: string[]) => text('/data', '/mnt/deep/er', '/tmp/x', ...more)
const device = text('/dev/null', '/dev/zero', '/dev/loop0')
const rates = list(object({ Path: device, Rate: integer(0, MEGABYTE) }), 2)

/** What ends by itself soon, and what does not: all harmless, whatever it may touch. */
const commands = either(
  ...[['true'], ['echo', 'hi'], ['sleep', '30'], ['cat'], ['sh', '-c', 'echo out; echo err >&2; exit 3'], ['/nonexistent'], ['']].map(
    (words) => ({ kind: 'list' as const, of: text(...words), most: 0 }),
  ),
  list(text('true', 'echo', 'hi', '-x', ''), 3),
)

export const endpoint = object({
  IPAMConfig: object({
    IPv4Address: text('', '10.66.0.9', '10.66.0.300'),
    IPv6Address: text(''),
    LinkLocalIPs: list(text('169.254.1.1'), 1),
  }),
  Links: list(text('keeper:k'), 1),
  Aliases: list(text('one', 'two', 'db.example'), 2),
  MacAddress: text('', '02:42:0a:00:00:09'),
  DriverOpts: map(['com.example'], text('x')),
  NetworkID: text(''),
  Gateway: text(''),
  GwPriority: integer(0, 5),
})

export const resources = {
  CpuShares: integer(0, 2048),
  Memory: integer(0, 512 * MEGABYTE),
  NanoCpus: integer(0, 2 * SECOND),
  BlkioWeight: integer(0, 1000),
  BlkioWeightDevice: list(object({ Path: device, Weight: integer(10, 1000) }), 1),
  BlkioDeviceReadBps: rates,
  BlkioDeviceWriteBps: rates,
  BlkioDeviceReadIOps: rates,
  BlkioDeviceWriteIOps: rates,
  CpuPeriod: integer(0, 200_000),
  CpuQuota: integer(-1, 100_000),
  CpuRealtimePeriod: integer(0, 0),
  CpuRealtimeRuntime: integer(0, 0),
  CpusetCpus: text('', '0', '0-1', '0,1'),
  CpusetMems: text('', '0'),
  MemoryReservation: integer(0, 256 * MEGABYTE),
  MemorySwap: integer(-1, 512 * MEGABYTE),
  PidsLimit: integer(-1, 1000),
  RestartPolicy: object({ Name: text('', 'no', 'on-failure', 'unless-stopped'), MaximumRetryCount: integer(0, 2) }),
}

const mount = object({
  Type: text('bind', 'volume', 'tmpfs', 'npipe', 'cluster', 'image'),
  Source: either(text(SHARED, `${SHARED}/sub`, ''), name('volume')),
  Target: paths(''),
  ReadOnly: flag,
  Consistency: text('', 'cached'),
  BindOptions: object({
    Propagation: text('', 'private', 'rslave', 'shared'),
    NonRecursive: flag,
    CreateMountpoint: flag,
    ReadOnlyNonRecursive: flag,
    ReadOnlyForceRecursive: flag,
  }),
  VolumeOptions: object({
    NoCopy: flag,
    Labels: labels,
    Subpath: text('', 'sub'),
    DriverConfig: object({ Name: text('', 'local'), Options: map(['type', 'o', 'device'], text('tmpfs', 'size=1m')) }),
  }),
  TmpfsOptions: object({ SizeBytes: integer(0, MEGABYTE), Mode: integer(0, 0o1777), Options: list(list(text('exec', 'noexec'), 1), 1) }),
})

export const hostConfig = object({
  ...resources,
  Binds: list(text(`${SHARED}:/data`, `${SHARED}/sub:/mnt:ro`, 'cargo:/cargo', 'cargo:/cargo:ro,nocopy', '/anonymous')),
  ContainerIDFile: text(''),
  LogConfig: object({
    Type: text('', 'json-file', 'none', 'local', 'syslog'),
    Config: map(['max-size', 'max-file', 'labels', 'nosuch'], text('1m', '3', '10k')),
  }),
  NetworkMode: either(text('default', 'bridge', 'none', 'none', 'none', 'host', 'container:keeper'), name('network')),
  PortBindings: map(
    ['80/tcp', '53/udp', '8000-8002/tcp'],
    list(object({ HostIp: text('', '127.0.0.1', '0.0.0.0'), HostPort: text('', '0') }), 2),
  ),
  AutoRemove: flag,
  VolumeDriver: text('', 'local', 'nosuch'),
  VolumesFrom: list(either(text('keeper:ro', 'keeper:nosuch'), name('container')), 2),
  ConsoleSize: list(integer(0, 200), 2),
  Annotations: labels,
  CapAdd: list(text('NET_ADMIN', 'CAP_SYS_PTRACE', 'ALL', 'NOSUCH')),
  CapDrop: list(text('ALL', 'CHOWN', 'MKNOD')),
  CgroupnsMode: text('', 'private', 'host'),
  Dns: list(text('10.0.0.1', '::1')),
  DnsOptions: list(text('ndots:2')),
  DnsSearch: list(text('example', '.')),
  ExtraHosts: list(text('ship:10.1.2.3', 'gw:host-gateway', 'six:::1')),
  GroupAdd: list(text('root', '100', 'nosuch')),
  IpcMode: text('', 'private', 'shareable', 'host', 'none', 'container:keeper'),
  Cgroup: text(''),
  Links: list(text('keeper:k'), 1),
  OomScoreAdj: integer(-1000, 1000),
  PidMode: text('', 'private', 'container:keeper'),
  Privileged: flag,
  PublishAllPorts: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: list(text('no-new-privileges', 'seccomp=unconfined', 'label=disable', 'apparmor=unconfined', 'nosuch=1'), 2),
  StorageOpt: map(['size'], text('1g')),
  Tmpfs: map(['/run', '/scratch'], text('', 'size=1m', 'rw,noexec,mode=1777')),
  UTSMode: text('', 'host'),
  UsernsMode: text('', 'host'),
  ShmSize: integer(0, 64 * MEGABYTE),
  Sysctls: map(['net.ipv4.ip_forward', 'kernel.msgmax', 'kernel.hostname'], text('0', '1')),
  Runtime: text('', 'runc', 'nosuch'),
  Isolation: text('', 'default', 'hyperv'),
  CgroupParent: text('', '/x'),
  Devices: list(object({ PathOnHost: device, PathInContainer: text('', '/dev/own'), CgroupPermissions: text('', 'r', 'rwm') }), 2),
  DeviceCgroupRules: list(text('c 1:3 rwm', 'b *:* r', 'a *:* rwm'), 2),
  DeviceRequests: list(object({ Driver: text('nvidia'), Count: integer(-1, 1) }), 1),
  KernelMemory: integer(0, 0),
  KernelMemoryTCP: integer(0, 0),
  MemorySwappiness: integer(-1, 100),
  OomKillDisable: flag,
  Ulimits: list(object({ Name: text('nofile', 'core', 'nosuch'), Soft: integer(-1, 1000), Hard: integer(-1, 1000) }), 2),
  CpuCount: integer(0, 2),
  CpuPercent: integer(0, 100),
  IOMaximumIOps: integer(0, 2),
  IOMaximumBandwidth: integer(0, 2),
  Mounts: list(mount, 2),
  MaskedPaths: list(text('/proc/kcore'), 1),
  ReadonlyPaths: list(text('/proc/sys'), 1),
  Init: flag,
})

export const config = {
  Hostname: text('', 'ship', 'deep.example'),
  Domainname: text('', 'example'),
  User: text('', '0', 'nobody', '1000:1000', 'nosuch'),
  AttachStdin: flag,
  AttachStdout: flag,
  AttachStderr: flag,
  ExposedPorts: map(['80/tcp', '53/udp', '90'], nothing),
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: list(text('A=b', 'EMPTY=', 'UNSET', 'PATH=/bin')),
  Cmd: commands,
  Healthcheck: object({
    Test: list(text('NONE', 'CMD', 'CMD-SHELL', 'true'), 2),
    Interval: integer(0, 30 * SECOND),
    Timeout: integer(0, 30 * SECOND),
    StartPeriod: integer(0, 30 * SECOND),
    StartInterval: integer(0, 30 * SECOND),
    Retries: integer(0, 3),
  }),
  ArgsEscaped: flag,
  Volumes: map(['/hold', '/data'], nothing),
  WorkingDir: text('', '/tmp', '/made/for/it'),
  Entrypoint: either(list(text('sh', 'true'), 2), text('')),
  NetworkDisabled: flag,
  MacAddress: text('', '02:42:ac:11:00:22'),
  OnBuild: list(text('RUN true'), 1),
  Labels: labels,
  StopSignal: text('', 'SIGTERM', 'KILL', '9'),
  StopTimeout: integer(0, 2),
  Shell: list(text('sh', '-c'), 2),
}

export const createBody = object({
  ...config,
  Image: either(...Array.from({ length: 8 }, () => text('busybox')), name('image')),
  HostConfig: hostConfig,
  NetworkingConfig: object({ EndpointsConfig: map(['bridge', 'sea', 'nosuch'], endpoint) }),
})
