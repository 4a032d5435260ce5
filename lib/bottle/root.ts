/**
 * The root file system of a bottle: every top directory of the host with a layer of its own on top (overlay over tmpfs), so that
 * everything inside can be written and nothing that is written reaches the host; and /proc, /sys, /dev, /tmp and /run of its own.
 */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { chmod, close, mkdir, open, symlink } from '../kernel/calls/files.js'
import { mount, mount_setattr, pivot_root, umount2 } from '../kernel/calls/mounts.js'
import { chdir } from '../kernel/calls/process.js'
import type { Step } from '../kernel/step.js'

/** What of the host's top directories is not layered but made anew. */
export const OWN: ReadonlySet<string> = new Set(['proc', 'sys', 'dev', 'tmp', 'run', 'lost+found'])
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const

/** Errors of an overlay mount that mean "this directory cannot be a lower layer here", not "something is wrong". */
const NO_OVERLAY = ['EINVAL', 'EPERM', 'EACCES', 'ELOOP', 'ENODEV', 'ESTALE', 'EOVERFLOW']

export interface TopDirectory {
  readonly name: string
  /** Set for a symbolic link such as /bin → usr/bin. */
  readonly target?: string
}

/** The host's top directories and links, as the bottle gets them. */
export function topDirectories(): TopDirectory[] {
  const entries: TopDirectory[] = []
  for (const name of readdirSync('/').sort()) {
    if (OWN.has(name)) continue
    const stat = lstatSync(`/${name}`)
    if (stat.isSymbolicLink()) entries.push({ name, target: readlinkSync(`/${name}`) })
    else if (stat.isDirectory()) entries.push({ name })
  }
  return entries
}

/**
 * A tmpfs at `root`, and on it each top directory as an overlay. The answers to the overlay mounts say which of them failed. The directories
 * `writable` stand in the upper layers from the beginning: there they belong to who is root inside, and so does what both layers show together.
 */
export function layeredRoot(root: string, tops: readonly TopDirectory[], rootless: boolean, writable: readonly string[] = []): Step[] {
  const steps: Step[] = [
    mount(null, '/', null, ['rec', 'private'], null, { why: 'no mount made from here on is seen by the host' }),
    mount('drydock', root, 'tmpfs', ['nosuid'], 'mode=755', { why: 'the bottle’s root, in memory, gone with it' }),
    mkdir(`${root}/.layers`, 0o700),
  ]
  for (const { name, target } of tops) {
    const place = `${root}/${name}`
    if (target !== undefined) {
      steps.push(symlink(target, place))
      continue
    }
    const layers = `${root}/.layers/${name}`
    steps.push(mkdir(place), mkdir(layers), mkdir(`${layers}/upper`), mkdir(`${layers}/work`))
    steps.push(...upperDirectories(`${layers}/upper`, name, writable), overlay(name, root, rootless))
  }
  return steps
}

/** Every directory on the way too; the way ends where the host has a link or a file. */
function upperDirectories(upper: string, top: string, paths: readonly string[]): Step[] {
  const made = new Map<string, Step>()
  for (const path of paths) {
    const [, first, ...rest] = path.split('/')
    if (first !== top) continue
    for (let depth = 1; depth <= rest.length; depth++) {
      const below = rest.slice(0, depth).join('/')
      const found = lstatSync(`/${top}/${below}`, { throwIfNoEntry: false })
      if (found && !found.isDirectory()) break
      made.set(below, mkdir(`${upper}/${below}`, found ? found.mode & 0o7777 : 0o755))
    }
  }
  return [...made.values()]
}

function overlay(name: string, root: string, rootless: boolean): Step {
  // overlayfs.rst: what parts its options, and the layers in one of them, can be part of a path behind a backslash.
  const escaped = (path: string) => path.replace(/[\\,:]/g, '\\$&')
  const layers = escaped(`${root}/.layers/${name}`)
  const data = `lowerdir=${escaped(`/${name}`)},upperdir=${layers}/upper,workdir=${layers}/work${rootless ? ',userxattr' : ''}`
  return mount('overlay', `${root}/${name}`, 'overlay', ['nodev'], data, {
    allow: NO_OVERLAY,
    why: `/${name} of the host below, a layer of the bottle’s own above: writes land in the upper one`,
  })
}

/** For directories that cannot be a lower layer (they hold mounts that this user may not uncover): the host's own, read-only. */
export function readOnlyDirectories(root: string, names: readonly string[]): Step[] {
  return names.flatMap((name) => [
    mount(`/${name}`, `${root}/${name}`, null, ['bind', 'rec'], null, {
      why: `/${name} cannot be layered here, so it is shown as it is …`,
    }),
    mount_setattr(`${root}/${name}`, { set: ['rdonly'], recursive: true }, { why: '… and read-only with everything below it' }),
  ])
}

/** /proc, /sys, /dev, /tmp and /run of the bottle's own. */
export function ownDirectories(root: string): Step[] {
  const dev = `${root}/dev`
  const steps: Step[] = []
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'run']) steps.push(mkdir(`${root}/${name}`))
  steps.push(
    mount('proc', `${root}/proc`, 'proc', ['nosuid', 'nodev', 'noexec'], null, { why: 'the bottle’s processes and no others' }),
    mount('sysfs', `${root}/sys`, 'sysfs', ['nosuid', 'nodev', 'noexec'], null, {
      allow: ['EPERM'],
      why: 'the network devices of the bottle: /sys shows those of the namespace in which it was mounted',
    }),
    mount('tmpfs', `${root}/tmp`, 'tmpfs', ['nosuid', 'nodev'], 'mode=1777'),
    mount('tmpfs', `${root}/run`, 'tmpfs', ['nosuid', 'nodev'], 'mode=755'),
    mount('tmpfs', dev, 'tmpfs', ['nosuid'], 'mode=755'),
  )
  for (const name of DEVICES) {
    steps.push(
      open(`${dev}/${name}`, ['creat', 'wronly'], { mode: 0o666, keep: 'device' }),
      close({ ref: 'device' }),
      mount(`/dev/${name}`, `${dev}/${name}`, null, ['bind'], null, {
        why: 'a device node of the host’s, since mknod is refused in a user namespace',
      }),
    )
  }
  steps.push(
    mkdir(`${dev}/pts`),
    mount('devpts', `${dev}/pts`, 'devpts', ['nosuid', 'noexec'], 'newinstance,ptmxmode=0666,mode=620'),
    symlink('pts/ptmx', `${dev}/ptmx`),
    mkdir(`${dev}/shm`),
    chmod(`${dev}/shm`, 0o1777),
    mkdir(`${dev}/mqueue`),
    mount('mqueue', `${dev}/mqueue`, 'mqueue', ['nosuid', 'nodev', 'noexec']),
    symlink('/proc/self/fd', `${dev}/fd`),
    symlink('fd/0', `${dev}/stdin`),
    symlink('fd/1', `${dev}/stdout`),
    symlink('fd/2', `${dev}/stderr`),
  )
  return steps
}

/** Change into the new root; from here on the host's tree of mounts is gone. */
export function enterRoot(root: string): Step[] {
  return [
    chdir(root),
    pivot_root('.', '.', { why: 'the new root becomes /, the old one lies on top of it' }),
    umount2('.', ['detach'], { why: 'and is taken away' }),
    chdir('/'),
  ]
}
