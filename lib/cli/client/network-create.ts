/** `drydock network create`. */
import { DrydockError } from '../../kernel/errors.js'
import { commaList, GoCommand, list } from '../flags.js'
import { asMap, checkLabel } from './create/words.js'
import { subnetsOf } from './subnets.js'
import { verb } from './verb.js'

interface Flags {
  readonly attachable?: boolean
  readonly auxAddress: readonly string[]
  readonly configFrom?: string
  readonly configOnly?: boolean
  readonly driver: string
  readonly gateway: readonly string[]
  readonly ingress?: boolean
  readonly internal?: boolean
  readonly ipRange: readonly string[]
  readonly ipamDriver: string
  readonly ipamOpt: readonly string[]
  readonly ipv4?: boolean
  readonly ipv6?: boolean
  readonly label: readonly string[]
  readonly opt: readonly string[]
  readonly scope?: string
  readonly subnet: readonly string[]
}

export const createNetwork = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Make a network.')
      .usage('[OPTIONS] NETWORK')
      .argument('<name>', 'of the network')
      .option('--attachable', 'containers may be connected by hand')
      .addOption(list('--aux-address <name=address>', 'an address that is taken by something else'))
      .option('--config-from <network>', 'a network that says how')
      .option('--config-only', 'it only says how')
      .option('-d, --driver <name>', 'which driver makes it', 'bridge')
      .addOption(commaList('--gateway <address>', 'the network’s own; the first of the range otherwise'))
      .option('--ingress', 'the routing mesh of a swarm')
      .option('--internal', 'no way out')
      .addOption(commaList('--ip-range <range>', 'containers’ addresses are of this part'))
      .option('--ipam-driver <name>', 'who gives addresses', 'default')
      .addOption(list('--ipam-opt <name=value>', 'an option of that'))
      .option('--ipv4', 'IPv4 addresses; --ipv4=false: none')
      .option('--ipv6', 'IPv6 addresses')
      .addOption(list('--label <name=value>', 'a label', checkLabel))
      .addOption(list('-o, --opt <name=value>', 'an option of the driver'))
      .option('--scope <scope>', 'how far it reaches')
      .addOption(commaList('--subnet <range>', 'such as 172.30.0.0/16; a free one otherwise')),
  async ({ options, args, engine: open }) => {
    const body = networkBody(options, args[0] as string)
    const engine = await open()
    // Older engines make a second one of the same name unless they are told not to.
    const whole = engine.atLeast('1.44') ? body : { ...body, CheckDuplicate: true }
    const { Id, Warning } = await engine.call<{ Id: string; Warning?: string }>({ method: 'POST', path: '/networks/create', body: whole })
    if (Warning) process.stderr.write(`WARNING: ${Warning}\n`)
    process.stdout.write(`${Id}\n`)
    return 0
  },
)

/** What docker's client sends. */
export function networkBody(flags: Flags, name: string): object {
  if (flags.subnet.length === 0 && flags.ipRange.length + flags.gateway.length > 0)
    throw new DrydockError('every ip-range or gateway must have a corresponding subnet', { status: 400 })
  const config = subnetsOf(flags)
  return {
    Name: name,
    Driver: flags.driver,
    Scope: flags.scope ?? '',
    ...(flags.ipv4 !== undefined && { EnableIPv4: flags.ipv4 }),
    ...(flags.ipv6 !== undefined && { EnableIPv6: flags.ipv6 }),
    IPAM: { Driver: flags.ipamDriver, Options: asMap(flags.ipamOpt), Config: config },
    Internal: flags.internal === true,
    Attachable: flags.attachable === true,
    Ingress: flags.ingress === true,
    ConfigOnly: flags.configOnly === true,
    ConfigFrom: flags.configFrom === undefined ? null : { Network: flags.configFrom },
    Options: asMap(flags.opt),
    Labels: asMap(flags.label),
  }
}
