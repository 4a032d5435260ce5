/** `drydock rmi`: names of images, and images with the last of their names. */
import { Command } from 'commander'
import type { listContainers } from '../container/index.js'
import { firstProcesses } from '../engine/living.js'
import { type Removed, removeImage } from '../image/remove.js'
import { Store } from '../image/store/index.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { dataRoot } from '../kernel/places.js'
import { parseVerb } from './verb.js'

interface Options {
  readonly force: boolean
  readonly prune: boolean
}

export async function rmi(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock rmi')
    .description('Remove images.')
    .argument('<image...>', 'names or ids')
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .option('-f, --force', 'also what stopped containers use, or what has names in several repositories', false)
    .option('--no-prune', 'leave nameless images that it was made from')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { force, prune } = parsed.options
  const store = new Store(dataRoot())
  const running = whichRun()
  let status = 0
  for (const word of parsed.args) {
    try {
      process.stdout.write(removedLines(await removeImage(store, word, { force, noPrune: !prune, running })))
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
      // Docker: with --force it is no failure that there is nothing to remove.
      if (!(force && error.status === 404)) status = 1
    }
  }
  return status
}

/** Of containers, which run: the kernel is asked once. */
export function whichRun(): (container: ReturnType<typeof listContainers>[number]) => boolean {
  const running = firstProcesses()
  return ({ layout }) => running.has(layout.upper)
}

const removedLines = (removed: readonly Removed[]): string =>
  removed.map((one) => ('Untagged' in one ? `Untagged: ${one.Untagged}\n` : `Deleted: ${one.Deleted}\n`)).join('')
