/**
 * Stops processes for a moment, now and then, as a busy machine does: whoever assumes that two of them come to something in a certain order is wrong sooner.
 * Who is stopped by SIGSTOP and continued is none the wiser, but for a few calls that answer EINTR or have done less than they were asked to (signal(7)).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf, type Process, readProcesses } from '../../lib/kernel/proc/processes.js'
import { readStatusLine } from '../../lib/kernel/proc/status.js'

export interface Stops {
  /** Milliseconds between one stop and the next, on average. */
  readonly every: number
  /** Of a stop, in milliseconds; short ones are as frequent as long ones. */
  readonly longest: number
}

const SHORTEST = 5
/** So many at once leave something that goes on. */
const AT_ONCE = 6
/** Milliseconds for which a list of the processes is good. */
const FRESH = 80

/**
 * Who makes something of a stop: tracers and daemons with limits of their own, and docker, which passes SIGCONT on to the container. nsenter(1) and unshare(1)
 * stop themselves when their child is stopped.
 */
const LEFT_ALONE = [
  'strace',
  'gdb',
  'docker',
  'docker-compose',
  'dockerd',
  'containerd',
  'containerd-shim',
  'nsenter',
  'unshare',
  'mmdebstrap',
]

export class Stopper {
  readonly #root: number
  readonly #stops: Stops
  readonly #stopped = new Map<number, number>()
  #found: readonly Process[] = []
  #foundAt = Number.NEGATIVE_INFINITY
  #over = false
  /** How many stops there have been. */
  count = 0

  /** Of the processes below this one, which is left alone itself. */
  constructor(root: number, stops: Stops) {
    this.#root = root
    this.#stops = stops
  }

  /** Until `end`. */
  async run(): Promise<void> {
    while (!this.#over) {
      this.#continueThose((until) => until <= performance.now())
      if (performance.now() - this.#foundAt > FRESH) this.#look()
      if (this.#stopped.size < AT_ONCE) this.#stopOne()
      const next = Math.min(...this.#stopped.values()) - performance.now()
      await sleep(Math.max(1, Math.min(next, 2 * Math.random() * this.#stops.every)))
    }
  }

  /** Nobody is stopped any more afterwards. */
  end(): void {
    this.#over = true
    this.#continueThose(() => true)
  }

  #look(): void {
    const all = readProcesses()
    const below = descendants(this.#root, all)
    for (const { pid, comm, state } of below) if (comm === 'nsenter' && state === 'T') signal(pid, 'SIGCONT')
    this.#found = below.filter((process) => !'ZTtX'.includes(process.state) && !LEFT_ALONE.includes(process.comm) && !isJob(process))
    this.#foundAt = performance.now()
  }

  /** Of a kind first: there are many more shims and containers than programs of Node's. */
  #stopOne(): void {
    const kind = pick([...new Set(this.#found.map(kindOf))])
    const chosen = pick(this.#found.filter((process) => kindOf(process) === kind))
    if (!chosen || this.#stopped.has(chosen.pid) || readStatusLine(chosen.pid, 'TracerPid') !== '0') return
    if (!signal(chosen.pid, 'SIGSTOP')) return
    this.#stopped.set(chosen.pid, performance.now() + SHORTEST * (this.#stops.longest / SHORTEST) ** Math.random())
    this.count++
  }

  #continueThose(which: (until: number) => boolean): void {
    for (const [pid, until] of this.#stopped) {
      if (!which(until)) continue
      signal(pid, 'SIGCONT')
      this.#stopped.delete(pid)
    }
  }
}

function descendants(root: number, all: readonly Process[]): Process[] {
  const found = childrenOf(root, all)
  for (const { pid } of found) found.push(...childrenOf(pid, all))
  return found
}

/** A shell at a terminal hears of stops of its jobs, and takes the terminal back: credentials(7). */
const isJob = ({ terminal, processGroup, session }: Process): boolean => terminal !== 0 && processGroup !== session

function kindOf({ comm }: Process): string {
  if (/^(node|MainThread)/.test(comm)) return 'node'
  return comm === 'shim' ? 'shim' : 'other'
}

const pick = <T>(some: readonly T[]): T | undefined => some[Math.floor(Math.random() * some.length)]

/** False: it has ended. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
