/** `drydock commit`: an image of a container's changes. */
import { Command } from 'commander'
import { findContainer } from '../container/index.js'
import { firstProcess } from '../engine/living.js'
import { standing } from '../engine/standing.js'
import { commitContainer } from '../image/commit.js'
import { parseReference } from '../image/reference.js'
import { Store } from '../image/store/index.js'
import { dataRoot } from '../kernel/places.js'
import { interruptible } from './interrupt.js'
import { parseVerb, repeated, switchOf } from './verb.js'

interface Options {
  readonly author?: string
  readonly message?: string
  readonly change: readonly string[]
}

export async function commit(argv: readonly string[]): Promise<number> {
  const pause = switchOf(argv, '-p', '--pause')
  const command = new Command('drydock commit')
    .description('Make an image of a container’s changes.')
    .argument('<container>')
    .argument('[name]')
    .usage('[OPTIONS] CONTAINER [REPOSITORY[:TAG]]')
    .option('-a, --author <name>', 'who made it')
    .option('-m, --message <text>', 'what it is about')
    .addOption(repeated('-c, --change <instruction>', 'an instruction of a Dockerfile, such as CMD ["sh"]'))
    .option('-p, --pause', 'let the container stand still meanwhile; --pause=false: do not', true)
  const parsed = parseVerb<Options>(command, pause.rest)
  if ('status' in parsed) return parsed.status
  const { author, message, change } = parsed.options
  const [word = '', name] = parsed.args
  const root = dataRoot()
  const container = findContainer(root, word)
  const reference = name === undefined ? undefined : parseReference(name)
  const make = (signal: AbortSignal) =>
    commitContainer(container, {
      store: new Store(root),
      ...(reference && { reference }),
      ...(author !== undefined && { author }),
      ...(message !== undefined && { message }),
      changes: change,
      signal,
      onWarning: warn,
    })
  const { id } = await interruptible((signal) =>
    pause.on ? standing({ pid: firstProcess(container.layout.upper), warn }, () => make(signal)) : make(signal),
  )
  process.stdout.write(`${id}\n`)
  return 0
}

const warn = (sentence: string): void => {
  process.stderr.write(`WARNING: ${sentence}\n`)
}
