/**
 * What Docker asks of its runtime: the OCI configuration that dockerd writes for `docker run`, as data. After moby's daemon/pkg/oci/defaults.go
 * (the default), daemon/oci_linux.go (what the flags change) and container/container_unix.go (the three files).
 */
import { readFileSync, statSync } from 'node:fs'
import { ARCH } from '../../../lib/kernel/constants.js'
import { DEFAULT_PROFILE } from '../../../lib/primitives/seccomp/index.js'
import { isUnified } from '../../support/differences.js'

export interface DockerRun {
  readonly argv: readonly string[]
  /** Where the container's layers are mounted. */
  readonly root: string
  /** A directory that has hosts, hostname and resolv.conf. */
  readonly files: string
  readonly hostname: string
  readonly env: readonly string[]
  readonly cwd: string
  readonly user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
  readonly terminal: boolean
  readonly readOnly: boolean
  readonly privileged: boolean
  readonly noNewPrivileges: boolean
  /** What this machine can hand on to a privileged container, CAP_…; a runtime refuses the rest. */
  readonly allCapabilities: readonly string[]
  /** Nodes of the host that a privileged container has. */
  readonly devices: readonly unknown[]
  readonly cgroupsPath: string
}

const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP'],
  ...['NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
].map((name) => `CAP_${name}`)

const MASKED = [
  ...['/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/sched_debug'],
  ...['/proc/scsi', '/proc/timer_list', '/proc/timer_stats', '/sys/devices/virtual/powercap', '/sys/firmware'],
]
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** Not the character devices 1:7 and 5:2: the runtime adds those that every container has. */
const ALLOWED_DEVICES = [
  [1, 5],
  [1, 3],
  [1, 9],
  [1, 8],
  [5, 0],
  [5, 1],
] as const

export function dockerSpec(run: DockerRun): object {
  const capabilities = run.privileged ? run.allCapabilities : CAPABILITIES
  const held = run.user.uid === 0 ? capabilities : []
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: run.terminal,
      ...(run.terminal && { consoleSize: { height: 24, width: 80 } }),
      user: { uid: run.user.uid, gid: run.user.gid, additionalGids: [run.user.gid, ...run.user.groups] },
      args: run.argv,
      env: run.env,
      cwd: run.cwd,
      capabilities: { bounding: capabilities, permitted: held, effective: held },
      noNewPrivileges: run.noNewPrivileges,
      oomScoreAdj: 0,
      rlimits: [],
    },
    root: { path: run.root, readonly: run.readOnly },
    hostname: run.hostname,
    mounts: mounts(run),
    linux: {
      namespaces: ['mount', 'network', 'uts', 'pid', 'ipc', ...(isUnified() ? ['cgroup'] : [])].map((type) => ({ type })),
      cgroupsPath: run.cgroupsPath,
      maskedPaths: run.privileged ? [] : [...MASKED, ...thermalThrottle()],
      readonlyPaths: run.privileged ? [] : READ_ONLY,
      sysctl: { 'net.ipv4.ping_group_range': '0 2147483647', 'net.ipv4.ip_unprivileged_port_start': '0' },
      devices: run.devices,
      resources: { devices: deviceRules(run.privileged) },
      ...(!run.privileged && { seccomp: seccomp() }),
    },
  }
}

function mounts({ files, readOnly, privileged }: DockerRun): object[] {
  const flags = ['nosuid', 'noexec', 'nodev']
  const ro = privileged ? [] : ['ro']
  const file = (name: string) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: `${files}/${name}`,
    options: ['rbind', 'rprivate', ...(readOnly ? ['ro'] : [])],
  })
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: flags },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...flags, ...ro] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...ro, ...flags] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: flags },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...flags, 'mode=1777', `size=${64 * 1024 * 1024}`] },
    ...['resolv.conf', 'hostname', 'hosts'].map(file),
  ]
}

/** One for each processor that has it: GHSA-6fw5-f8r9-fgfm. */
function thermalThrottle(): string[] {
  const last = Number(readFileSync('/sys/devices/system/cpu/possible', 'utf8').split(/[-,]/).at(-1))
  return Array.from({ length: last + 1 }, (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`).filter((path) =>
    statSync(path, { throwIfNoEntry: false }),
  )
}

function deviceRules(privileged: boolean): object[] {
  if (privileged) return [{ allow: true, access: 'rwm' }]
  const allowed = ALLOWED_DEVICES.map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' }))
  return [{ allow: false, access: 'rwm' }, ...allowed, { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' }]
}

/** The rules of the profile that hold for a container with Docker's capabilities; the runtime compiles them with libseccomp. */
function seccomp(): object {
  const own = ARCH === 'aarch64' ? 'arm64' : 'amd64'
  const syscalls = DEFAULT_PROFILE.syscalls.filter(({ includes = {}, excludes = {} }) => {
    const caps = (list: readonly string[] = []) => list.filter((name) => CAPABILITIES.includes(name))
    if (includes.caps?.length && caps(includes.caps).length < includes.caps.length) return false
    if (caps(excludes.caps).length > 0) return false
    return (!includes.arches?.length || includes.arches.includes(own)) && !excludes.arches?.includes(own)
  })
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ARCH === 'aarch64' ? ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] : ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: syscalls.map(({ names, action, args = [], errnoRet }) => ({
      names,
      action,
      args,
      ...(errnoRet !== undefined && { errnoRet }),
    })),
  }
}
