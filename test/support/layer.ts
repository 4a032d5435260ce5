/** Layers in memory, unpacked into a directory of their own, and what is then there. */
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { TAR_END, type TarInput, tarHeader, tarPadding } from '../../lib/image/tar/index.js'
import { type KeptArchive, type Unpacked, type UnpackOptions, unpackLayer } from '../../lib/image/unpack/index.js'

export interface Entry extends Partial<Omit<TarInput, 'path' | 'linkPath' | 'xattrs'>> {
  readonly path: string | Buffer
  readonly content?: string | Buffer
  readonly to?: string | Buffer
  readonly xattrs?: Readonly<Record<string, string | Buffer>>
}

const MTIME = { seconds: 1_600_000_000, nanoseconds: 123_456_789 }

/** Files of root's unless they say otherwise. */
export function layer(...entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ path, content = '', to = '', xattrs = {}, type = 'file', ...rest }) => {
    const bytes = Buffer.from(content as string)
    const header = tarHeader({
      mode: type === 'directory' ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtime: MTIME,
      type,
      path: Buffer.from(path as string),
      linkPath: Buffer.from(to as string),
      size: bytes.length,
      xattrs: new Map(Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value as string)])),
      ...rest,
    })
    return [header, bytes, tarPadding(bytes.length)]
  })
  return Buffer.concat([...parts, TAR_END])
}

export async function* inChunks(bytes: Buffer, size = 100_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export interface Seen {
  readonly type: string
  readonly mode: string
  readonly owner: string
  readonly mtime?: string
  readonly content?: string
  readonly to?: string
  readonly device?: string
  readonly links?: number
}

const TYPES = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o020000, 'char'],
  [0o060000, 'block'],
  [0o010000, 'fifo'],
])

/** Every file below a directory, by its path (latin1), as lstat(2) and its like tell; the directory itself is `.`. */
export function seen(directory: string): Record<string, Seen> {
  const found: Record<string, Seen> = {}
  const look = (relative: Buffer) => {
    const path = relative.length === 0 ? Buffer.from(directory) : Buffer.concat([Buffer.from(`${directory}/`), relative])
    const stat = lstatSync(path, { bigint: true })
    const type = TYPES.get(Number(stat.mode & 0o170000n)) as string
    found[relative.toString('latin1') || '.'] = {
      type,
      mode: (stat.mode & 0o7777n).toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      mtime: `${stat.mtimeNs / 1_000_000_000n}.${String(stat.mtimeNs % 1_000_000_000n).padStart(9, '0')}`,
      ...(type === 'file' && { content: readFileSync(path).toString('latin1'), links: Number(stat.nlink) }),
      ...(type === 'symlink' && { to: readlinkSync(path, 'latin1') }),
      ...((type === 'char' || type === 'block') && {
        device: `${(stat.rdev >> 8n) & 0xfffn}:${(stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xfff00n)}`,
      }),
    }
    if (type === 'directory') {
      for (const name of readdirSync(path, { encoding: 'buffer' }))
        look(relative.length === 0 ? name : Buffer.concat([relative, Buffer.from('/'), name]))
    }
  }
  look(Buffer.alloc(0))
  return found
}

/** getfattr(1) as another's eyes: names and values (hexadecimal) of all attributes that this user may see. */
export function attributes(path: string): Record<string, string> {
  const said = execFileSync('getfattr', ['-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', path], { encoding: 'utf8' })
  return Object.fromEntries(
    [...said.matchAll(/^([^#=\s]+)=(?:0x)?([0-9a-f]*)$/gm)].map(([, name, value]) => [name as string, value as string]),
  )
}

/** A directory for layers that is gone afterwards. On a file system that takes attributes of all kinds, which /tmp may not be. */
export class Place {
  readonly base = mkdtempSync('/var/tmp/drydock-layer-')

  async unpack(
    archive: Buffer | AsyncIterable<Uint8Array> | KeptArchive,
    options: Partial<UnpackOptions> = {},
  ): Promise<Unpacked & { directory: string }> {
    const directory = mkdtempSync(join(this.base, 'diff-'))
    const source = Buffer.isBuffer(archive) ? inChunks(archive) : archive
    return { ...(await unpackLayer(source, { directory, ...options })), directory }
  }

  /** The sentence by which a layer is refused; and nothing but its own directory was touched. */
  async refusal(archive: Buffer | AsyncIterable<Uint8Array> | KeptArchive, options: Partial<UnpackOptions> = {}): Promise<string> {
    mkdirSync(join(this.base, 'outside'), { recursive: true })
    try {
      await this.unpack(archive, options)
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('the layer was not refused')
  }

  remove(): void {
    // Not by Node: a layer may have paths that are longer than one call takes.
    execFileSync('rm', ['-rf', this.base])
  }
}
