/** `drydock rm`: remove containers, with `--force` also those that run. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { findContainer, type Layout, removeState, type StoredContainer, shortId } from '../container/index.js'
import { firstProcess } from '../engine/living.js'
import { DrydockError } from '../kernel/errors.js'
import { dataRoot } from '../kernel/places.js'
import { goesOn, readProcess } from '../kernel/proc/processes.js'
import { parseVerb, toEach } from './verb.js'

/** Milliseconds that a killed container and its shim get. */
const PATIENCE = 10_000

interface Options {
  readonly force: boolean
  readonly volumes: boolean
}

export async function rm(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock rm')
    .description('Remove containers.')
    .argument('<container...>', 'names or ids')
    .usage('[OPTIONS] CONTAINER [CONTAINER...]')
    .option('-f, --force', 'also those that run: they are killed', false)
    .option('-v, --volumes', 'with volumes that were made for it and have no name', false)
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  return toEach(parsed.args, (word) => remove(findContainer(dataRoot(), word), parsed.options, word))
}

async function remove({ record, layout }: StoredContainer, { force, volumes }: Options, word: string): Promise<void> {
  const pid = firstProcess(layout.upper)
  if (pid !== undefined) {
    if (!force) {
      throw new DrydockError(
        `cannot remove container "${word}": container is running: stop the container before removing or force remove (${shortId(record.spec.id)})`,
        { status: 409 },
      )
    }
    await killed(pid, layout, word)
  }
  removeState(layout, volumes ? record.spec.ownVolumes : [])
}

/** Until it is gone and its shim has written down how it ended: that goes into the directory that is to be removed. */
async function killed(pid: number, { upper, exit }: Layout, word: string): Promise<void> {
  const shim = readProcess(readProcess(pid)?.ppid ?? 0)
  process.kill(pid, 'SIGKILL')
  const ended = () => firstProcess(upper) === undefined && (existsSync(exit) || !shim || !goesOn(shim))
  for (const end = Date.now() + PATIENCE; !ended(); await sleep(5))
    if (Date.now() > end) throw new DrydockError(`container "${word}" was killed and does not end`, { status: 500 })
}
