/** The mounts that a process sees. proc_pid_mountinfo(5), mount_namespaces(7) for the propagation. */
import { DrydockError } from '../errors.js'
import { linesOf, type Pid, readProcFile } from './read.js'

export interface Mount {
  /** Unique while the mount lives, then used again. */
  readonly id: number
  /** The mount that this one lies on; its own id, or one that is not in the list, for the root of the tree. */
  readonly parent: number
  /** Of the file system: what stat(2) calls st_dev. Major 0 is a file system without a device. */
  readonly device: { readonly major: number; readonly minor: number }
  /** The directory of the file system that is seen here: `/` unless it is a bind mount (or a cgroup namespace). */
  readonly root: string
  /** Seen from the process's root directory. */
  readonly mountPoint: string
  /** Of this mount: `rw`, `nosuid`, … */
  readonly options: readonly string[]
  /** Peer group that this mount sends events to and gets them from. */
  readonly shared?: number
  /** Peer group that this mount gets events from (it is a slave). */
  readonly master?: number
  /** The nearest group above `master` that the process can see. */
  readonly propagateFrom?: number
  readonly unbindable: boolean
  /** Fields that a newer kernel has added. */
  readonly otherFields: readonly string[]
  readonly fsType: string
  /** What was given as source: a device, a word, or nothing. */
  readonly source: string
  /** Of the file system, for all its mounts: `rw`, `size=64k`, `lowerdir=…`. Escapes are undone. */
  readonly superOptions: readonly string[]
}

/** The directories that an overlay is made of. */
export interface Overlay {
  /** From the top down. */
  readonly lower: readonly string[]
  /** Absent: a read-only overlay. */
  readonly upper?: string
  readonly work?: string
}

/** Octal escapes of spaces, tabs, newlines, backslashes and whatever else would break the line: `\040`. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  // Bytes, not characters: an escape may be a part of a character of several bytes.
  const bytes = Buffer.from(text)
  const plain: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    const octal = bytes[at] === 0x5c ? bytes.toString('latin1', at + 1, at + 4) : ''
    if (/^[0-3][0-7]{2}$/.test(octal)) {
      plain.push(Number.parseInt(octal, 8))
      at += 3
    } else plain.push(bytes[at] as number)
  }
  return Buffer.from(plain).toString()
}

/** One line of mountinfo. Fields are parted by one space each: the source may be empty. */
export function parseMount(line: string): Mount {
  const fields = line.split(' ')
  const separator = fields.indexOf('-', 6)
  const [major, minor] = (fields[2] ?? '').split(':').map(Number)
  if (separator < 0 || fields.length < separator + 4 || minor === undefined) {
    throw new DrydockError(`this is no line of mountinfo: ${JSON.stringify(line)}`)
  }
  const [id, parent, , root, mountPoint, options] = fields as [string, string, string, string, string, string]
  const [fsType, source] = fields.slice(separator + 1) as [string, string]
  // Some file systems write their options with spaces in them.
  const superOptions = fields.slice(separator + 3).join(' ')
  return {
    id: Number(id),
    parent: Number(parent),
    device: { major: major as number, minor },
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options: options.split(','),
    ...optionalFields(fields.slice(6, separator)),
    fsType: unescapeOctal(fsType),
    source: unescapeOctal(source),
    superOptions: superOptions.split(',').map(unescapeOctal),
  }
}

export function parseMountinfo(text: string): Mount[] {
  return linesOf(text).map(parseMount)
}

/** The mounts in the mount namespace of a process that are below its root directory; undefined when it is not there (any more). */
export function readMountinfo(pid: Pid = 'self', root = '/proc'): Mount[] | undefined {
  // EINVAL: it has ended, and has no mount namespace any more; its parent has not asked yet (fs/proc_namespace.c).
  const text = readProcFile(`${root}/${pid}/mountinfo`, ['EINVAL'])
  return text === undefined ? undefined : parseMountinfo(text)
}

/** Whether mounts made below this one are passed on, and to it from elsewhere, in the words of mount_namespaces(7). */
export function propagationOf(mount: Mount): string {
  const words: string[] = []
  if (mount.shared !== undefined) words.push('shared')
  if (mount.master !== undefined) words.push('slave')
  if (mount.unbindable) words.push('unbindable')
  return words.length > 0 ? words.join(' and ') : 'private'
}

/** The mount at a path (exactly there); of several on top of each other, the one that is seen. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  const there = mounts.filter(({ mountPoint }) => mountPoint === path)
  return there.find(({ id }) => !there.some((other) => other.parent === id && other.id !== id))
}

/** What an overlay mount is made of; undefined for another file system. */
export function overlayOf({ fsType, superOptions }: Pick<Mount, 'fsType' | 'superOptions'>): Overlay | undefined {
  if (fsType !== 'overlay') return undefined
  const valuesOf = (key: string) =>
    superOptions.filter((option) => option.startsWith(`${key}=`)).map((option) => option.slice(key.length + 1))
  const plain = (path: string) => path.replace(/\\(.)/g, '$1')
  // One option with colons between the directories, or (Linux 6.8, when they were added one by one) one option each.
  const joined = valuesOf('lowerdir').flatMap((value) => value.match(/(?:\\.|[^:\\])+/g) ?? [])
  const [upper] = valuesOf('upperdir')
  const [work] = valuesOf('workdir')
  return {
    lower: [...joined.map(plain), ...valuesOf('lowerdir+')],
    ...(upper !== undefined && { upper: plain(upper) }),
    ...(work !== undefined && { work: plain(work) }),
  }
}

function optionalFields(fields: readonly string[]): Pick<Mount, 'shared' | 'master' | 'propagateFrom' | 'unbindable' | 'otherFields'> {
  const found: { shared?: number; master?: number; propagateFrom?: number } = {}
  let unbindable = false
  const otherFields: string[] = []
  for (const field of fields) {
    const [tag, value] = field.split(':')
    if (tag === 'shared') found.shared = Number(value)
    else if (tag === 'master') found.master = Number(value)
    else if (tag === 'propagate_from') found.propagateFrom = Number(value)
    else if (tag === 'unbindable') unbindable = true
    else otherFields.push(field)
  }
  return { ...found, unbindable, otherFields }
}
