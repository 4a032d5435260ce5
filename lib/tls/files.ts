/** The certificates on disk: made whole or not at all, and never over others. */
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { namesIfReadable } from '../kernel/readable.js'
import { FILES } from './set.js'

const ALL = Object.values(FILES).flatMap(({ certificate, key }) => [certificate, key])
const KEYS: readonly string[] = Object.values(FILES).map(({ key }) => key)

/** Keys are read by their owner alone, and by nobody written. */
const modeOf = (name: string) => (KEYS.includes(name) ? 0o400 : 0o444)

/** Which of the files are in that directory. */
export function present(directory: string): string[] {
  const names = namesIfReadable(directory)
  return ALL.filter((name) => names.includes(name))
}

export function readPem(directory: string, name: string): string {
  const file = join(directory, name)
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new DrydockError(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}

/** New ones. An error, and nothing is written, when one of the names is taken. */
export function writeNew(directory: string, files: Readonly<Record<string, string>>): void {
  const made: string[] = []
  write(directory, files, (draft, file) => {
    try {
      linkSync(draft, file)
      made.push(file)
    } catch (error) {
      for (const one of made) rmSync(one, { force: true })
      throw error
    }
  })
}

/** In the place of those that are there. */
export const writeOver = (directory: string, files: Readonly<Record<string, string>>): void => write(directory, files, renameSync)

function write(directory: string, files: Readonly<Record<string, string>>, place: (draft: string, file: string) => void): void {
  const draft = (name: string) => join(directory, `.${name}.${process.pid}`)
  const drafts: string[] = []
  try {
    if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o700 })
    // All of them before the first gets its name: a full disk leaves what there was.
    for (const [name, content] of Object.entries(files)) {
      drafts.push(draft(name))
      writeFileSync(draft(name), content, { mode: modeOf(name), flag: 'wx', flush: true })
    }
    for (const name of Object.keys(files)) place(draft(name), join(directory, name))
  } catch (cause) {
    const { code, path = directory } = cause as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'there is one already' : code
    throw new DrydockError(`certificates cannot be written to ${directory}: ${path} (${why})`, { cause })
  } finally {
    for (const one of drafts) removeIfThere(one)
  }
}

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // It could not be made either, and that is what is told.
  }
}
