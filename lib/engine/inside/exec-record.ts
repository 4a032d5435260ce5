/**
 * Execs on disk, so that an engine which was killed knows them again. They live as long as a boot at most, and so do their files:
 *
 *     RUN/exec-ID.json    what it is, and its pid once it has been started
 *     RUN/exec-ID.exit    how it ended, written by its shim
 *     RUN/exec-ID.sock    its shim's monitor, while it runs
 *
 * ID has its first 24 digits here, as a socket's path is short (unix(7)).
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecSpec } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { replaceFile } from '../../kernel/new-file.js'
import { runDirectory } from '../../kernel/places.js'
import { namesIfReadable, textIfReadable } from '../../kernel/readable.js'

export interface ExecRecord {
  readonly version: 1
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly dataRoot: string
  /** Id of its container. */
  readonly container: string
  /** The container's first process when it was made, as the engine's pid namespace numbers it: an exec does not outlive that. */
  readonly run: number | undefined
  readonly request: ExecRequest
  /** As the engine's pid namespace numbers it. */
  readonly pid?: number
}

/** What was asked for, resolved. */
export interface ExecRequest extends Omit<ExecSpec, 'container' | 'terminal' | 'stdin'> {
  readonly tty: boolean
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** '' : those of the engine. */
  readonly detachKeys: string
  /** A health check's: of no use to anybody but the engine that has made it. */
  readonly probe?: true
  /** Rows, columns. */
  readonly size?: readonly [number, number]
}

export interface ExecFiles {
  readonly record: string
  readonly exit: string
  readonly socket: string
}

export function filesOf(id: string): ExecFiles {
  const path = join(runDirectory(), `exec-${id.slice(0, 24)}`)
  return { record: `${path}.json`, exit: `${path}.exit`, socket: `${path}.sock` }
}

/** Whole or not at all; not synced, as nothing of it is worth anything after a power failure. */
export function writeRecord(record: ExecRecord): void {
  const { record: path } = filesOf(record.id)
  try {
    replaceFile(path, JSON.stringify(record), { temporary: `${path}.new`, flag: 'w', sync: false })
  } catch (cause) {
    throw new DrydockError(`an exec cannot be written down: ${(cause as Error).message}`, { cause, status: 500 })
  }
}

export function removeRecord(id: string): void {
  for (const path of Object.values(filesOf(id))) rmSync(path, { force: true })
}

const NAME = /^(exec-[0-9a-f]{24})\.(json|exit|sock)$/

/** Those of one data root. What a shim has left behind whose record is gone is removed. */
export function readRecords(dataRoot: string): ExecRecord[] {
  const directory = runDirectory()
  const names = new Set(namesIfReadable(directory))
  return [...names].flatMap((name) => {
    const [, id, kind] = NAME.exec(name) ?? []
    if (kind !== undefined && !names.has(`${id}.json`)) rmSync(join(directory, name), { force: true })
    if (kind !== 'json') return []
    const record = parsed(textIfReadable(join(directory, name)))
    return record?.version === 1 && record.dataRoot === dataRoot ? [record] : []
  })
}

/** The exit code that its shim has written; undefined while there is none. */
export function readExit(id: string): number | undefined {
  return (parsed(textIfReadable(filesOf(id).exit)) as { exitCode?: number } | undefined)?.exitCode
}

function parsed(text: string | undefined): ExecRecord | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as ExecRecord)
  } catch {
    return undefined
  }
}
