/** `drydock network`: bridges of one's own. */
import { Command } from 'commander'
import { shortId } from '../container/index.js'
import { bridgeOf, leasedMembers, networkDocument } from '../engine/network/index.js'
import { withLoneShim } from '../kernel/lone.js'
import { dataRoot } from '../kernel/places.js'
import { networkOf } from '../network/config.js'
import { createNetwork, listNetworks, removeNetwork } from '../network/index.js'
import { type Action, runGroup } from './group.js'
import { table } from './table.js'
import { parseVerb, toEach } from './verb.js'

const ACTIONS: Readonly<Record<string, Action>> = {
  create: { text: 'make one', run: create },
  ls: { text: 'list them', run: list, aliases: ['list'] },
  inspect: { text: 'all about some, as JSON', run: inspect },
  rm: { text: 'remove some', run: remove, aliases: ['remove'] },
}

export const network = (argv: readonly string[]): Promise<number> => runGroup('network', ACTIONS, argv)

async function create(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock network create')
    .argument('<name>')
    .option('--subnet <range>', 'such as 172.30.0.0/16; a free one otherwise')
    .option('--gateway <address>', 'the bridge’s own; the first of the range otherwise')
    .option('--mtu <bytes>', 'largest packet', Number)
  const parsed = parseVerb<{ subnet?: string; gateway?: string; mtu?: number }>(command, argv)
  if ('status' in parsed) return parsed.status
  const { id } = await createNetwork(dataRoot(), parsed.args[0] as string, parsed.options)
  process.stdout.write(`${id}\n`)
  return 0
}

async function list(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(new Command('drydock network ls').allowExcessArguments(false), argv)
  if ('status' in parsed) return parsed.status
  const rows = (await listNetworks(dataRoot())).map(({ id, name, bridge, subnet }) => [shortId(id), name, bridge, subnet])
  process.stdout.write(table(['NETWORK ID', 'NAME', 'BRIDGE', 'SUBNET'], rows))
  return 0
}

async function inspect(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(new Command('drydock network inspect').argument('<network...>'), argv)
  if ('status' in parsed) return parsed.status
  const found = parsed.args.map((name) => documentOf(name, dataRoot()))
  process.stdout.write(`${JSON.stringify(found, undefined, 4)}\n`)
  return 0
}

/** As the engine tells of it. */
export function documentOf(name: string, root: string): object {
  const network = bridgeOf(networkOf(root, name))
  return networkDocument(network, leasedMembers(root, network))
}

async function remove(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(new Command('drydock network rm').argument('<network...>'), argv)
  if ('status' in parsed) return parsed.status
  return toEach(parsed.args, (name) => withLoneShim((shim) => removeNetwork(dataRoot(), name, shim)))
}
