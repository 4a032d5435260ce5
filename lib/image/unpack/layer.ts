/**
 * An archive's entries into a layer's files, in the form that overlayfs reads. What is done with odd ones is what Docker does (its archive.Unpack
 * with overlay2), except where that would leave a wrong tree or a hole: each such place says so.
 */
import { DrydockError } from '../../kernel/errors.js'
import { showName, type TarEntry, type TarSink } from '../tar/index.js'
import type { Files, Times } from './files.js'
import type { Owner, Owners } from './owners.js'
import { cleanPath, splitPath, tooLong } from './paths.js'
import type { Sender } from './sender.js'
import { Directory, type Node, type Obstacle, Tree, UNKNOWN, WHITEOUT } from './tree.js'

/** AUFS's form, in which archives have them: an empty file of this name hides NAME, or all that the layers below have in its directory. */
const WHITEOUT_PREFIX = '.wh.'
const OPAQUE = '.wh..wh..opq'
/** AUFS's own bookkeeping, which is no part of the image. */
const METADATA = '.wh..wh.'

const SPECIAL_BITS = 0o6000
/** Attributes by which overlayfs knows its own: in an archive they could make it show what no layer has. */
const OVERLAYS = /^(?:trusted|user)\.overlay\./

/** Files of so many bytes are copied by the kernel, where it has the archive: what is smaller is in hand already when its header is read. */
const WORTH_COPYING = 16 * 1024

export interface LayerOptions {
  /** Slot of the archive, when the process that makes the files has it open. */
  readonly archive?: number
  /** Device nodes cannot be made in a user namespace: left out, as rootless Docker leaves them out. */
  readonly devices: boolean
  warn(kind: string, path: string): void
}

export class Layer implements TarSink {
  readonly #tree = new Tree()
  readonly #sender: Sender
  readonly #files: Files
  readonly #owners: Owners
  readonly #options: LayerOptions
  /** In which something was made, or that the archive told of: what is set when all is made. */
  readonly #directories: Directory[] = []
  /** The file whose content comes. */
  #open: { entry: TarEntry; owner: Owner } | undefined
  entries = 0
  /** Of all files' content, in bytes. */
  size = 0

  constructor(sender: Sender, files: Files, owners: Owners, options: LayerOptions) {
    this.#sender = sender
    this.#files = files
    this.#owners = owners
    this.#options = options
  }

  entry(entry: TarEntry, at: number): boolean {
    this.#place(entry)
    const { archive } = this.#options
    if (archive === undefined || !this.#open || entry.sparse || entry.size < WORTH_COPYING) return false
    this.#files.copy(archive, at, entry.size)
    return true
  }

  #place(entry: TarEntry): void {
    this.entries++
    const { path, outside } = cleanPath(entry.path)
    if (outside) throw refused(entry, 'is outside of the layer')
    const { parent: parentPath, name } = splitPath(path)
    // A whiteout's own name may be longer than a file's: it is made by the name that it hides.
    const made = name.startsWith(WHITEOUT_PREFIX) ? name.slice(WHITEOUT_PREFIX.length) : name
    const long = tooLong(parentPath === '' ? made : `${parentPath}/${made}`)
    if (long) throw refused(entry, long)
    if (path === '') {
      // The root is everybody's, and Docker leaves it as it is.
      if (entry.type !== 'directory') throw refused(entry, 'would take the place of the root')
      return
    }
    this.#sender.about(path)
    if (path.startsWith(METADATA) && path !== OPAQUE) return
    if (parentPath !== '' && `/${parentPath}`.includes('/.wh.')) throw refused(entry, 'is below a name that means that something is hidden')
    const parent = this.#tree.directoryAt(parentPath, (directory, missing) => this.#imply(directory, missing))
    if (!(parent instanceof Directory)) throw refused(entry, obstacleWords(parent))
    if (parent.path !== parentPath) {
      const found = tooLong(parent.pathOf(made))
      if (found) throw refused(entry, found)
    }
    if (name.startsWith(WHITEOUT_PREFIX)) this.#whiteout(entry, parent, name)
    else this.#make(entry, parent, name)
  }

  data(bytes: Buffer, offset: number): void {
    if (!this.#open) return
    if (this.#open.entry.sparse) this.#files.writeAt(bytes, offset)
    else this.#files.write(bytes)
  }

  end(): void {
    if (!this.#open) return
    const { entry, owner } = this.#open
    this.#open = undefined
    const { uid, gid, mode } = owner
    if (entry.sparse) this.#files.setSize(entry.size)
    if (uid !== 0 || gid !== 0) this.#files.ownFile(uid, gid)
    // Writing and giving away take these bits.
    if (mode & SPECIAL_BITS) this.#files.modeOfFile(mode)
    if (entry.xattrs.size > 0) this.#attributes(entry, (name, value) => this.#files.attributeOfFile(name, value))
    this.#files.closeFile(timesOf(entry))
  }

  /** After the last entry: what only lasts when nothing more is made in a directory. Returns those that hide what lies below. */
  finish(): string[] {
    const opaque: string[] = []
    if (this.#tree.root.isOpaque) opaque.push('')
    for (const directory of this.#directories) {
      if (directory.isGone) continue
      const { path, xattrs, times, owner } = directory
      this.#sender.about(path)
      for (const [name, value] of xattrs ?? []) this.#files.attribute(path, name, value)
      const mode = this.#tree.ownerOf(owner)?.mode ?? 0
      if (mode & SPECIAL_BITS) this.#files.mode(path, mode)
      if (times) this.#files.times(path, times)
      if (directory.isOpaque) opaque.push(path)
    }
    return opaque
  }

  /** A directory that no entry has told of (yet): root's, 0755. */
  #imply(parent: Directory, name: string): Directory {
    const path = parent.pathOf(name)
    const hidden = parent.entries.get(name) === WHITEOUT
    if (hidden) this.#remove(parent, name)
    this.#files.directory(path, 0o755)
    return this.#directory(parent, name, this.#tree.numberOf(0, 0, 0o755), hidden)
  }

  #directory(parent: Directory, name: string, owner: number, isOpaque: boolean): Directory {
    const made = new Directory(parent.pathOf(name), parent, owner)
    made.isOpaque = isOpaque
    this.#tree.set(parent, name, made)
    this.#directories.push(made)
    return made
  }

  #make(entry: TarEntry, parent: Directory, name: string): void {
    const before = parent.entries.get(name)
    if (entry.type === 'directory') return this.#makeDirectory(entry, parent, name, before)
    if (before !== undefined) this.#remove(parent, name)
    const path = parent.pathOf(name)
    const owner = this.#owners.of(entry)
    switch (entry.type) {
      case 'file': {
        const { mode } = owner
        this.#files.open(path, mode)
        this.#open = { entry, owner }
        this.size += entry.size
        this.#tree.set(parent, name, this.#tree.numberOf(owner.uid, owner.gid, mode))
        return
      }
      case 'symlink': {
        const target = entry.linkPath.toString('latin1')
        this.#files.symlink(target, path)
        if (owner.uid !== 0 || owner.gid !== 0) this.#files.own(path, owner.uid, owner.gid)
        this.#attributes(entry, (key, value) => this.#files.attribute(path, key, value))
        this.#files.times(path, timesOf(entry))
        this.#tree.set(parent, name, target)
        return
      }
      case 'hardlink':
        return this.#hardLink(entry, owner, parent, name)
      case 'char':
      case 'block':
      case 'fifo': {
        const { type, major, minor } = entry
        if (type !== 'fifo' && !this.#options.devices) {
          this.#options.warn('device nodes were left out, which cannot be made in a user namespace', path)
          return
        }
        if (major < 0 || minor < 0 || major > 0xfff || minor > 0xfffff)
          throw refused(entry, `is device ${major}:${minor}, which there cannot be`)
        this.#files.special(path, type, owner.mode, type === 'fifo' ? 0 : major, type === 'fifo' ? 0 : minor)
        if (owner.uid !== 0 || owner.gid !== 0) this.#files.own(path, owner.uid, owner.gid)
        if (owner.mode & SPECIAL_BITS) this.#files.mode(path, owner.mode)
        this.#attributes(entry, (key, value) => this.#files.attribute(path, key, value))
        this.#files.times(path, timesOf(entry))
        this.#tree.set(parent, name, this.#tree.numberOf(owner.uid, owner.gid, owner.mode))
        return
      }
    }
  }

  /** One that is there already stays, with all that is in it, and becomes what the later entry says. */
  #makeDirectory(entry: TarEntry, parent: Directory, name: string, before: Node | undefined): void {
    const { uid, gid, mode } = this.#owners.of(entry)
    const owner = this.#tree.numberOf(uid, gid, mode)
    const path = parent.pathOf(name)
    let directory: Directory
    if (before instanceof Directory) {
      directory = before
      const was = this.#tree.ownerOf(before.owner)
      if (was?.uid !== uid || was.gid !== gid) this.#files.own(path, uid, gid)
      if (was?.mode !== mode) this.#files.mode(path, mode & ~SPECIAL_BITS)
      directory.owner = owner
    } else {
      if (before !== undefined) this.#remove(parent, name)
      // Its setgid bit would be passed on to what is made in it; it comes at the end.
      this.#files.directory(path, mode & ~SPECIAL_BITS)
      if (uid !== 0 || gid !== 0) this.#files.own(path, uid, gid)
      directory = this.#directory(parent, name, owner, before === WHITEOUT)
    }
    directory.times = timesOf(entry)
    const kept = new Map<string, Buffer>(directory.xattrs)
    this.#attributes(entry, (key, value) => kept.set(key, value))
    // At the end too: a default ACL is passed on as well.
    if (kept.size > 0) directory.xattrs = kept
  }

  #hardLink(entry: TarEntry, owner: Owner, parent: Directory, name: string): void {
    const { path: target } = cleanPath(entry.linkPath)
    const { parent: targetParent, name: targetName } = splitPath(target)
    const directory = this.#tree.directoryAt(targetParent)
    const node = directory instanceof Directory ? directory.entries.get(targetName) : undefined
    const missing = `is a hard link to ${showName(entry.linkPath)}`
    if (!(directory instanceof Directory) || node === undefined)
      throw refused(entry, `${missing}, which this layer does not have (before it)`)
    if (node instanceof Directory) throw refused(entry, `${missing}, which is a directory`)
    if (node === WHITEOUT) throw refused(entry, `${missing}, which this layer hides`)
    const path = parent.pathOf(name)
    this.#files.link(directory.pathOf(targetName), path)
    this.#tree.set(parent, name, node)
    // Docker gives the file, under all its names, what the last one's entry says. Mostly that is what it has.
    const was = typeof node === 'number' ? this.#tree.ownerOf(node) : undefined
    const own = was?.uid !== owner.uid || was.gid !== owner.gid
    if (own) this.#files.own(path, owner.uid, owner.gid)
    if (typeof node === 'number' && (own || was?.mode !== owner.mode)) {
      this.#files.mode(path, owner.mode)
      this.#tree.set(parent, name, UNKNOWN)
      this.#tree.set(directory, targetName, UNKNOWN)
    }
    this.#attributes(entry, (key, value) => this.#files.attribute(path, key, value))
    if (typeof node === 'number') this.#files.times(path, timesOf(entry))
  }

  #whiteout(entry: TarEntry, parent: Directory, name: string): void {
    if (name === OPAQUE) {
      parent.isOpaque = true
      return
    }
    if (name.startsWith(METADATA)) return
    const hidden = name.slice(WHITEOUT_PREFIX.length)
    // Docker tries to make a device of that name and stumbles over the directory.
    if (hidden === '' || hidden === '.' || hidden === '..') throw refused(entry, 'hides a name that no file can have')
    const before = parent.entries.get(hidden)
    // It speaks of the layers below (image-spec, layer.md), so what this layer has itself stays, and a directory hides theirs. Docker refuses it.
    if (before instanceof Directory) before.isOpaque = true
    if (before !== undefined) return
    const path = parent.pathOf(hidden)
    this.#files.special(path, 'char', 0, 0, 0)
    const { uid, gid } = this.#owners.of(entry)
    if (uid !== 0 || gid !== 0) this.#files.own(path, uid, gid)
    this.#tree.set(parent, hidden, WHITEOUT)
  }

  #attributes({ xattrs, path }: TarEntry, set: (name: string, value: Buffer) => void): void {
    for (const [name, value] of xattrs) {
      if (OVERLAYS.test(name))
        this.#options.warn("attributes of overlayfs's own were left out (trusted.overlay, user.overlay)", path.toString('latin1'))
      else set(name, value)
    }
  }

  /** With all that is in it. */
  #remove(parent: Directory, name: string): void {
    const node = parent.entries.get(name)
    if (node instanceof Directory) this.#empty(node)
    else this.#files.unlink(parent.pathOf(name))
    this.#tree.remove(parent, name)
  }

  #empty(directory: Directory): void {
    for (const [name, node] of directory.entries) {
      if (node instanceof Directory) this.#empty(node)
      else this.#files.unlink(directory.pathOf(name))
    }
    this.#files.rmdir(directory.path)
  }
}

/** A time of access before that of the last change is none: Docker takes the later one. */
function timesOf({ atime, mtime }: TarEntry): Times {
  const isLater = atime && (atime.seconds > mtime.seconds || (atime.seconds === mtime.seconds && atime.nanoseconds > mtime.nanoseconds))
  return { atime: isLater ? atime : mtime, mtime }
}

function obstacleWords({ at, why }: Obstacle): string {
  const shown = showName(Buffer.from(at, 'latin1'))
  if (why === 'no directory') return `is below ${shown}, which is no directory`
  if (why === 'loop') return `is below ${shown}, a symbolic link that leads round in a circle`
  if (why === 'dangling') return `is below a symbolic link that leads nowhere in this layer (${shown})`
  return `is below ${shown}, which this layer does not have`
}

function refused({ path }: TarEntry, why: string): DrydockError {
  return new DrydockError(`${showName(path)} ${why}; the layer is refused`, { status: 400 })
}
