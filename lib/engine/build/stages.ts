/** Stages by name or number, as `FROM` and `COPY --from` mean them. */
import { wrong } from '../../image/dockerfile/index.js'
import type { Done } from './builder.js'

/** By its name alone. */
export const stageByName = (done: readonly Done[], word: string): Done | undefined =>
  done.find(({ name }) => name !== '' && name === word.toLowerCase())

/** Undefined: the word is an image's name. Throws for a number that is no stage's before. */
export function stageNamed(done: readonly Done[], word: string): Done | undefined {
  const named = stageByName(done, word)
  if (named || !/^[+-]?\d+$/.test(word)) return named
  const index = Number(word)
  if (index === done.length) throw wrong('refers to current build stage')
  if (index < 0 || index > done.length) throw wrong('index out of bounds')
  return done[index] as Done
}
