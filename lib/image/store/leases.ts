/**
 * What running programs use, so that collecting garbage leaves it. A lease ends with its program, however that ends.
 *
 *     pull     writes what it will use into its lease       collect   announces itself
 *     pull     waits until nobody collects                  collect   reads leases, then records
 *     pull     looks what is there already                  collect   removes what neither names
 *
 * Whoever of the two is later sees the earlier: either the collector finds the lease, or the other waits and looks afterwards. Leases are read before records,
 * since a record is written before the lease on what it names ends.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isInHand, keepYoung, ownerName } from '../owner.js'
import { isDigest } from '../reference.js'
import type { Digest } from '../types.js'
import { type ClaimOptions, unclaimed } from './claims.js'
import { listed, UNFINISHED, writeWhole } from './files.js'
import type { Paths } from './paths.js'

/** The claim of who collects. */
export const COLLECTING = 'collect'

export class Lease {
  readonly #path: string
  readonly #claims: string
  readonly #digests = new Set<Digest>()
  readonly #rest: () => void

  constructor({ leases, claims }: Paths) {
    this.#path = join(leases, ownerName())
    this.#claims = claims
    this.#rest = keepYoung(this.#path)
  }

  /** Blobs by digest, layers by chain id. What is there when this resolves stays until the lease is released. */
  async add(digests: Iterable<Digest>, options?: ClaimOptions): Promise<void> {
    for (const digest of digests) this.#digests.add(digest)
    // It protects from living programs only: when the power fails its owner is gone too.
    writeWhole(this.#path, [...this.#digests].join('\n'), { sync: false })
    await unclaimed(this.#claims, COLLECTING, options)
  }

  get digests(): ReadonlySet<Digest> {
    return this.#digests
  }

  release(): void {
    this.#rest()
    rmSync(this.#path, { force: true })
  }
}

/** All that the living have leased; the leases of the dead are removed. */
export function leased({ leases }: Paths): Set<Digest> {
  const found = new Set<Digest>()
  for (const name of listed(leases)) {
    const path = join(leases, name)
    if (name.startsWith(UNFINISHED)) continue
    if (!isInHand(path)) rmSync(path, { force: true })
    else for (const line of textOf(path).split('\n')) if (isDigest(line)) found.add(line)
  }
  return found
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // released meanwhile: its record is written
  }
}
