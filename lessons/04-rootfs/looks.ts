/** What this lesson's scenes and checks read from the kernel: where a process's tree begins, what is mounted in it, what is in a layer. */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import type { Bottle } from '../../lib/bottle.js'
import { close, mkdir, open, ref, type Step, write } from '../../lib/index.js'
import { type Mount, overlayOf, propagationOf, readMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { readNamespace } from '../../lib/kernel/proc/namespaces.js'
import type { Box, LookRow } from '../../lib/tutor/lesson.js'

/** The two pointers of a process, as links of /proc show them, and its table of mounts. */
export function pointers(hostPid: number): { root: string; directory: string; table: number | undefined } {
  const link = (name: string) => readlinkSync(`/proc/${hostPid}/${name}`)
  return { root: link('root'), directory: link('cwd'), table: readNamespace(hostPid, 'mnt') }
}

export function pointerRows(box: Box, notice?: 'root' | 'cwd'): LookRow[] {
  const { root, directory } = pointers(box.hostPid())
  return [
    { label: 'root', value: root, notice: notice === 'root' },
    { label: 'cwd (current directory)', value: directory, notice: notice === 'cwd' },
  ]
}

/** Are two paths of this machine the same file? */
export function sameFile(one: string, other: string): boolean {
  const [first, second] = [statOf(one), statOf(other)]
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino
}

/** Is the root directory of that process the bottle's? */
export const rootIsBottles = (bottle: Bottle, hostPid: number) =>
  pointers(hostPid).root === '/' && sameFile(`/proc/${hostPid}/root/`, bottle.hostPath('/'))

/** The line PRETTY_NAME of the os-release that a process finds below its root; undefined when it has none. */
export function systemSeenBy(hostPid: number): string | undefined {
  for (const place of ['etc', 'usr/lib']) {
    const text = contentOf(`/proc/${hostPid}/root/${place}/os-release`)
    const name = text === undefined ? undefined : /^PRETTY_NAME=["']?(.*?)["']?$/m.exec(text)?.[1]
    if (name !== undefined) return name
  }
  return undefined
}

/** Mounts as mountinfo tells them, one row each. */
export function mountRows(mounts: readonly Mount[], most = 8): LookRow[] {
  const rows = mounts.slice(0, most).map((mount) => ({ label: mount.mountPoint, value: `${mount.fsType}, ${tagOf(mount)}` }))
  const rest = mounts.length - rows.length
  if (mounts.length === 0) return [{ label: 'mounts', value: 'none that lies below its root' }]
  return rest > 0 ? [...rows, { label: '…', value: `and ${rest} more` }] : rows
}

const tagOf = (mount: Mount) => (mount.shared === undefined ? propagationOf(mount) : `shared:${mount.shared}`)

export const mountsOf = (hostPid: number) => readMountinfo(hostPid) ?? []

/** What the root of a process is made of, when that is an overlay. */
export function rootLayers(hostPid: number) {
  const root = mountsOf(hostPid).find(({ mountPoint }) => mountPoint === '/')
  return root && overlayOf(root)
}

export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

export function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The beginning of the SHA-256 of a file; undefined when it is not there. */
export function hashOf(path: string): string | undefined {
  const content = contentOf(path)
  return content === undefined ? undefined : createHash('sha256').update(content).digest('hex').slice(0, 12)
}

/** Overlay's mark for "deleted": a character device with the numbers 0 and 0. */
export const isWhiteout = (stat: Stats | undefined) => stat?.isCharacterDevice() === true && stat.rdev === 0

/** Everything below a directory, relative to it, with its stat. */
export function filesBelow(directory: string, below = ''): { path: string; stat: Stats }[] {
  return readdirSync(join(directory, below))
    .sort()
    .flatMap((name) => {
      const path = join(below, name)
      const stat = lstatSync(join(directory, path))
      return [{ path, stat }, ...(stat.isDirectory() ? filesBelow(directory, path) : [])]
    })
}

/** Bytes in ordinary files below a directory. */
export const bytesBelow = (directory: string) => filesBelow(directory).reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0)

/** What is in a layer, a row each: an ordinary file with its content, a whiteout for what it is. */
export function layerRows(directory: string): LookRow[] {
  const found = filesBelow(directory)
  if (found.length === 0) return [{ label: 'in it', value: 'nothing' }]
  return found.map(({ path, stat }) => {
    if (isWhiteout(stat)) return { label: path, value: 'character device 0:0', notice: true }
    if (stat.isDirectory()) return { label: `${path}/`, value: 'directory' }
    return { label: path, value: JSON.stringify((contentOf(join(directory, path)) ?? '').trimEnd()) }
  })
}

/** A file with this content: open, write, close. */
export const file = (path: string, content: string, options: { append?: boolean } = {}): Step[] => [
  open(path, ['creat', 'wronly', options.append ? 'append' : 'trunc'], { mode: 0o644, keep: 'file' }),
  write(ref('file'), content),
  close(ref('file')),
]

/** Directories, in this order. */
export const directories = (...paths: readonly string[]): Step[] => paths.map((path) => mkdir(path))

/**
 * The options of an overlay, `lower` from the top down. Without root of the machine its marks are user.overlay.… attributes, since trusted.… ones are
 * for that root alone.
 */
export function layersOption(bottle: Bottle, lower: readonly string[], upper?: { upper: string; work: string }): string {
  const above = upper ? [`upperdir=${upper.upper}`, `workdir=${upper.work}`] : []
  return [`lowerdir=${lower.join(':')}`, ...above, ...(bottle.rootless ? ['userxattr'] : [])].join(',')
}
