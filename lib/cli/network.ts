/** `drydock network`: bridges of one's own. */
import { Command } from 'commander'
import { shortId } from '../container/index.js'
import { withLoneShim } from '../kernel/lone.js'
import { dataRoot } from '../kernel/places.js'
import { createNetwork, inspectNetwork, listNetworks, type NetworkView, removeNetwork } from '../network/index.js'
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
  const found = await Promise.all(parsed.args.map((name) => inspectNetwork(dataRoot(), name)))
  process.stdout.write(`${JSON.stringify(found.map(networkDocument), undefined, 4)}\n`)
  return 0
}

/** By Docker's names of members, as far as there is one. */
export function networkDocument({ name, id, created, bridge, subnet, gateway, mtu, labels, leases }: NetworkView) {
  const containers = [...leases].map(([address, lease]) => [
    lease.id,
    { Name: lease.name, MacAddress: lease.mac, IPv4Address: `${address}/${subnet.split('/')[1]}` },
  ])
  return {
    Name: name,
    Id: id,
    Created: created,
    Driver: 'bridge',
    IPAM: { Config: [{ Subnet: subnet, Gateway: gateway }] },
    Containers: Object.fromEntries(containers),
    Options: { 'com.docker.network.bridge.name': bridge, 'com.docker.network.driver.mtu': String(mtu) },
    Labels: labels,
  }
}

async function remove(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(new Command('drydock network rm').argument('<network...>'), argv)
  if ('status' in parsed) return parsed.status
  return toEach(parsed.args, (name) => withLoneShim((shim) => removeNetwork(dataRoot(), name, shim)))
}
