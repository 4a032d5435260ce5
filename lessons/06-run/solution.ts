/** Solutions of lesson 6. Others are just as good: the checks look at what is there in the end, not at the way. */
import {
  ALL_CAPABILITIES,
  type Capability,
  capbset_drop,
  capset,
  chdir,
  clone,
  close,
  dockerSets,
  dup3,
  execve,
  forbid,
  host,
  inPhase,
  ioctl_tiocgptpeer,
  ioctl_tiocsctty,
  ioctl_tiocsptlck,
  ioctl_tiocswinsz,
  lastCapability,
  mount,
  namespaces,
  open,
  pidfd_getfd,
  pivot_root,
  plan,
  program,
  ref,
  rootfs,
  type Step,
  seccomp,
  sethostname,
  setsid,
  umount2,
  write,
} from '../../lib/index.js'

interface Run {
  root: string
  hostname: string
  keep: Capability[]
  argv: string[]
  rootless: boolean
}

/** A fragment from each lesson; in which order they are given does not matter, because the phases say it. */
export function run({ root, hostname, keep, argv, rootless }: Run): Step[] {
  return plan([
    namespaces({ mnt: 'new', pid: 'new', uts: 'new', ipc: 'new', net: 'new' }),
    rootfs({ root, rootless }),
    { primitive: 'name', title: hostname, steps: inPhase('name', 'container', [sethostname(hostname)]) },
    program({
      argv,
      capabilities: dockerSets(keep, 0),
      lastCap: lastCapability(),
      filter: seccomp({ profile: 'default', capabilities: keep, noNewPrivileges: false }),
    }),
  ])
}

interface Order {
  order: string[]
  root: string
  hostname: string
  port: number
}

/** The groups. They are right as they are. */
export function groups({ root, hostname, port }: Order): Record<string, Step[]> {
  const start = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
  return {
    clone: [clone('mnt', 'pid', 'uts', 'ipc', 'net')],
    private: [mount(null, '/', null, ['rec', 'private'])],
    mounts: [mount(root, root, null, ['bind', 'rec']), mount('proc', `${root}/proc`, 'proc', ['nosuid', 'nodev', 'noexec'])],
    root: [chdir(root), pivot_root('.', '.'), umount2('.', ['detach']), chdir('/')],
    name: [sethostname(hostname)],
    sysctl: [open(start, ['wronly'], { keep: 'sysctl' }), write(ref('sysctl'), String(port)), close(ref('sysctl'))],
    mask: [
      mount('/proc/sys', '/proc/sys', null, ['bind', 'rec']),
      mount(null, '/proc/sys', null, ['remount', 'bind', 'rdonly', 'nosuid', 'nodev', 'noexec']),
    ],
    bounding: ALL_CAPABILITIES.map((one) => capbset_drop(one, { allow: ['EINVAL'] })),
    filter: [forbid(['mount', 'umount2', 'pivot_root', 'sethostname', 'unshare', 'setns'])],
    capabilities: [capset({ effective: [], permitted: [], inheritable: [] })],
    execute: [execve('/bin/sleep', ['sleep', '1000'])],
  }
}

/** As the phases stand. The bounding set goes before the filter or after it, but before the capability that it needs. */
export function order(challenge: Order): Step[] {
  const steps = groups(challenge)
  const works = ['clone', 'private', 'mounts', 'root', 'name', 'sysctl', 'mask', 'filter', 'bounding', 'capabilities', 'execute']
  return works.flatMap((name) => steps[name] ?? [])
}

/** Both ends are made inside, and the outer one is brought out before the execve closes it. */
export function terminal({ rows, columns }: { rows: number; columns: number }): Step[] {
  const [master, slave] = [ref('master'), ref('slave')]
  return [
    clone('mnt', 'pid'),
    mount(null, '/', null, ['rec', 'private']),
    mount('devpts', '/dev/pts', 'devpts', ['nosuid', 'noexec'], 'newinstance,ptmxmode=0666,mode=0620'),
    open('/dev/pts/ptmx', ['rdwr', 'noctty'], { keep: 'master' }),
    ioctl_tiocsptlck(master, false),
    ioctl_tiocgptpeer(master, { keep: 'slave' }),
    ioctl_tiocswinsz(slave, rows, columns),
    host(pidfd_getfd(ref('pidfd'), master, { keep: 'kept' })),
    setsid(),
    ioctl_tiocsctty(slave),
    ...[0, 1, 2].map((number) => dup3(slave, number)),
    execve('/bin/sleep', ['sleep', '1000']),
  ]
}
