/** `drydock network connect` and `disconnect`: a container's plug, in and out. */
import { commaList, GoCommand, list, whole } from '../flags.js'
import { pair } from './create/csv.js'
import { checkLink } from './create/words.js'
import { verb } from './verb.js'

interface Flags {
  readonly alias: readonly string[]
  readonly driverOpt: readonly string[]
  readonly gwPriority?: number
  readonly ip?: string
  readonly ip6?: string
  readonly link: readonly string[]
  readonly linkLocalIp: readonly string[]
}

export const connect = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Plug a container into a network.')
      .usage('[OPTIONS] NETWORK CONTAINER')
      .argument('<network>', 'its name or its id')
      .argument('<container>', 'its name or its id')
      .addOption(commaList('--alias <name>', 'a further name there'))
      .addOption(commaList('--driver-opt <name=value>', 'an option of the driver'))
      .addOption(whole('--gw-priority <number>', 'the highest gives the default gateway'))
      .option('--ip <address>', 'its IPv4 address')
      .option('--ip6 <address>', 'its IPv6 address')
      .addOption(list('--link <container[:name]>', 'another container under a name', checkLink))
      .addOption(commaList('--link-local-ip <address>', 'a link-local address')),
  async ({ options, args, engine: open }) => {
    const [network = '', container = ''] = args
    const engine = await open()
    await engine.ask(engine.network(network).connect({ Container: container, EndpointConfig: endpointOf(options) }))
    return 0
  },
)

function endpointOf({ alias, driverOpt, gwPriority, ip, ip6, link, linkLocalIp }: Flags): object {
  return {
    IPAMConfig: {
      ...(ip !== undefined && { IPv4Address: ip }),
      ...(ip6 !== undefined && { IPv6Address: ip6 }),
      ...(linkLocalIp.length > 0 && { LinkLocalIPs: linkLocalIp }),
    },
    Links: link.length > 0 ? link : null,
    Aliases: alias.length > 0 ? alias : null,
    DriverOpts: driverOpt.length > 0 ? Object.fromEntries(driverOpt.map((text) => [pair(text).name, pair(text).value ?? ''])) : null,
    ...(gwPriority !== undefined && { GwPriority: gwPriority }),
  }
}

export const disconnect = verb<{ readonly force?: boolean }>(
  (path) =>
    new GoCommand(path)
      .description('Unplug a container from a network.')
      .usage('[OPTIONS] NETWORK CONTAINER')
      .argument('<network>', 'its name or its id')
      .argument('<container>', 'its name or its id')
      .option('-f, --force', 'whatever state it is in'),
  async ({ options: { force = false }, args, engine: open }) => {
    const [network = '', container = ''] = args
    const engine = await open()
    await engine.ask(engine.network(network).disconnect({ Container: container, Force: force }))
    return 0
  },
)
