/** What is found in a tree, as entries of an archive. Nothing here reads anything. */

import { type EntryType, showName, type TarInput } from '../tar/index.js'
import { NO_BYTES, NO_XATTRS } from '../tar/types.js'
import type { Node } from './nodes.js'
import { type Bytes, bytesOf } from './records.js'

/** An entry, and whether a content follows it. */
export interface Entry {
  readonly input: TarInput
  readonly content: boolean
}

export interface Form {
  /**
   * `layer`: what overlayfs says by devices and attributes is said as image layers do (OCI image specification, layer.md): `.wh.NAME` and
   * `.wh..wh..opq`. `tree`: everything is what it is.
   */
  readonly form: 'layer' | 'tree'
  /** Absolute paths of which there is to be no entry. */
  readonly apart?: ReadonlySet<string>
  readonly warn: (sentence: string) => void
}

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'

/** A character device with the numbers 0 and 0: the name is deleted. overlayfs.rst of the kernel. */
export const isWhiteout = ({ kind, major, minor }: Node): boolean => kind === 'char' && major === 0 && minor === 0

/** Makes entries of nodes, in the order in which they come; knows which files it has met by another name. */
export class Entries {
  readonly #options: Form
  /** By identity: the path under which a file was met first, and how many names of it are still to come. */
  readonly #met = new Map<string, { path: Bytes; left: number }>()

  constructor(options: Form) {
    this.#options = options
  }

  /** The entries of one node: none, one, or two for an opaque directory. */
  of(node: Node): Entry[] {
    const { path, name, kind } = node
    if (this.#options.apart?.has(`/${path}`)) return []
    const layer = this.#options.form === 'layer'
    if (layer && isWhiteout(node)) return [{ input: whiteout(node), content: false }]
    if (layer && name.startsWith(WHITEOUT)) return this.#leave(path, 'in a layer a name that begins with .wh. means that a file is deleted')
    if (kind === 'socket') return this.#leave(path, 'archives have no sockets')
    if (kind === 'symlink' && !node.target) return this.#leave(path, 'it was replaced while the tree was read')
    const first = this.#firstName(node)
    if (first !== undefined) return [{ input: { ...common(node), type: 'hardlink', linkPath: bytesOf(first) }, content: false }]
    const entry = { input: input(node, kind as EntryType), content: kind === 'file' && node.size > 0 }
    if (!layer || kind !== 'directory' || !(node.opaque || node.redirected)) return [entry]
    const { uid, gid, mode } = node
    const opaque = { path: bytesOf(`${path}/${OPAQUE}`), type: 'file', mode: mode & 0o777, uid, gid, mtime: EPOCH } as const
    return [entry, { input: opaque, content: false }]
  }

  #leave(path: Bytes, why: string): Entry[] {
    this.#options.warn(`${showName(bytesOf(path))} is left out: ${why}`)
    return []
  }

  /** The path of the same file that came before; undefined for the first. */
  #firstName({ identity, names, path }: Node): Bytes | undefined {
    if (identity === undefined) return undefined
    const met = this.#met.get(identity)
    if (!met) {
      this.#met.set(identity, { path, left: names - 1 })
      return undefined
    }
    met.left--
    if (met.left === 0) this.#met.delete(identity)
    return met.path
  }
}

/** The same layer becomes the same bytes, whenever its files were deleted: what is not there has no time. */
const EPOCH = { seconds: 0, nanoseconds: 0 }

function whiteout({ path, name, uid, gid }: Node): TarInput {
  const parent = path.slice(0, path.length - name.length)
  return { path: bytesOf(`${parent}${WHITEOUT}${name}`), type: 'file', mode: 0o600, uid, gid, mtime: EPOCH }
}

const common = ({ path, mode, uid, gid, seconds, nanoseconds }: Node) => ({
  path: bytesOf(path),
  mode,
  uid,
  gid,
  mtime: { seconds, nanoseconds },
})

function input(node: Node, type: EntryType): TarInput {
  const { kind, size, target, capability, major, minor, path, mode, uid, gid, seconds, nanoseconds } = node
  const device = kind === 'char' || kind === 'block'
  // Member by member: spreads cost more than all else here.
  return {
    path: bytesOf(path),
    type,
    mode,
    uid,
    gid,
    mtime: { seconds, nanoseconds },
    size: kind === 'file' ? size : 0,
    linkPath: target ?? NO_BYTES,
    major: device ? major : 0,
    minor: device ? minor : 0,
    xattrs: capability ? new Map([['security.capability', portable(capability)]]) : NO_XATTRS,
  }
}

/** VFS_CAP_REVISION_MASK's byte, and the size of version 2. linux/capability.h. */
const VERSION = 3
const VERSION_2_SIZE = 20

/** Version 3 names the user namespace's root for whom the capabilities hold, which means nothing elsewhere: version 2, as Docker makes of it. */
function portable(capability: Buffer): Buffer {
  if (capability[VERSION] !== 3) return capability
  const two = Buffer.from(capability.subarray(0, VERSION_2_SIZE))
  two[VERSION] = 2
  return two
}
