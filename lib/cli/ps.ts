/** `drydock ps`: the containers on disk, and which of them the kernel knows. Docker's table. */
import { Command } from 'commander'
import { listContainers, type StoredContainer, shortId } from '../container/index.js'
import { firstProcesses } from '../engine/living.js'
import { dataRoot } from '../kernel/places.js'
import { ago, table } from './table.js'
import { parseVerb } from './verb.js'

interface Options {
  readonly all: boolean
  readonly quiet: boolean
  readonly trunc: boolean
}

export async function ps(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock ps')
    .description('List containers.')
    .option('-a, --all', 'those that do not run too', false)
    .option('-q, --quiet', 'ids only', false)
    .option('--no-trunc', 'nothing is cut off')
    .allowExcessArguments(false)
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { all, quiet, trunc } = parsed.options
  const running = firstProcesses()
  const shown = listContainers(dataRoot()).filter(({ layout }) => all || running.has(layout.upper))
  const id = ({ record }: StoredContainer) => (trunc ? shortId(record.spec.id) : record.spec.id)
  if (quiet) {
    for (const one of shown) process.stdout.write(`${id(one)}\n`)
    return 0
  }
  const rows = shown.map((one) => {
    const { spec, created } = one.record
    return [
      id(one),
      spec.image.name,
      commandOf(spec.argv, trunc),
      `${ago(created)} ago`,
      statusOf(one, running.has(one.layout.upper)),
      portsOf(one),
      spec.name,
    ]
  })
  process.stdout.write(table(['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'], rows))
  return 0
}

const LONGEST_COMMAND = 20

function commandOf(argv: readonly string[], cut: boolean): string {
  const whole = argv.join(' ')
  return JSON.stringify(cut && whole.length > LONGEST_COMMAND ? `${whole.slice(0, LONGEST_COMMAND - 1)}…` : whole)
}

/** Up, Exited or Created, as the kernel and the exit file say. A shim that was killed has left no exit. */
function statusOf({ record, exit }: StoredContainer, running: boolean): string {
  if (running) return `Up ${ago(record.created)}`
  return exit ? `Exited (${exit.exitCode}) ${ago(exit.finishedAt)} ago` : 'Created'
}

const portsOf = ({ record: { spec } }: StoredContainer): string => (spec.network.kind === 'networks' ? spec.network.ports.join(', ') : '')
