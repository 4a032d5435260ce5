/** Which processes run our shim, wherever they are. */
import { realpathSync } from 'node:fs'
import { SHIM_PATH } from './constants.js'
import { executableOf } from './proc/processes.js'
import { readStatus } from './proc/status.js'

/** Is this a process of this user that runs our shim? Also when the file was built anew under it. */
export function isShim(pid: number, path: string = SHIM_PATH): boolean {
  return runsShim(pid, path) && readStatus(pid)?.uid.real === process.getuid?.()
}

/** The same of anybody's process, as far as it tells what it runs. */
export function runsShim(pid: number, path: string = SHIM_PATH): boolean {
  const executable = executableNow(pid)
  return executable !== undefined && [path, realpathOf(path)].some((own) => runs(executable, own))
}

/** A shim runs from a sealed copy in memory, which bears the beginning of its file's name (native/seal.c). */
const SEALED = '/memfd:'
const LONGEST_NAME = 240

function runs(executable: string, path: string): boolean {
  const file = executable.replace(/ \(deleted\)$/, '')
  return file === path || file === `${SEALED}${Buffer.from(path).subarray(0, LONGEST_NAME).toString()}`
}

/** Another user's process does not tell what it runs; it is not ours then. */
function executableNow(pid: number): string | undefined {
  try {
    return executableOf(pid)
  } catch {
    return undefined
  }
}

function realpathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
