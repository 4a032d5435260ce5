/** `drydock ps`: the containers on disk, and which of them the kernel knows. Docker's table. */
import { Command } from 'commander'
import { listContainers, type StoredContainer, shortId } from '../container/index.js'
import { ago } from '../engine/durations.js'
import { firstProcesses } from '../engine/living.js'
import { portsOf } from '../engine/ports.js'
import { dataRoot } from '../kernel/places.js'
import { type Listing, showRows } from './format/index.js'
import { createdAt } from './table.js'
import { parseVerb } from './verb.js'

interface Options {
  readonly all: boolean
  readonly quiet: boolean
  readonly trunc: boolean
  readonly format?: string
}

export async function ps(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock ps')
    .description('List containers.')
    .option('-a, --all', 'those that do not run too', false)
    .option('-q, --quiet', 'ids only', false)
    .usage('[OPTIONS]')
    .option('--no-trunc', 'nothing is cut off')
    .option('--format <format>', 'table, json, or a Go template: {{.Names}}')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { all, quiet, trunc, format } = parsed.options
  const running = firstProcesses()
  const shown = listContainers(dataRoot()).filter(({ layout }) => all || running.has(layout.upper))
  const runs = ({ layout }: StoredContainer) => running.has(layout.upper)
  const listing = listingOf(trunc, runs, await portsOf(shown.filter(runs), dataRoot()))
  process.stdout.write(showRows(listing, shown, quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format))
  return 0
}

function listingOf(
  trunc: boolean,
  runs: (container: StoredContainer) => boolean,
  ports: ReadonlyMap<string, string>,
): Listing<StoredContainer> {
  return {
    type: 'formatter.ContainerContext',
    columns: {
      Command: { heading: 'COMMAND', of: ({ record }) => commandOf(record.spec.argv, trunc) },
      CreatedAt: { heading: 'CREATED AT', of: ({ record }) => createdAt(record.created) },
      ID: { heading: 'CONTAINER ID', of: ({ record }) => (trunc ? shortId(record.spec.id) : record.spec.id) },
      Image: { heading: 'IMAGE', of: ({ record }) => record.spec.image.name },
      Labels: { heading: 'LABELS', of: ({ record }) => labelsOf(record.spec.declared?.labels ?? {}) },
      Mounts: { heading: 'MOUNTS', of: ({ record }) => record.spec.mounts.flatMap(({ source }) => source ?? []).join(',') },
      Names: { heading: 'NAMES', of: ({ record }) => record.spec.name },
      Networks: { heading: 'NETWORKS', of: ({ record }) => networksOf(record.spec.network) },
      Ports: { heading: 'PORTS', of: ({ record }) => ports.get(record.spec.id) ?? '' },
      RunningFor: { heading: 'CREATED', of: ({ record }) => `${ago(record.created)} ago` },
      State: { heading: 'STATE', of: (one) => (runs(one) ? 'running' : one.exit ? 'exited' : 'created') },
      Status: { heading: 'STATUS', of: (one) => statusOf(one, runs(one)) },
    },
    usual: '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}',
  }
}

const labelsOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map((label) => label.join('='))
    .join(',')

const networksOf = (network: StoredContainer['record']['spec']['network']): string =>
  network.kind === 'networks' ? network.names.join(',') : network.kind

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
