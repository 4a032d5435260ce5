/** Files of this machine as a tar archive, for a container. */
import type { Stats } from 'node:fs'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { TAR_END, type TarInput, tarHeader, tarPadding } from '../../../image/tar/index.js'
import { DrydockError } from '../../../kernel/errors.js'

const PIECE = 256 * 1024

/** All that is at `file`, as `name`: a file or a directory with everything below it. Sockets are left out, as Docker does. */
export async function* pack(file: string, name: string): AsyncGenerator<Buffer> {
  yield* node(Buffer.from(file), Buffer.from(name))
  yield TAR_END
}

async function* node(file: Buffer, name: Buffer): AsyncGenerator<Buffer> {
  yield* fileEntry(file, name)
  if (!(await lstat(file)).isDirectory()) return
  for (const child of await readdir(file, { encoding: 'buffer' })) yield* node(within(file, child), within(name, child))
}

/** A path as its bytes: names need be in no encoding. */
export const within = (directory: Buffer, name: Buffer): Buffer => Buffer.concat([directory, SLASH, name])

const SLASH = Buffer.from('/')

/** What is at `file`, as `name`; of a directory not what is in it. `owner`: whose it is said to be, in place of its own. */
export async function* fileEntry(
  file: Buffer,
  name: Buffer,
  owner: { readonly uid?: number; readonly gid?: number } = {},
): AsyncGenerator<Buffer> {
  const found = await lstat(file)
  const type = typeOf(found)
  if (type === undefined) return
  const link = type === 'symlink' ? await readlink(file, 'buffer') : undefined
  yield tarHeader({ ...headerOf(found, type, name, link), ...owner })
  if (type === 'file') yield* content(file, found.size)
}

function headerOf(found: Stats, type: TarInput['type'], name: Buffer, link: Buffer | undefined): TarInput {
  const milliseconds = Math.floor(found.mtimeMs)
  return {
    path: name,
    type,
    mode: found.mode & 0o7777,
    uid: found.uid,
    gid: found.gid,
    mtime: { seconds: Math.floor(milliseconds / 1000), nanoseconds: (((milliseconds % 1000) + 1000) % 1000) * 1_000_000 },
    ...(type === 'file' && { size: found.size }),
    ...(link && { linkPath: link }),
    // As glibc's makedev(3) puts them together.
    ...((type === 'char' || type === 'block') && {
      major: (found.rdev >> 8) & 0xfff,
      minor: (found.rdev & 0xff) | ((found.rdev >> 12) & 0xfff00),
    }),
  }
}

function typeOf(found: Stats): TarInput['type'] | undefined {
  if (found.isFile()) return 'file'
  if (found.isDirectory()) return 'directory'
  if (found.isSymbolicLink()) return 'symlink'
  if (found.isFIFO()) return 'fifo'
  if (found.isCharacterDevice()) return 'char'
  return found.isBlockDevice() ? 'block' : undefined
}

/** Exactly so many bytes: the header has promised them. */
async function* content(file: Buffer, size: number): AsyncGenerator<Buffer> {
  const handle = await open(file)
  try {
    for (let left = size; left > 0; ) {
      const { bytesRead, buffer } = await handle.read({ buffer: Buffer.allocUnsafe(Math.min(PIECE, left)) })
      if (bytesRead === 0) throw new DrydockError(`${file} became shorter while it was read`)
      yield buffer.subarray(0, bytesRead)
      left -= bytesRead
    }
  } finally {
    await handle.close()
  }
  yield tarPadding(size)
}
