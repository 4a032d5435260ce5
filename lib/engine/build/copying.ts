/** Items into a layer: docker's rules of what becomes of a file, of a directory and of an archive, and who owns it. */

import { contents, type Piece } from '../../image/pack/contents.js'
import { Entries } from '../../image/pack/entries.js'
import type { Node } from '../../image/pack/nodes.js'
import { bytesOf } from '../../image/pack/records.js'
import { TAR_END, type TarInput, tarHeader } from '../../image/tar/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { isArchive } from './archive.js'
import { baseName, type Destination, upTo } from './copy-rules.js'
import type { Item } from './items.js'
import type { Place } from './place.js'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface CopyOptions {
  readonly destination: Destination
  /** Absent: what is copied keeps its own. */
  readonly owner?: Owner
  /** Archives are taken apart. */
  readonly extract: boolean
  readonly warn: (sentence: string) => void
}

const ROOT: Owner = { uid: 0, gid: 0 }

/** One item after the other: where a later one goes may hang on what an earlier one has made. */
export async function copyItems(place: Place, items: readonly Item[], options: CopyOptions): Promise<void> {
  for (const item of items) {
    if (item.node.kind === 'directory') await copyDirectory(place, item, options)
    else if (options.extract && !item.whole && (await isArchive(item))) await extract(place, item, options)
    else await copyFile(place, item, options)
  }
}

/** What is in it; the directory itself is as one that is made for it. */
async function copyDirectory(place: Place, { source, node }: Item, { destination, owner, warn }: CopyOptions): Promise<void> {
  const target = await place.follow(destination.path)
  const missing = await missingAt(place, target, 'failed to copy directory: mkdir')
  const made = missing.map((path) => directoryEntry(path, path === target && owner ? owner : ROOT))
  const nodes = source.walk(node.path)
  await place.unpack(
    archive(
      made,
      pieces(nodes, (path) => `${target}/${path.slice(node.path === '' ? 0 : node.path.length + 1)}`, owner, warn),
      warn,
    ),
  )
}

async function copyFile(place: Place, { path, node }: Item, { destination, owner, warn }: CopyOptions): Promise<void> {
  const at = await place.follow(destination.path)
  const [kind] = await kindsBelow(place, at)
  const target = destination.directory || kind === 'directory' ? `${at === '/' ? '' : at}/${baseName(path)}` : at
  const directory = target.slice(0, target.lastIndexOf('/')) || '/'
  const missing = await missingAt(place, directory, 'failed to copy file: mkdir')
  const made = missing.map((one) => directoryEntry(one, owner ?? ROOT))
  const { identity: _, ...alone } = node
  await place.unpack(
    archive(
      made,
      pieces(one(alone), () => target, owner, warn),
      warn,
    ),
  )
}

async function extract(place: Place, { source, node }: Item, { destination }: CopyOptions): Promise<void> {
  const target = await place.follow(destination.path)
  const missing = await missingAt(place, target, 'failed to copy file: mkdir')
  await place.unpack(directoryArchive(missing))
  await place.unpack(source.read(node), target)
}

/** Directories up to this one that are not there yet. Throws when something else is in the way. */
async function missingAt(place: Place, directory: string, doing: string): Promise<string[]> {
  const paths = upTo(directory)
  const kinds = await place.kinds(paths)
  const wrong = paths.find((_, index) => kinds[index] !== undefined && kinds[index] !== 'directory')
  if (wrong !== undefined) throw notDirectory(`${doing} ${shown(directory)}`)
  return paths.filter((_, index) => kinds[index] === undefined)
}

/** What is there; throws when what should be a directory on the way is none. */
async function kindsBelow(place: Place, path: string) {
  const above = upTo(path).slice(0, -1)
  const [kind, ...kinds] = await place.kinds([path, ...above])
  if (kinds.some((one) => one !== undefined && one !== 'directory')) throw notDirectory(`lstat ${shown(path)}`)
  return [kind] as const
}

const shown = (path: string): string => Buffer.from(path, 'latin1').toString()
const notDirectory = (what: string): DrydockError => new DrydockError(`failed to copy files: ${what}: not a directory`, { status: 400 })

function directoryEntry(path: string, { uid, gid }: Owner): TarInput {
  const now = Date.now()
  const mtime = { seconds: Math.floor(now / 1000), nanoseconds: (now % 1000) * 1e6 }
  return { path: bytesOf(path), type: 'directory', mode: 0o755, uid, gid, mtime }
}

/** Directories of root's, from the root on. */
export const directoryArchive = (paths: readonly string[]): AsyncIterable<Buffer> =>
  archive(
    paths.map((path) => directoryEntry(path, ROOT)),
    none(),
    () => undefined,
  )

async function* one(node: Node): AsyncGenerator<Node> {
  yield node
}

async function* none(): AsyncGenerator<Piece> {}

/** Entries of these nodes under other names. */
async function* pieces(
  nodes: AsyncIterable<Node>,
  rename: (path: string) => string,
  owner: Owner | undefined,
  warn: (sentence: string) => void,
): AsyncGenerator<Piece> {
  const entries = new Entries({ form: 'tree', warn })
  for await (const node of nodes) {
    for (const { input, content } of entries.of(node)) {
      const path = bytesOf(rename(input.path.toString('latin1')))
      const linkPath = input.type === 'hardlink' ? bytesOf(rename((input.linkPath as Buffer).toString('latin1'))) : input.linkPath
      const head = tarHeader({ ...input, path, ...(linkPath && { linkPath }), ...owner })
      yield content ? { head, file: node } : { head }
    }
  }
}

async function* archive(made: readonly TarInput[], rest: AsyncIterable<Piece>, warn: (sentence: string) => void): AsyncGenerator<Buffer> {
  for (const entry of made) yield tarHeader(entry)
  yield* contents(rest, warn)
  yield TAR_END
}
