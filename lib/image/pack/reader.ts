/**
 * Reading a tree through a shim's child that is confined to it (confine.ts). A unit is what is asked of one name: a few calls, made in the
 * directory that the name is in. Many units make a batch, one round trip:
 *
 *     /a/b      openat2, fchdir, close                 once for all units that follow each other in one directory
 *     name      openat, pread64, close                 a unit
 *     other     openat, pread64, close                 the next
 *
 * A container that still runs may take away any name between two calls. A unit whose first call finds nothing answers undefined, and the
 * batch goes on behind it.
 */

import { close, open, openat2 } from '../../kernel/calls/files.js'
import { fchdir } from '../../kernel/calls/process.js'
import { getdents64 } from '../../kernel/calls/reading.js'
import { errnoOf } from '../../kernel/constants.js'
import { DrydockError } from '../../kernel/errors.js'
import { loneShim } from '../../kernel/lone.js'
import { type Result, StepError } from '../../kernel/result.js'
import type { Shim } from '../../kernel/shim.js'
import { ref, type Step } from '../../kernel/step.js'
import type { IdmapPlan, IdmapSpec } from '../../primitives/idmap.js'
import { ownIdmap } from '../../primitives/own-ids.js'
import { confine, type Tree } from './confine.js'
import { type Bytes, bytesOf, readNames } from './records.js'

export interface ReadOptions {
  /** How the ids of containers are mapped. Default: as this machine maps them for an ordinary user; for root they are what they are. */
  readonly idmap?: IdmapSpec
  /** Where shims come from. */
  readonly newShim?: () => Promise<Shim>
  readonly signal?: AbortSignal
  /** Told what could not be packed, or changed while it was read: a sentence each. */
  readonly onWarning?: (sentence: string) => void
}

export interface Unit {
  /** From the tree's root, without slashes at its ends; '' is the root. */
  readonly directory: Bytes
  readonly steps: readonly Step[]
}

/** Said with every step: to have it filled in later costs more than all else of a step. */
export const actor = 'container'

/** What opening a name answers when it is gone, or is no longer what it was: a directory, a link, a socket. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE', 'ENXIO'])

/** What reading a directory answers that was removed since it was opened. */
export const REMOVED = ['ENOENT'] as const

/** The longest path that is opened at once. PATH_MAX is 4096. */
const LONGEST_PATH = 4000

/** Where a big directory's descriptor is while others are read between. */
const LISTED = ref('pack.listed')
const LIST_SIZE = 256 * 1024

export class TreeReader {
  readonly #shim: Shim
  readonly #signal: AbortSignal | undefined
  readonly #how: How
  /** One big directory at a time. */
  #listing: Promise<unknown> = Promise.resolve()

  private constructor(shim: Shim, signal: AbortSignal | undefined, how: How) {
    this.#shim = shim
    this.#signal = signal
    this.#how = how
  }

  /** Of what the root of a shim's child is, whoever has confined it. `crossing`: what is mounted in it is read too. */
  static over(shim: Shim, { signal, crossing = false }: { readonly signal?: AbortSignal; readonly crossing?: boolean }): TreeReader {
    return new TreeReader(shim, signal, crossing ? CROSSING : WITHIN)
  }

  static async open(tree: Tree, options: ReadOptions): Promise<TreeReader> {
    options.signal?.throwIfAborted()
    const ids = options.idmap ?? ownIdmap()
    const shim = await (options.newShim ?? loneShim)()
    try {
      await confine(shim, tree, ids)
    } catch (error) {
      await shim.rollback()
      const problem = (ids as IdmapPlan | undefined)?.problem
      throw problem === undefined ? error : new DrydockError(problem, { cause: error })
    }
    return new TreeReader(shim, options.signal, WITHIN)
  }

  close(): Promise<void> {
    return this.#shim.rollback()
  }

  /** Answers in the order of the units; undefined for those whose name, or directory, is gone. Any other failure is thrown. */
  async run(units: readonly Unit[]): Promise<(readonly Result[] | undefined)[]> {
    const answers: (readonly Result[] | undefined)[] = []
    while (answers.length < units.length) {
      const from = answers.length
      const { steps, begins } = batch(units, from, this.#how)
      const results = await this.attempt(steps)
      const failed = results.findIndex(({ status }) => status === 'failed')
      for (let index = from; index < units.length; index++) {
        const begin = begins[index - from] as number
        const end = begin + (units[index] as Unit).steps.length
        if (failed !== -1 && end > failed) break
        answers.push(results.slice(begin, end))
      }
      if (failed === -1) continue
      const index = answers.length
      const begin = begins[index - from] as number
      const result = results[failed] as Result
      if (failed > begin || !GONE.has(errnoOf(result.errno).name)) throw new StepError(result)
      answers.push(undefined)
      // With their directory all are gone that are in it.
      const { directory } = units[index] as Unit
      while (failed < begin && units[answers.length]?.directory === directory) answers.push(undefined)
    }
    return answers
  }

  /** The names in a directory of any size, in no order. Undefined: it is gone. */
  list(directory: Bytes): Promise<Bytes[] | undefined> {
    const mine = this.#listing.then(() => this.#list(directory))
    this.#listing = mine.catch(() => undefined)
    return mine
  }

  async #list(directory: Bytes): Promise<Bytes[] | undefined> {
    const names: Bytes[] = []
    const some = getdents64(LISTED, LIST_SIZE, { actor, allow: REMOVED })
    const more = [some, some]
    const [first] = await this.run([{ directory, steps: [open('.', DIRECTORY, { keep: LISTED.ref }), ...more] }])
    if (!first) return undefined
    let [, ...results] = first
    for (;;) {
      for (const result of results) readNames(result.outs[0] as Buffer, Number(result.ret), names)
      if ((results.at(-1)?.ret ?? 0n) <= 0n) break
      results = await this.#shim.run(more)
    }
    await this.#shim.run([close(LISTED)])
    return names
  }

  /** Steps as they are. */
  attempt(steps: readonly Step[]): Promise<Result[]> {
    this.#signal?.throwIfAborted()
    return this.#shim.attempt(steps)
  }
}

export const DIRECTORY = ['rdonly', 'directory', 'nofollow', 'nonblock'] as const

/** The steps of the units from one on, and where each unit's own begin. */
function batch(units: readonly Unit[], from: number, how: How): { steps: Step[]; begins: number[] } {
  const steps: Step[] = []
  const begins: number[] = []
  let current: Bytes | undefined
  for (let unit = from; unit < units.length; unit++) {
    const { directory, steps: own } = units[unit] as Unit
    if (directory !== current) {
      for (const step of enter(directory, how)) steps.push(step)
      current = directory
    }
    begins.push(steps.length)
    for (const step of own) steps.push(step)
  }
  return { steps, begins }
}

const WAY = ref('pack.way')
const GO = fchdir(WAY, { actor })
const ARRIVED = close(WAY, { actor })
const WITHIN = { flags: DIRECTORY, resolve: ['no_symlinks', 'no_magiclinks', 'no_xdev'] } as const
const CROSSING = { flags: DIRECTORY, resolve: ['no_symlinks', 'no_magiclinks'] } as const
type How = typeof WITHIN | typeof CROSSING

/** Go to a directory from the root, in as many pieces as its depth needs. No link is followed on the way. */
function enter(directory: Bytes, how: How): Step[] {
  return pieces(directory).flatMap((piece) => [openat2(piece, how, { actor, keep: WAY.ref }), GO, ARRIVED])
}

export function pieces(directory: Bytes): Buffer[] {
  const found: Buffer[] = []
  let rest = `/${directory}`
  while (rest.length > LONGEST_PATH) {
    const cut = rest.lastIndexOf('/', LONGEST_PATH)
    found.push(bytesOf(rest.slice(0, cut)))
    rest = rest.slice(cut + 1)
  }
  found.push(bytesOf(rest))
  return found
}
