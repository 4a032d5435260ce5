/** The steps that make files, a kind each. Paths are below the confined process's root. */
import { makedev } from '../../kernel/calls/files.js'
import { constant, flags } from '../../kernel/constants.js'
import { lean } from '../../kernel/lean.js'
import type { Timestamp } from '../tar/index.js'
import type { Sender } from './sender.js'

const CWD = constant('at', 'fdcwd')
const NOFOLLOW = constant('at', 'symlink_nofollow')
const REMOVEDIR = constant('at', 'removedir')
/** New, and nobody's link. */
const CREATE = flags('open', ['wronly', 'creat', 'excl', 'nofollow', 'cloexec'])

/** An attribute that this file system, or this kind of file, or a user namespace does not take: Docker goes on without it, and so do we. */
const NO_XATTR = ['EOPNOTSUPP', 'EPERM']

const offset = Buffer.alloc(8)

export interface Times {
  readonly atime: Timestamp
  readonly mtime: Timestamp
}

export type Special = 'char' | 'block' | 'fifo'
const FILE_TYPES = { char: constant('file_type', 'ifchr'), block: constant('file_type', 'ifblk'), fifo: constant('file_type', 'ififo') }

export class Files {
  readonly #sender: Sender
  readonly #file: number
  readonly #calls

  /** `file`: the slot in which the open file is kept. */
  constructor(sender: Sender, file: number) {
    this.#sender = sender
    this.#file = file
    this.#calls = callsWith(file)
  }

  /** Names of all that is called here. */
  static readonly calls: readonly string[] = Object.values(callsWith(0)).map(({ name }) => name)

  open(path: string, mode: number): void {
    this.#sender.step(this.#calls.openat).int(CWD).string(path).int(CREATE).int(mode).end()
  }

  write(bytes: Uint8Array): void {
    this.#sender.step(this.#calls.write).slot(this.#file).bytes(bytes).int(bytes.length).end()
  }

  writeAt(bytes: Uint8Array, offset: number): void {
    this.#sender.step(this.#calls.pwrite64).slot(this.#file).bytes(bytes).int(bytes.length).int(offset).end()
  }

  /** What the archive has there, by the kernel: none of it comes through this program. */
  copy(archive: number, at: number, size: number): void {
    offset.writeBigInt64LE(BigInt(at))
    this.#sender.step(this.#calls.sendfile, size).slot(this.#file).slot(archive).bytes(offset).int(size).end()
  }

  setSize(size: number): void {
    this.#sender.step(this.#calls.ftruncate).slot(this.#file).int(size).end()
  }

  ownFile(uid: number, gid: number): void {
    this.#sender.step(this.#calls.fchown).slot(this.#file).int(uid).int(gid).end()
  }

  modeOfFile(mode: number): void {
    this.#sender.step(this.#calls.fchmod).slot(this.#file).int(mode).end()
  }

  attributeOfFile(name: string, value: Buffer): void {
    this.#sender.step(this.#calls.fsetxattr).slot(this.#file).string(name).bytes(value).int(value.length).int(0).end()
  }

  /** Times last: writing and its like change them. */
  closeFile({ atime, mtime }: Times): void {
    this.#sender.step(this.#calls.utimensat).slot(this.#file).int(0).times(atime, mtime).int(0).end()
    this.#sender.step(this.#calls.close).slot(this.#file).end()
  }

  directory(path: string, mode: number): void {
    this.#sender.step(this.#calls.mkdirat).int(CWD).string(path).int(mode).end()
  }

  symlink(target: string, path: string): void {
    this.#sender.step(this.#calls.symlinkat).string(target).int(CWD).string(path).end()
  }

  /** Of the file itself that `target` names, also when that is a link. */
  link(target: string, path: string): void {
    this.#sender.step(this.#calls.linkat).int(CWD).string(target).int(CWD).string(path).int(0).end()
  }

  special(path: string, type: Special, mode: number, major: number, minor: number): void {
    this.#sender
      .step(this.#calls.mknodat)
      .int(CWD)
      .string(path)
      .int(FILE_TYPES[type] | mode)
      .int(makedev(major, minor))
      .end()
  }

  own(path: string, uid: number, gid: number): void {
    this.#sender.step(this.#calls.fchownat).int(CWD).string(path).int(uid).int(gid).int(NOFOLLOW).end()
  }

  /** Follows a link: for paths that are none. */
  mode(path: string, mode: number): void {
    this.#sender.step(this.#calls.fchmodat).int(CWD).string(path).int(mode).end()
  }

  attribute(path: string, name: string, value: Buffer): void {
    this.#sender.step(this.#calls.lsetxattr).string(path).string(name).bytes(value).int(value.length).int(0).end()
  }

  /** Without it the layer would be wrong, so that an error here is one. */
  hideBelow(path: string): void {
    this.#sender.step(this.#calls.hide).string(path).string('user.overlay.opaque').string('y').int(1).int(0).end()
  }

  times(path: string, { atime, mtime }: Times): void {
    this.#sender.step(this.#calls.utimensat).int(CWD).string(path).times(atime, mtime).int(NOFOLLOW).end()
  }

  unlink(path: string): void {
    this.#sender.step(this.#calls.unlinkat).int(CWD).string(path).int(0).end()
  }

  rmdir(path: string): void {
    this.#sender.step(this.#calls.unlinkat).int(CWD).string(path).int(REMOVEDIR).end()
  }
}

function callsWith(file: number) {
  return {
    openat: lean('openat', 4, { keep: file }),
    write: lean('write', 3),
    pwrite64: lean('pwrite64', 4),
    sendfile: lean('sendfile', 4),
    ftruncate: lean('ftruncate', 2),
    fchown: lean('fchown', 3),
    fchmod: lean('fchmod', 2),
    fsetxattr: lean('fsetxattr', 5, { allow: NO_XATTR }),
    close: lean('close', 1),
    mkdirat: lean('mkdirat', 3),
    symlinkat: lean('symlinkat', 3),
    linkat: lean('linkat', 5),
    mknodat: lean('mknodat', 4),
    fchownat: lean('fchownat', 5),
    fchmodat: lean('fchmodat', 3),
    lsetxattr: lean('lsetxattr', 5, { allow: NO_XATTR }),
    hide: lean('lsetxattr', 5),
    utimensat: lean('utimensat', 4),
    unlinkat: lean('unlinkat', 3),
  }
}
