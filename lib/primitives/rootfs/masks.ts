/** What a container may see of the kernel's files but not read, or not write. On final paths: after pivot_root no link leads out any more. */
import { statSync } from 'node:fs'
import { mount, mount_setattr } from '../../kernel/calls/mounts.js'
import type { Step } from '../../kernel/step.js'

/** Files of /proc and /sys that tell about the host and are not in any namespace; Docker's list (docker inspect, MaskedPaths). */
export const MASKED_PATHS: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]

/** Switches of the whole kernel; Docker's list (docker inspect, ReadonlyPaths). */
export const READ_ONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** A path whose kind is known beforehand: /proc and /sys are the same kernel's inside and outside. */
export interface PresentPath {
  readonly path: string
  readonly kind: 'file' | 'directory'
}

/** Those of the paths that exist on this machine, with their kind: a mask needs one step then, and not two tries. */
export function presentPaths(paths: readonly string[]): PresentPath[] {
  return paths.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found ? [{ path, kind: found.isDirectory() ? ('directory' as const) : ('file' as const) }] : []
  })
}

/** /proc entries come and go with the kernel's configuration; what is not there needs no mask. */
const MAY_BE_ABSENT = ['ENOENT', 'ENOTDIR', 'EACCES'] as const

export const pathOf = (path: string | PresentPath): string => (typeof path === 'string' ? path : path.path)

/**
 * A directory is covered by an empty one, a file by /dev/null. Which of the two a path is that nobody has looked at, the kernel tells
 * by refusing the other.
 */
export function mask(paths: readonly (string | PresentPath)[]): Step[] {
  return paths.flatMap((one) => {
    const path = pathOf(one)
    const file = mount('/dev/null', path, null, ['bind'], null, { allow: MAY_BE_ABSENT, why: `${path}, if it is a file, reads as empty.` })
    const directory = mount('tmpfs', path, 'tmpfs', ['rdonly'], 'size=0', {
      allow: MAY_BE_ABSENT,
      why: `${path}, if it is a directory, looks empty.`,
    })
    if (typeof one === 'string') return [file, directory]
    return one.kind === 'file' ? [file] : [directory]
  })
}

/** Only rdonly is added: the settings that a mount of proc has already stay, and in a user namespace they are locked. */
export function protect(paths: readonly string[]): Step[] {
  return paths.flatMap((path) => [
    mount(path, path, null, ['bind', 'rec'], null, { allow: MAY_BE_ABSENT, why: `${path} becomes a mount of its own …` }),
    mount_setattr(path, { set: ['rdonly'], recursive: true }, { allow: [...MAY_BE_ABSENT, 'EINVAL'], why: '… that can be read-only.' }),
  ])
}

export function readOnlyRoot(): Step[] {
  return [mount_setattr('/', { set: ['rdonly'] }, { why: 'This mount alone: /dev, /tmp or a volume on it can be written as before.' })]
}
