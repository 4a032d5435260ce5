/** Archives that come from and go to files, pipes and never terminals. */
import { createWriteStream, fstatSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrydockError } from '../kernel/errors.js'
import { randomBytes } from '../kernel/random.js'

/** Before anything is looked up, as docker does. */
export function checkOutput(path: string | undefined, what: string): void {
  if (path === undefined) {
    if (process.stdout.isTTY)
      throw new DrydockError('cowardly refusing to save to a terminal. Use the -o flag or redirect', { status: 400 })
    return
  }
  const wrong = (sentence: string) => new DrydockError(`failed to ${what}: invalid output path: ${sentence}`, { status: 400 })
  if (!statSync(dirname(path), { throwIfNoEntry: false })) throw wrong(`stat ${dirname(path)}: no such file or directory`)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory()) throw wrong(`"${path}" must be a regular file`)
  if (found && (found.isBlockDevice() || found.isCharacterDevice()) && path !== '/dev/null') throw wrong(`got a device`)
}

/** All of it, or nothing: a file appears when it is whole. */
export async function writeArchive(source: AsyncIterable<Buffer>, path: string | undefined, signal: AbortSignal): Promise<void> {
  if (path === undefined) {
    // A reader that has gone away (`| head`) ends it, and is no error.
    await pipeline(source, process.stdout, { signal, end: false }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
    return
  }
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return pipeline(source, createWriteStream(path), { signal })
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    await pipeline(source, createWriteStream(temporary, { flags: 'wx', mode: 0o600 }), { signal })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new DrydockError(`${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`, { cause: error })
  }
}

/** A file's bytes; undefined: standard input, if there is something in it. */
export async function openArchive(path: string | undefined, verb: string): Promise<Readable> {
  if (path === undefined) {
    if (process.stdin.isTTY || isNothing()) throw new DrydockError(`requested ${verb} from stdin, but stdin is empty`, { status: 400 })
    return process.stdin
  }
  try {
    const file = await open(path)
    if ((await file.stat()).isDirectory()) {
      await file.close()
      throw Object.assign(new Error(), { code: 'EISDIR' })
    }
    return file.createReadStream({ highWaterMark: 1024 * 1024 })
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    throw new DrydockError(`open ${path}: ${WORDS[code] ?? code}`, { cause, status: 400 })
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
}

/** /dev/null, as a program has for its input that was given none. */
function isNothing(): boolean {
  try {
    const { rdev } = fstatSync(0)
    return rdev !== 0 && rdev === statSync('/dev/null').rdev
  } catch {
    return true
  }
}
