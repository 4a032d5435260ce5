/**
 * One at a time, among programs any of which may be killed at any moment and none of which watches over the others. Who wants something announces it
 * with a file of a name that nobody else has, and then looks whether another one that lives has announced the same:
 *
 *     A   creates X.owner-A                      B   creates X.owner-B
 *     A   lists: sees B? then it waits           B   lists: sees A? then it waits
 *
 * Whoever of two is later sees the earlier, so two never have it at once. So that two who see each other do not wait for ever, the one whose name
 * sorts first leaves its file standing while it waits, and the other takes its own away. The dead are passed over and their files removed; as names
 * are never given twice, nobody can remove a living one's by mistake.
 */
import { closeSync, openSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isInHand, keepYoung, ownerName } from '../owner.js'
import { listed } from './files.js'

export interface Claim {
  release(): void
}

export interface ClaimOptions {
  readonly signal?: AbortSignal
  /** Now and then while another one has it. */
  readonly onWait?: () => void
}

/** How long is waited between two looks, in milliseconds: first, and at most. */
const SHORTEST = 5
const LONGEST = 100

const MARK = '.owner-'

/** Is this a file of a claim, and of whose? */
export const isClaim = (name: string): boolean => name.includes(MARK)

/** Have `name` in this directory to oneself until the claim is released, or this program ends. */
export async function claim(directory: string, name: string, { signal, onWait }: ClaimOptions = {}): Promise<Claim> {
  const own = join(directory, `${name}${MARK}${ownerName()}`)
  const rest = keepYoung(own)
  const release = () => {
    rest()
    rmSync(own, { force: true })
  }
  try {
    for (let pause = SHORTEST; ; pause = Math.min(LONGEST, pause * 1.5)) {
      signal?.throwIfAborted()
      closeSync(openSync(own, 'w', 0o600))
      const others = claimants(directory, name).filter((one) => one !== own)
      if (others.length === 0) return { release }
      if (others.some((one) => basename(one) < basename(own))) rmSync(own, { force: true })
      onWait?.()
      await sleep(pause, undefined, { ...(signal && { signal }) })
    }
  } catch (error) {
    release()
    throw signal?.aborted ? signal.reason : error
  }
}

/** Resolves when nobody has it; somebody may at once afterwards. */
export async function unclaimed(directory: string, name: string, { signal, onWait }: ClaimOptions = {}): Promise<void> {
  for (let pause = SHORTEST; claimants(directory, name).length > 0; pause = Math.min(LONGEST, pause * 1.5)) {
    onWait?.()
    await sleep(pause, undefined, { ...(signal && { signal }) })
  }
}

/** Files of the living who have it, or wait for it. */
function claimants(directory: string, name: string): string[] {
  return listed(directory)
    .filter((entry) => entry.startsWith(`${name}${MARK}`))
    .map((entry) => join(directory, entry))
    .filter((path) => {
      if (isInHand(path)) return true
      rmSync(path, { force: true })
      return false
    })
}
