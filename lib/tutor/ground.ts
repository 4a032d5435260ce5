/** Where a scene is played, and where an exercise is tried: one private host, or several that reach each other. */
import { Bottle } from '../bottle.js'

export interface Ground {
  /** Where boxes stand, and where an exercise's steps are made, unless another is named. */
  readonly bottle: Bottle
  /** End all that runs there, and undo what it did. Safe to call twice. */
  close(): Promise<void>
}

export type OpenGround = () => Promise<Ground>

/** What nearly all lessons stand on. */
export async function oneBottle(): Promise<Ground> {
  const bottle = await Bottle.open({ name: 'bottle' })
  return { bottle, close: () => bottle.close() }
}
