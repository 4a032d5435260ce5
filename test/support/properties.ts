/**
 * Properties: what must hold of any input, tried with some by chance. What fails is told with its seed and made as small as it can be. DRYDOCK_SEED chooses other
 * inputs, DRYDOCK_RUNS how many for each property.
 */
import fc from 'fast-check'
import { DrydockError } from '../../lib/kernel/errors.js'

/** For each property, unless it is quick and has many cases: a multiple then. */
export const RUNS = Number(process.env.DRYDOCK_RUNS ?? 200)

fc.configureGlobal({ seed: Number(process.env.DRYDOCK_SEED ?? 1), numRuns: RUNS })

export { fc }

/** What it answers; undefined when it refuses, which it may do in one way alone: with a sentence for people. */
export function answerOf<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    if (error.message === '') throw new Error('a refusal is no sentence: it says nothing')
    return undefined
  }
}

/** Bytes, and some of them changed: near enough to what is right that much of it is read. */
export interface Change {
  /** A part of the whole, from 0 to 1. */
  readonly where: number
  readonly byte: number
}

export const changes = (most: number): fc.Arbitrary<Change[]> =>
  fc.array(fc.record({ where: fc.double({ min: 0, max: 0.999999, noNaN: true }), byte: fc.integer({ min: 0, max: 255 }) }), {
    maxLength: most,
  })

export function changed(bytes: Buffer, all: readonly Change[]): Buffer {
  const copy = Buffer.from(bytes)
  for (const { where, byte } of all) copy[Math.floor(where * copy.length)] = byte
  return copy
}

/** Bytes as a Buffer. */
export const buffer = (least: number, most: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: least, maxLength: most }).map((bytes) => Buffer.from(bytes))
