/** `drydock commit`: an image of a container's changes. */
import { Command } from 'commander'
import { findContainer } from '../container/index.js'
import { firstProcess } from '../engine/living.js'
import { commitContainer } from '../image/commit.js'
import { parseReference } from '../image/reference.js'
import { Store } from '../image/store/index.js'
import { DrydockError } from '../kernel/errors.js'
import { dataRoot, OWN_CGROUP } from '../kernel/places.js'
import { type Cgroup, cgroupOf, freeze, isFrozen, thaw } from '../primitives/cgroups/index.js'
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
  const { id } = await interruptible((signal) => (pause.on ? standing(container.layout.upper, () => make(signal)) : make(signal)))
  process.stdout.write(`${id}\n`)
  return 0
}

/** With the container's processes frozen, if it runs, nobody has frozen it before, and it can be. */
async function standing<T>(upper: string, act: () => Promise<T>): Promise<T> {
  const pid = firstProcess(upper)
  const cgroup = (pid === undefined ? undefined : cgroupOf(pid))?.filter(({ path }) => path.includes(`/${OWN_CGROUP}/`))
  if (!cgroup || !(await stands(cgroup))) return act()
  try {
    return await act()
  } finally {
    await thaw(cgroup)
  }
}

/** False when it stood already, or cannot: an ordinary user has no cgroup to freeze. */
async function stands(cgroup: Cgroup): Promise<boolean> {
  try {
    if (isFrozen(cgroup)) return false
    await freeze(cgroup)
    return true
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    warn(`the container runs on meanwhile: ${error.message}`)
    return false
  }
}

const warn = (sentence: string): void => {
  process.stderr.write(`WARNING: ${sentence}\n`)
}
