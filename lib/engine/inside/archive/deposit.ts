/**
 * An archive's entries into a directory of a container, in which something may be already. The rules are Docker's (its archive.Unpack): a directory stays,
 * with all that is in it, and becomes what the entry says; anything else gives way to an entry of its name, unless `noOverwriteDirNonDir` forbids that a
 * directory and another kind take each other's place. Nothing is looked at first, so that no answer has to be waited for, and none can be wrong by the time
 * when it counts: each entry is a row of calls whose expected failures say what was there.
 *
 *     a file       unlink (gone, or a directory)   open, new and nobody's link   write …   own, mode, attributes, times
 *     a directory  mkdir (there)   open, a directory and nobody's link   own, mode
 *
 * Links on the way to a name are followed, as the container would follow them: its root is the root of who does this.
 */
import { showName, type TarEntry, type TarSink } from '../../../image/tar/index.js'
import { Files, type Times } from '../../../image/unpack/files.js'
import type { Owner } from '../../../image/unpack/owners.js'
import { cleanPath, splitPath, tooLong } from '../../../image/unpack/paths.js'
import type { Sender } from '../../../image/unpack/sender.js'
import { constant, flags } from '../../../kernel/constants.js'
import { DrydockError } from '../../../kernel/errors.js'
import { lean } from '../../../kernel/lean.js'

export interface DepositOptions {
  readonly noOverwriteDirNonDir: boolean
  /** Device nodes cannot be made in a user namespace. */
  readonly devices: boolean
  ownerOf(entry: TarEntry): Owner
  warn(kind: string, path: string): void
}

const CWD = constant('at', 'fdcwd')
const IMPLIED_MODE = 0o755

export class Deposit implements TarSink {
  readonly #sender: Sender
  readonly #files: Files
  readonly #options: DepositOptions
  readonly #calls
  readonly #slot: number
  /** Directories that are there, as this archive has made or found them. */
  readonly #there = new Set<string>([''])
  /** Set when all is made: making something in a directory changes its times. */
  readonly #times = new Map<string, Times>()
  #open: { entry: TarEntry; owner: Owner } | undefined
  entries = 0

  /** `slot` is for an open file. */
  constructor(sender: Sender, slot: number, options: DepositOptions) {
    this.#sender = sender
    this.#files = new Files(sender, slot)
    this.#slot = slot
    this.#options = options
    this.#calls = {
      unlinkat: lean('unlinkat', 3, { allow: ['ENOENT', 'EISDIR'] }),
      remove_tree: lean('remove_tree', 1, { allow: ['ENOENT', 'ENOTDIR', 'ELOOP'] }),
      mkdirat: lean('mkdirat', 3, { allow: ['EEXIST'] }),
      openat: lean('openat', 4, { keep: slot }),
    }
  }

  entry(entry: TarEntry): void {
    this.entries++
    const { path, outside } = cleanPath(entry.path)
    if (outside) throw refused(`${showName(entry.path)} is outside of the directory that the archive is unpacked in`)
    const long = tooLong(path)
    if (long) throw refused(`${showName(entry.path)} ${long}`)
    if (path === '') {
      // The directory itself, which is there; Docker leaves it as it is.
      if (entry.type !== 'directory') throw refused('an entry of the archive would take the place of the directory that it is unpacked in')
      return
    }
    this.#sender.about(path)
    this.#parents(splitPath(path).parent)
    const owner = this.#options.ownerOf(entry)
    if (entry.type === 'directory') this.#directory(entry, owner, path)
    else this.#other(entry, owner, path)
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
    if (entry.sparse) this.#files.setSize(entry.size)
    this.#files.ownFile(owner.uid, owner.gid)
    // The owner's change takes its special bits away.
    this.#files.modeOfFile(owner.mode)
    for (const [name, value] of entry.xattrs) this.#files.attributeOfFile(name, value)
    this.#files.closeFile(timesOf(entry))
  }

  /** After the last entry. */
  finish(): void {
    for (const [path, times] of this.#times) {
      this.#sender.about(path)
      this.#files.times(path, times)
    }
  }

  /** Those that are missing: the archive need not name them. */
  #parents(path: string): void {
    if (this.#there.has(path)) return
    this.#parents(splitPath(path).parent)
    this.#sender.step(this.#calls.mkdirat).int(CWD).string(path).int(IMPLIED_MODE).end()
    this.#there.add(path)
  }

  #directory(entry: TarEntry, { uid, gid, mode }: Owner, path: string): void {
    if (!this.#options.noOverwriteDirNonDir) this.#unlink(path)
    this.#sender.step(this.#calls.mkdirat).int(CWD).string(path).int(0o700).end()
    this.#sender.step(this.#calls.openat).int(CWD).string(path).int(DIRECTORY).int(0).end()
    this.#files.ownFile(uid, gid)
    this.#files.modeOfFile(mode)
    for (const [name, value] of entry.xattrs) this.#files.attributeOfFile(name, value)
    this.#sender.step(CLOSE).slot(this.#slot).end()
    this.#there.add(path)
    this.#times.set(path, timesOf(entry))
  }

  #other(entry: TarEntry, owner: Owner, path: string): void {
    const { uid, gid, mode } = owner
    this.#giveWay(path)
    switch (entry.type) {
      case 'file':
        // For its owner alone until it is whole.
        this.#files.open(path, 0o600)
        this.#open = { entry, owner }
        return
      case 'symlink':
        this.#files.symlink(entry.linkPath.toString('latin1'), path)
        break
      case 'hardlink': {
        const { path: target, outside } = cleanPath(entry.linkPath)
        if (outside || target === '') {
          throw refused(
            `${showName(entry.path)} is a hard link to ${showName(entry.linkPath)}, outside of the directory that the archive is unpacked in`,
          )
        }
        // Owner and mode are the file's under whatever name.
        return this.#files.link(target, path)
      }
      default: {
        const { type, major, minor } = entry
        if (type === 'directory') return
        if (type !== 'fifo' && !this.#options.devices) {
          return this.#options.warn('device nodes were left out, which cannot be made in a user namespace', path)
        }
        if (major < 0 || minor < 0 || major > 0xfff || minor > 0xfffff) {
          throw refused(`${showName(entry.path)} is device ${major}:${minor}, which there cannot be`)
        }
        this.#files.special(path, type, mode & 0o777, type === 'fifo' ? 0 : major, type === 'fifo' ? 0 : minor)
      }
    }
    this.#files.own(path, uid, gid)
    // chmod follows links: special bits of a device or fifo are worth no race for that.
    for (const [name, value] of entry.xattrs) this.#files.attribute(path, name, value)
    this.#files.times(path, timesOf(entry))
  }

  /** What has this name goes; a directory only where that is allowed, with all that is in it. */
  #giveWay(path: string): void {
    this.#unlink(path)
    if (this.#options.noOverwriteDirNonDir) return
    this.#sender.step(this.#calls.remove_tree).string(path).end()
    for (const known of [...this.#there]) if (known === path || known.startsWith(`${path}/`)) this.#there.delete(known)
    for (const known of [...this.#times.keys()]) if (known === path || known.startsWith(`${path}/`)) this.#times.delete(known)
  }

  #unlink(path: string): void {
    this.#sender.step(this.#calls.unlinkat).int(CWD).string(path).int(0).end()
  }
}

const CLOSE = lean('close', 1)
const DIRECTORY = flags('open', ['rdonly', 'directory', 'nofollow', 'cloexec'])

const refused = (sentence: string) => new DrydockError(sentence, { status: 400 })

/** A time of access before that of the last change is none: Docker takes the later one. */
function timesOf({ atime, mtime }: TarEntry): Times {
  const isLater = atime && (atime.seconds > mtime.seconds || (atime.seconds === mtime.seconds && atime.nanoseconds > mtime.nanoseconds))
  return { atime: isLater ? atime : mtime, mtime }
}
