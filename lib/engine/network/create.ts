/** A network out of what a client asks for. What bridges here cannot do is refused by name. Engine API 1.47, NetworkCreate. */
import { isIPv4 } from 'node:net'
import { DrydockError } from '../../kernel/errors.js'
import { createNetwork, type NetworkChoices, type NetworkConfig, type NewNetworkSettings } from '../../network/index.js'
import { idle, is, type Members, readMembers, refused, saysNothing } from '../request/members.js'
import type { Document } from '../types.js'

const BODY: Members = {
  Name: is('text'),
  CheckDuplicate: idle('flag'),
  Driver: is('text'),
  Scope: is('text'),
  Internal: is('flag'),
  Attachable: is('flag'),
  Ingress: refused('flag', 'this engine is no member of a swarm'),
  ConfigOnly: refused('flag', 'a network has its settings itself'),
  ConfigFrom: refused('object', 'a network has its settings itself'),
  IPAM: is('object'),
  EnableIPv4: is('flag'),
  EnableIPv6: is('flag'),
  Options: is('map'),
  Labels: is('map'),
}

const IPAM: Members = { Driver: is('text'), Options: is('map'), Config: is('list') }

const IPAM_CONFIG: Members = { Subnet: is('text'), IPRange: is('text'), Gateway: is('text'), AuxiliaryAddresses: is('map') }

type Words = Readonly<Record<string, string>>

interface Body {
  readonly Name?: string
  readonly Driver?: string
  readonly Scope?: string
  readonly Internal?: boolean
  readonly Attachable?: boolean
  readonly IPAM?: unknown
  readonly EnableIPv4?: boolean
  readonly EnableIPv6?: boolean
  readonly Options?: Words
  readonly Labels?: Words
}

const refuse = (why: string, status = 400): never => {
  throw new DrydockError(why, { status })
}

export async function createFrom(dataRoot: string, document: Document): Promise<NetworkConfig> {
  const body = readMembers(document, BODY) as Body
  const { Name: name = '', Labels = {}, Options = {} } = body
  if (name === '') refuse('a network needs a name')
  checkDriver(body.Driver ?? '')
  checkScope(body.Scope ?? '')
  if (body.EnableIPv4 === false) refuse('EnableIPv4=false is not supported: containers have IPv4 addresses')
  checkWords('Labels', Labels)
  checkWords('Options', Options)
  const { place, choices } = ipamOf(body.IPAM, body.EnableIPv6 ?? false)
  const { bridge, mtu, ...chosen } = driverOptions(name, Options)
  const more: NetworkChoices = {
    ...choices,
    ...(body.Internal && { internal: true }),
    ...(body.Attachable && { attachable: true }),
    ...chosen,
    ...(Object.keys(Options).length > 0 && { options: Options }),
  }
  return createNetwork(dataRoot, name, {
    ...place,
    labels: Labels,
    more,
    ...(bridge !== undefined && { bridge }),
    ...(mtu !== undefined && { mtu }),
  })
}

function checkDriver(driver: string): void {
  if (driver === '' || driver === 'bridge' || driver === 'default') return
  if (driver === 'host' || driver === 'null') refuse(`only one instance of "${driver}" network is allowed`, 403)
  if (driver === 'overlay') {
    refuse(
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      503,
    )
  }
  if (driver === 'macvlan' || driver === 'ipvlan') refuse(`the network driver ${driver} is not supported: bridge is`)
  refuse(`plugin "${driver}" not found`, 404)
}

function checkScope(scope: string): void {
  if (scope === 'swarm') refuse('cannot create a swarm scoped network when swarm is not active', 403)
  if (scope !== '' && scope !== 'local') refuse(`invalid scope '${scope}': networks here are local`)
}

function checkWords(member: string, value: Readonly<Record<string, unknown>>): void {
  const [name] = Object.entries(value).find(([, one]) => typeof one !== 'string') ?? []
  if (name !== undefined) refuse(`invalid JSON: ${member}.${name} must be a string`)
}

interface Ipam {
  readonly place: Pick<NewNetworkSettings, 'subnet' | 'gateway' | 'ipv6'>
  readonly choices: Pick<NetworkChoices, 'range' | 'reserved' | 'ipamOptions' | 'gatewayUnsaid'>
}

/** One entry for each family at most; that of IPv6 counts when the network is to have it. */
function ipamOf(document: unknown, ipv6: boolean): Ipam {
  const {
    Driver = '',
    Options = {},
    Config = [],
  } = readMembers(document, IPAM, 'IPAM.') as {
    Driver?: string
    Options?: Words
    Config?: readonly unknown[]
  }
  if (Driver !== '' && Driver !== 'default') refuse(`plugin "${Driver}" not found`, 404)
  checkWords('IPAM.Options', Options)
  const pools = Config.flatMap((one, index) => (saysNothing(one) ? [] : [poolOf(one, `IPAM.Config[${index}].`)]))
  const [four, six] = [false, true].map((wanted) => pools.filter(({ subnet }) => subnet.includes(':') === wanted))
  for (const some of [four, six]) if (some && some.length > 1) refuse('a bridge has one subnet of a family here: IPAM.Config names several')
  if (six?.[0] && !ipv6) refuse(`invalid network config: ${six[0].subnet} is a subnet of IPv6, and EnableIPv6 is not set`)
  const { subnet, gateway, ...choices } = four?.[0] ?? {}
  return {
    place: {
      ...(subnet !== undefined && { subnet }),
      ...(gateway !== undefined && { gateway }),
      ...(ipv6 && { ipv6: six?.[0] ?? {} }),
    },
    choices: { ...choices, ...(Object.keys(Options).length > 0 && { ipamOptions: Options }) },
  }
}

interface Pool {
  readonly subnet: string
  readonly gateway?: string
  readonly range?: string
  readonly reserved?: Words
  readonly gatewayUnsaid?: true
}

function poolOf(document: unknown, path: string): Pool {
  const {
    Subnet = '',
    IPRange = '',
    Gateway = '',
    AuxiliaryAddresses = {},
  } = readMembers(document, IPAM_CONFIG, path) as { Subnet?: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Words }
  checkWords(`${path}AuxiliaryAddresses`, AuxiliaryAddresses)
  checkReserved(Gateway, AuxiliaryAddresses)
  if (Subnet === '') refuse('invalid network config: a subnet is needed for a gateway, a range or reserved addresses')
  return {
    subnet: Subnet,
    ...(Gateway === '' ? { gatewayUnsaid: true } : { gateway: Gateway }),
    ...(IPRange !== '' && { range: IPRange }),
    ...(Object.keys(AuxiliaryAddresses).length > 0 && { reserved: AuxiliaryAddresses }),
  }
}

/** Each of them is one address, and another than the gateway. */
function checkReserved(gateway: string, reserved: Words): void {
  const taken = new Set([gateway])
  for (const [name, address] of Object.entries(reserved)) {
    if (taken.has(address)) refuse(`failed to allocate secondary ip address (${name}:${address}): Address already in use`, 403)
    taken.add(address)
  }
}

const PREFIX = 'com.docker.network.'

type DriverOptions = Pick<NewNetworkSettings, 'bridge' | 'mtu'> & Pick<NetworkChoices, 'routed' | 'apart' | 'hostBinding'>

/** Those of Docker's bridge driver. What is nobody's is kept, as Docker does, and means nothing. */
function driverOptions(network: string, options: Words): DriverOptions {
  const found: { -readonly [name in keyof DriverOptions]: DriverOptions[name] } = {}
  for (const [name, value] of Object.entries(options)) {
    if (!name.startsWith(PREFIX)) continue
    const unsupported = () => refuse(`the option ${name}=${value} of network ${network} is not supported`)
    switch (name.slice(PREFIX.length)) {
      case 'bridge.name':
        found.bridge = value
        break
      case 'driver.mtu':
        found.mtu = mtuOf(name, value)
        break
      case 'bridge.enable_ip_masquerade':
        if (!flagOf(name, value)) found.routed = true
        break
      case 'bridge.enable_icc':
        if (!flagOf(name, value)) found.apart = true
        break
      case 'bridge.host_binding_ipv4':
        if (value !== '')
          found.hostBinding = isIPv4(value) ? value : refuse(`failed to parse ${name} value: ${value}: it is no IPv4 address`)
        break
      default:
        unsupported()
    }
  }
  return found
}

/** RFC 791: every network passes packets of 68 bytes; Linux takes 65535 for a bridge. */
function mtuOf(name: string, value: string): number {
  const mtu = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  return mtu >= 68 && mtu <= 65535 ? mtu : refuse(`failed to parse ${name} value: ${value}: it is a number of bytes from 68 to 65535`)
}

/** Go's strconv.ParseBool. */
function flagOf(name: string, value: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false
  return refuse(`failed to parse ${name} value: ${value}: it is true or false`)
}
