/** What `drydock build` sends: a directory, an archive from standard input, one Dockerfile alone, or an address that the engine fetches. */
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { Ignore, readIgnore } from '../../../image/dockerfile/index.js'
import { BLOCK, TarReader } from '../../../image/tar/index.js'
import { begun } from '../../../kernel/begun.js'
import { DrydockError } from '../../../kernel/errors.js'
import { randomBytes } from '../../../kernel/random.js'
import { openArchive } from '../../archive.js'
import { packDirectory, packText } from './directory.js'

export interface BuildContext {
  /** Absent: the engine fetches it. */
  readonly body?: Readable
  readonly remote?: string
  /** The Dockerfile's path in it; absent: the usual one. */
  readonly dockerfile?: string
}

const USUAL = 'Dockerfile'
const IGNORE_FILE = '.dockerignore'

const wrong = (why: string): DrydockError => new DrydockError(`unable to prepare context: ${why}`, { status: 400 })

/** `path`: as it was typed; `file`: of --file, `-` for standard input. */
export async function contextOf(path: string, file: string | undefined): Promise<BuildContext> {
  if (path === '-') {
    if (file === '-') throw new DrydockError("invalid argument: can't use stdin for both build context and dockerfile", { status: 400 })
    return fromInput(file)
  }
  const dockerfile = file === undefined ? {} : { dockerfile: file }
  if (/^(?:https?:\/\/|git:\/\/|git@|github\.com\/)/.test(path)) return { remote: path, ...dockerfile }
  return fromDirectory(path, file)
}

/** An archive goes as it is; anything else is a Dockerfile, which has no context. */
async function fromInput(file: string | undefined): Promise<BuildContext> {
  const { first, all } = await begun(await openArchive(undefined, 'build'), BLOCK)
  if (isArchive(first)) return { body: Readable.from(all), ...(file !== undefined && { dockerfile: file }) }
  const parts: Buffer[] = []
  for await (const part of all) parts.push(part)
  return { body: Readable.from(packText(USUAL, Buffer.concat(parts).toString())), dockerfile: USUAL }
}

function fromDirectory(path: string, file: string | undefined): BuildContext {
  const directory = realDirectory(path)
  if (file === '-') return besides(directory, readFileSync(0, 'utf8'))
  const typed = file === undefined ? join(directory, USUAL) : resolve(file)
  const found = realDockerfile(typed, file === undefined)
  const inside = relative(directory, join(realpathSync(dirname(found)), basename(found)))
  if (inside.startsWith('..')) return besides(directory, readFileSync(found, 'utf8'))
  const patterns = ignoreOf(directory)
  return { body: packed(directory, keeping(patterns, inside), {}), dockerfile: inside }
}

function realDirectory(path: string): string {
  try {
    const directory = realpathSync(path)
    if (statSync(directory).isDirectory()) return directory
  } catch {
    throw wrong(`path "${path}" not found`)
  }
  throw wrong(`context must be a directory: ${resolve(path)}`)
}

/** With `usual`, the same in small letters will do. */
function realDockerfile(path: string, usual: boolean): string {
  for (const one of usual ? [path, join(dirname(path), USUAL.toLowerCase())] : [path]) {
    if (statSync(one, { throwIfNoEntry: false })) return one
  }
  throw wrong(`unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`)
}

/** The Dockerfile is none of the directory's: it goes along under a name that nobody has, and the engine takes it away from the context. */
function besides(directory: string, text: string): BuildContext {
  const name = `.dockerfile.${randomBytes(10).toString('hex')}`
  const before = textOf(join(directory, IGNORE_FILE))
  const lines = before === undefined ? [IGNORE_FILE, name] : [before, name]
  return {
    body: packed(directory, ignoreOf(directory), { [name]: text, [IGNORE_FILE]: `${lines.join('\n')}\n` }),
    dockerfile: name,
  }
}

function packed(directory: string, patterns: readonly string[], extra: Readonly<Record<string, string>>): Readable {
  return Readable.from(packDirectory(directory, { patterns, extra }))
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw wrong(`${path}: ${(cause as NodeJS.ErrnoException).code}`)
  }
}

function ignoreOf(directory: string): string[] {
  const patterns = readIgnore(textOf(join(directory, IGNORE_FILE)) ?? '')
  try {
    new Ignore(patterns)
  } catch (cause) {
    throw new DrydockError(`error checking context: ${(cause as Error).message}`, { cause, status: 400 })
  }
  return patterns
}

/** The engine needs both to build; what they are not to be part of is its affair then. */
function keeping(patterns: readonly string[], dockerfile: string): string[] {
  const ignore = new Ignore(patterns)
  return [...patterns, ...[IGNORE_FILE, dockerfile].filter((name) => ignore.ignores(name)).map((name) => `!${name}`)]
}

/** Magic numbers of what an archive may be compressed with: gzip, bzip2, xz, zstd. */
const COMPRESSED = [
  [0x1f, 0x8b, 0x08],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
].map((bytes) => Buffer.from(bytes))

function isArchive(first: Buffer): boolean {
  if (COMPRESSED.some((magic) => first.subarray(0, magic.length).equals(magic))) return true
  if (first.length < BLOCK) return false
  try {
    const nothing = { entry: () => undefined, data: () => undefined, end: () => undefined }
    new TarReader(nothing).push(first.subarray(0, BLOCK))
    return true
  } catch {
    return false
  }
}
