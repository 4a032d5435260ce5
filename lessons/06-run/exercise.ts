/**
 * Your part of lesson 6. Each function returns a list of steps; the tutor runs them in a bottle of their own whenever you save this file, and looks
 * at the process that they have made. What is asked for is new at every try and comes as the argument.
 *
 * The tools of this lesson are those of all the others, and what is built of them. Each of these returns a fragment, and `plan` makes a list of many:
 *
 *     namespaces({ mnt: 'new', pid: 'new' })     clone3, and what belongs to it
 *     rootfs({ root, rootless })     mounts, the way out of the host's tree, masks
 *     seccomp({ profile: 'default', capabilities: keep, noNewPrivileges: false })     the filter
 *     program({ argv, capabilities: dockerSets(keep, 0), lastCap: lastCapability(), filter })     rights, and the execve
 *     { primitive: 'name', title: 'A name', steps: inPhase('name', 'container', [...]) }     one of your own
 *     plan([one, another, …])     the steps of all, in the order of the phases
 */
import {
  ALL_CAPABILITIES,
  type Capability,
  capbset_drop,
  capset,
  chdir,
  clone,
  close,
  execve,
  forbid,
  mount,
  namespaces,
  open,
  pivot_root,
  plan,
  program,
  ref,
  type Step,
  sethostname,
  umount2,
  write,
} from '../../lib/index.js'

interface Run {
  /** A directory with the files of the container: /bin, /usr, /proc, … */
  root: string
  hostname: string
  keep: Capability[]
  /** The program and its arguments. */
  argv: string[]
  /** Is the bottle's root somebody else outside? Then devices are bound, not made; `rootfs` wants to know it. */
  rootless: boolean
}

/**
 * A container. A beginning is made: two namespaces and the program, which sees the files of the bottle and has all rights.
 */
export function run({ root, hostname, keep, argv, rootless }: Run): Step[] {
  console.log(`${argv.join(' ')} in ${root}${rootless ? ' (rootless)' : ''}, called ${hostname}, with ${keep.join(', ')}`)
  return plan([namespaces({ mnt: 'new', pid: 'new' }), program({ argv })])
}

interface Order {
  /** The names of all groups, in an order that does not work. */
  order: string[]
  root: string
  hostname: string
  port: number
}

/** The groups. They are right as they are. */
function groups({ root, hostname, port }: Order): Record<string, Step[]> {
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

/**
 * All groups, in an order that works. Here they come as they were given.
 */
export function order(challenge: Order): Step[] {
  console.log(challenge.order.join(', '))
  const steps = groups(challenge)
  return challenge.order.flatMap((name) => steps[name] ?? [])
}

/**
 * A program with a terminal of its own, of this size. A beginning is made: a process, and a devpts of its own.
 *
 * `ref('pidfd')` is a descriptor of the child that clone3 has left with the shim.
 */
export function terminal({ rows, columns }: { rows: number; columns: number }): Step[] {
  console.log(`${rows} lines of ${columns}`)
  return [
    clone('mnt', 'pid'),
    mount(null, '/', null, ['rec', 'private']),
    mount('devpts', '/dev/pts', 'devpts', ['nosuid', 'noexec'], 'newinstance,ptmxmode=0666,mode=0620'),
    execve('/bin/sleep', ['sleep', '1000']),
  ]
}
