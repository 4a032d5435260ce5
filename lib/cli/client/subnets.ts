/** Which gateway, which part and which taken addresses belong to which subnet: each to the one that it lies in. */
import { BlockList, isIP } from 'node:net'
import { DrydockError } from '../../kernel/errors.js'
import { pair } from './create/csv.js'

interface Wishes {
  readonly subnet: readonly string[]
  readonly gateway: readonly string[]
  readonly ipRange: readonly string[]
  readonly auxAddress: readonly string[]
}

interface Config {
  Subnet: string
  IPRange?: string
  Gateway?: string
  AuxiliaryAddresses?: Record<string, string>
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

/** IPAMConfig of each subnet. What is no subnet at all is told by the engine. Fails in docker's words when something has no subnet or two have one. */
export function subnetsOf({ subnet, gateway, ipRange, auxAddress }: Wishes): Config[] {
  const configs = subnet.map((text) => ({ block: blockOf(text), config: { Subnet: text } as Config }))
  const home = (address: string, what: string) =>
    configs.find(({ block }) => block.check(address, familyOf(address)))?.config ?? refuse(`no matching subnet for ${what}`)
  for (const [at, { block }] of configs.entries())
    if (configs.some((other, index) => index !== at && block.check(firstOf(other.config.Subnet), familyOf(firstOf(other.config.Subnet)))))
      refuse('multiple overlapping subnet configuration is not supported')
  for (const range of ipRange) {
    const config = home(firstOf(range), `range ${range}`)
    if (config.IPRange !== undefined)
      refuse(`cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`)
    config.IPRange = range
  }
  for (const address of gateway) {
    const config = home(address, `gateway ${address}`)
    if (config.Gateway !== undefined)
      refuse(`cannot configure multiple gateways (${address}, ${config.Gateway}) for the same subnet (${config.Subnet})`)
    config.Gateway = address
  }
  for (const text of auxAddress) {
    const { name, value = '' } = pair(text)
    const config = home(value, `aux-address ${value}`)
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: value }
  }
  return configs.map(({ config }) => config)
}

const firstOf = (range: string): string => range.split('/')[0] as string
const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

function blockOf(text: string): BlockList {
  const [address = '', bits = ''] = text.split('/')
  const most = isIP(address) === 6 ? 128 : 32
  const block = new BlockList()
  if (isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most) block.addSubnet(address, Number(bits), familyOf(address))
  return block
}
