/** A cgroup for an engine's daemon and its shims, of which one controller is limited when a test says so. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directoryOf, readCgroup, readHierarchies } from '../../lib/kernel/proc/cgroup.js'

const FILES = {
  pids: { 1: ['pids.current', 'pids.max'], 2: ['pids.current', 'pids.max'] },
  memory: { 1: ['memory.usage_in_bytes', 'memory.limit_in_bytes'], 2: ['memory.current', 'memory.max'] },
} as const

export class LimitedCgroup {
  /** What stands before a command line that is to run in it. */
  readonly before: readonly string[]
  readonly #path: string
  readonly #current: string
  readonly #most: string
  readonly #none: string

  constructor(controller: keyof typeof FILES) {
    const hierarchy = readHierarchies().find(({ controllers }) => controllers.includes(controller))
    const own = (readCgroup('self') ?? []).find(({ version, controllers }) =>
      hierarchy?.version === 2 ? version === 2 : controllers.includes(controller),
    )
    const directory = hierarchy && own && directoryOf(own, hierarchy)
    if (!hierarchy || directory === undefined) throw new Error(`no cgroup of this machine has the ${controller} controller`)
    this.#path = join(directory, `soak-${controller}-${process.pid}`)
    const [current, most] = FILES[controller][hierarchy.version]
    this.#current = join(this.#path, current)
    this.#most = join(this.#path, most)
    this.#none = hierarchy.version === 1 && controller === 'memory' ? '-1' : 'max'
    mkdirSync(this.#path)
    // 0 is who writes it. cgroups(7).
    this.before = ['sh', '-c', `echo 0 > ${join(this.#path, 'cgroup.procs')}; exec "$@"`, 'sh']
  }

  /** So much beyond what is in use. */
  limit(more: number): void {
    writeFileSync(this.#most, String(Number(readFileSync(this.#current, 'utf8')) + more))
  }

  unlimit(): void {
    writeFileSync(this.#most, this.#none)
  }

  /** When everybody has left it. */
  remove(): void {
    rmdirSync(this.#path)
  }
}
