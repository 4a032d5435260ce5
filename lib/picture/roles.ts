/** What a process is to drydock: told from the program that it runs, its command line and its namespaces, as the kernel has them. */
import { basename } from 'node:path'
import { executableOf, parseCommandLine } from '../kernel/proc/processes.js'
import { textIfReadable } from '../kernel/readable.js'
import { runsShim } from '../kernel/shims.js'
import type { Inodes, Seen } from './scan.js'
import { identity, KINDS } from './scan.js'
import type { ProcessView } from './types.js'

/** What a process runs: changes with its name when it executes something else. */
type Program = 'shim' | 'engine' | 'other'

export class Roles {
  #known = new Map<string, Program>()
  #used = new Map<string, Program>()

  /** Why each process is drawn that is; in the order of `all`. */
  of(all: ReadonlyMap<number, Seen>, reader: Inodes, focus: ReadonlySet<number>): Map<number, ProcessView['role']> {
    const roles = new Map<number, ProcessView['role']>()
    for (const [pid, seen] of all) {
      const role = this.#roleOf(seen, all, reader) ?? (focus.has(pid) ? 'focus' : undefined)
      if (role) roles.set(pid, role)
    }
    for (const pid of [...roles.keys()]) {
      for (let at = all.get(pid)?.stat.ppid ?? 0; all.has(at) && !roles.has(at); at = all.get(at)?.stat.ppid ?? 0) roles.set(at, 'ancestor')
    }
    this.#known = this.#used
    this.#used = new Map()
    return roles
  }

  #roleOf(seen: Seen, all: ReadonlyMap<number, Seen>, reader: Inodes): ProcessView['role'] | undefined {
    const program = this.#programOf(seen)
    if (program === 'shim') return isChildOfShim(seen, all, this) ? 'container' : 'shim'
    if (program === 'engine') return 'engine'
    return seen.namespaces && differ(seen.namespaces, reader) ? 'container' : undefined
  }

  /** Does it run the shim's program? */
  runsShim(seen: Seen): boolean {
    return this.#programOf(seen) === 'shim'
  }

  #programOf(seen: Seen): Program {
    const key = `${identity(seen)} ${seen.stat.comm}`
    const known = this.#used.get(key) ?? this.#known.get(key) ?? programOf(seen)
    this.#used.set(key, known)
    return known
  }
}

function programOf({ pid }: Seen): Program {
  if (runsShim(pid)) return 'shim'
  return isNode(pid) && isEngine(parseCommandLine(textIfReadable(`/proc/${pid}/cmdline`) ?? '')) ? 'engine' : 'other'
}

function isNode(pid: number): boolean {
  try {
    return /^node/.test(basename(executableOf(pid) ?? ''))
  } catch {
    return false // another user's
  }
}

const ENTRIES = /(^|\/)(drydock(\.cjs)?|cli\/main\.ts)$/

/** `node scripts/drydock.cjs daemon …`, as it was started by whatever name. */
export function isEngine(argv: readonly string[]): boolean {
  const entry = argv.findIndex((word) => ENTRIES.test(word))
  return entry >= 0 && argv.indexOf('daemon', entry) > entry
}

/**
 * A shim's child before its execve still runs the shim's program and has its command line, but is in namespaces of its own. A shim that was executed
 * anew (a bottle's first process) has other arguments.
 */
function isChildOfShim(seen: Seen, all: ReadonlyMap<number, Seen>, roles: Roles): boolean {
  const parent = all.get(seen.stat.ppid)
  if (!parent || !roles.runsShim(parent) || !seen.namespaces || !parent.namespaces) return false
  if (!differ(seen.namespaces, parent.namespaces)) return false
  const [own, above] = [seen.pid, parent.pid].map((pid) => textIfReadable(`/proc/${pid}/cmdline`))
  return own !== undefined && own === above
}

/** Is one in another namespace of some kind? Kinds that one of them lacks are not compared. */
export const differ = (one: Inodes, other: Inodes): boolean =>
  KINDS.some((kind) => one[kind] !== undefined && other[kind] !== undefined && one[kind] !== other[kind])
