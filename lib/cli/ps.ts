/** `drydock ps`: the containers on disk, and which of them the kernel knows. Docker's table. */
import { Command } from 'commander'
import { listContainers, type StoredContainer } from '../container/index.js'
import { ago } from '../engine/durations.js'
import { firstProcesses } from '../engine/living.js'
import { portsOf } from '../engine/ports.js'
import { dataRoot } from '../kernel/places.js'
import { type ContainerSummary, containerListing } from './container-rows.js'
import { showRows } from './format/index.js'
import type { ShownPort } from './ports.js'
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
  const ports = await portsOf(shown.filter(runs), dataRoot())
  const summaries = shown.map((one) => summaryOf(one, runs(one), ports.get(one.record.spec.id) ?? []))
  process.stdout.write(
    showRows(containerListing({ trunc, size: false }), summaries, quiet && (format ?? 'table') === 'table' ? '{{.ID}}' : format),
  )
  return 0
}

function summaryOf(container: StoredContainer, running: boolean, ports: readonly ShownPort[]): ContainerSummary {
  const { spec, created } = container.record
  const { network } = spec
  return {
    Id: spec.id,
    Names: [`/${spec.name}`],
    Image: spec.image.name,
    Command: spec.argv.join(' '),
    Created: Date.parse(created) / 1000,
    Ports: ports,
    Labels: spec.declared?.labels ?? {},
    State: running ? 'running' : container.exit ? 'exited' : 'created',
    Status: statusOf(container, running),
    NetworkSettings: {
      Networks: Object.fromEntries((network.kind === 'networks' ? network.names : [network.kind]).map((name) => [name, {}])),
    },
    Mounts: spec.mounts.flatMap(({ source }) => (source === undefined ? [] : [{ Source: source }])),
  }
}

/** Up, Exited or Created, as the kernel and the exit file say. A shim that was killed has left no exit. */
function statusOf({ record, exit }: StoredContainer, running: boolean): string {
  if (running) return `Up ${ago(record.created)}`
  return exit ? `Exited (${exit.exitCode}) ${ago(exit.finishedAt)} ago` : 'Created'
}
