/** `drydock network`: bridges of one's own. */
import { Command } from 'commander'
import { shortId } from '../container/index.js'
import { withLoneShim } from '../kernel/lone.js'
import { dataRoot } from '../kernel/places.js'
import { createNetwork, inspectNetwork, listNetworks, type NetworkView, removeNetwork } from '../network/index.js'
import { table } from './table.js'
import { parseVerb, toEach } from './verb.js'

const ACTIONS: Readonly<Record<string, { text: string; run: (argv: readonly string[]) => Promise<number> }>> = {
  create: { text: 'make one', run: create },
  ls: { text: 'list them', run: list },
  inspect: { text: 'all about some, as JSON', run: inspect },
  rm: { text: 'remove some', run: remove },
}

export async function network(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (action) return action.run(rest)
  const rows = Object.entries(ACTIONS).map(([one, { text }]) => `  ${one.padEnd(10)} ${text}`)
  const asked = name === undefined || name === '--help'
  const help = `Usage: drydock network COMMAND\n\n${rows.join('\n')}\n`
  if (asked) process.stdout.write(help)
  else process.stderr.write(`drydock: 'network ${name}' is no drydock command.\n\n${help}`)
  return asked ? 0 : 1
}

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
  process.stdout.write(`${JSON.stringify(found.map(shown), undefined, 4)}\n`)
  return 0
}

/** By Docker's names of members, as far as there is one. */
function shown({ name, id, created, bridge, subnet, gateway, mtu, labels, leases }: NetworkView) {
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
