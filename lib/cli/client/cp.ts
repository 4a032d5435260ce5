/** `drydock cp`: files into a container, or out of one, in an archive that goes through the engine. */
import { lstatSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, posix, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { counted } from '../../engine/download.js'
import { DrydockError } from '../../kernel/errors.js'
import { writeArchive } from '../archive.js'
import type { Engine } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { interruptible } from '../interrupt.js'
import { humanSize } from '../table.js'
import { destination } from './copy/destination.js'
import { pack } from './copy/pack.js'
import { type ContainerPath, followed, fromHeader, isDirectory } from './copy/stat.js'
import { unpack } from './copy/unpack.js'
import { verb } from './verb.js'

interface Flags {
  readonly archive?: boolean
  readonly followLink?: boolean
  readonly quiet?: boolean
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export const cp = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Copy files into a container, or out of one. - is an archive on standard input or output.')
      .usage(`[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\t${path} [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH`)
      .argument('<source>', 'CONTAINER:PATH, or a path here')
      .argument('<destination>', 'a path here, or CONTAINER:PATH')
      .option('-a, --archive', 'files keep their owners in the container')
      .option('-L, --follow-link', 'of a link as the source, what it points at')
      .option('-q, --quiet', 'do not say how much was copied'),
  async ({ options, args, engine: open }) => {
    const [source = '', target = ''] = args
    const [from, to] = [containerPath(source), containerPath(target)]
    if (from && to) refuse('copying between containers is not supported')
    if (!from && !to) refuse('must specify at least one container source')
    if (from && target === '') refuse('destination can not be empty')
    const copied = await interruptible(async (signal) =>
      from
        ? copyOut(await open(), from, target, options, signal)
        : copyIn(source, to as ContainerPath, options, { open, signal, shown: target }),
    )
    const tell = !options.quiet && process.stderr.isTTY && copied !== undefined
    if (tell) process.stderr.write(`Successfully copied ${humanSize(copied, 3)} to ${to ? target : resolve(target)}\n`)
    return 0
  },
)

/** `NAME:PATH`; undefined for a path here, which is absolute or begins with a dot when it has a colon. */
function containerPath(word: string): ContainerPath | undefined {
  const at = word.indexOf(':')
  if (word.startsWith('/') || word.startsWith('.') || at < 0) return undefined
  const path = word.slice(at + 1)
  return { container: word.slice(0, at), path: posix.isAbsolute(path) ? path : `/${path}` }
}

/** Bytes of the archive; undefined when it went to standard output. */
async function copyOut(
  engine: Engine,
  from: ContainerPath,
  target: string,
  { followLink }: Flags,
  signal: AbortSignal,
): Promise<number | undefined> {
  const source = followLink ? (await followed(engine, from)).at : from
  const answer = await engine.stream({
    method: 'GET',
    path: `/containers/${encodeURIComponent(from.container)}/archive`,
    query: { path: source.path },
    signal,
  })
  if (target === '-') {
    await writeArchive(answer, undefined, signal)
    return undefined
  }
  const stat = fromHeader(answer.headers['x-docker-container-path-stat'])
  // What a link is called, not what it points at, names the copy.
  const place = destination({ path: from.path, directory: isDirectory(stat) }, { path: target, ...localStat(target) })
  const parent = statSync(dirname(resolve(place.root)), { throwIfNoEntry: false })
  if (!parent) {
    answer.destroy()
    refuse(`invalid output path: directory ${JSON.stringify(dirname(resolve(target)))} does not exist`)
  }
  let bytes = 0
  await unpack(
    counted(answer, (count) => {
      bytes = count
    }),
    resolve(place.root),
  )
  return bytes
}

/** Links are followed: the copy goes where they lead. */
function localStat(path: string): { exists: boolean; directory: boolean } {
  const found = statSync(path, { throwIfNoEntry: false })
  return { exists: found !== undefined, directory: found?.isDirectory() === true }
}

interface Into {
  open(): Promise<Engine>
  readonly signal: AbortSignal
  readonly shown: string
}

async function copyIn(source: string, to: ContainerPath, { archive, followLink }: Flags, { open, signal, shown }: Into): Promise<number> {
  const local = source === '-' ? undefined : localSource(source, followLink === true)
  const engine = await open()
  const { at, stat } = await followed(engine, to)
  if (!local) {
    if (!stat || !isDirectory(stat)) refuse(`destination ${JSON.stringify(shown)} must be a directory`)
    return put(engine, at, process.stdin, archive, signal)
  }
  const place = destination(local, { path: at.path, exists: stat !== undefined, directory: stat !== undefined && isDirectory(stat) })
  const into = { container: to.container, path: posix.dirname(place.root) }
  const names = place.contents ? '.' : posix.basename(place.root)
  return put(engine, place.contents ? { ...into, path: place.root } : into, Readable.from(pack(local.file, names)), archive, signal)
}

interface LocalSource {
  /** As it was typed, which names the copy. */
  readonly path: string
  readonly file: string
  readonly directory: boolean
}

function localSource(path: string, follow: boolean): LocalSource {
  const found = (follow || path.endsWith('/') ? statSync : lstatSync)(path, { throwIfNoEntry: false })
  if (!found) return refuse(`lstat ${resolve(path)}: no such file or directory`)
  const file = follow ? realpathSync(path) : resolve(path)
  // `.` and `..` have no name of their own, and their contents are meant.
  const named = ['.', '..'].includes(basename(path)) && !path.endsWith('/.') ? join(path, '.').replace(/\/?$/, '/.') : path
  return { path: named, file, directory: found.isDirectory() }
}

async function put(
  engine: Engine,
  to: ContainerPath,
  body: NodeJS.ReadableStream,
  archive: boolean | undefined,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0
  const counting = Readable.from(
    counted(body as AsyncIterable<Uint8Array>, (count) => {
      bytes = count
    }),
    { objectMode: false },
  )
  await engine.call({
    method: 'PUT',
    path: `/containers/${encodeURIComponent(to.container)}/archive`,
    query: { path: to.path, noOverwriteDirNonDir: 'true', ...(archive && { copyUIDGID: 'true' }) },
    body: counting,
    headers: { 'Content-Type': 'application/x-tar' },
    signal,
  })
  return bytes
}
