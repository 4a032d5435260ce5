/** `--add-host` and `--dns`, as docker's command line and the Engine API take them. */
import { isIP } from 'node:net'
import { DrydockError } from '../kernel/errors.js'

/** Docker's word for the host as its containers reach it. */
const GATEWAY = 'host-gateway'

/** `NAME:ADDRESS` (or `NAME=ADDRESS`) into lines of /etc/hosts. `gateway`: the host's address in the default network. */
export function parseExtraHosts(texts: readonly string[], gateway: () => string | undefined = () => undefined): string[] {
  return texts.map((text) => {
    const [, name = '', word = ''] = /^([^:=]+)[:=](.+)$/.exec(text) ?? []
    const address = word === GATEWAY ? (gateway() ?? word) : word
    const bare = address.replace(/^\[(.*)\]$/, '$1')
    if (name !== '' && !/\s/.test(name) && isIP(bare) !== 0) return `${bare}\t${name}`
    throw new DrydockError(`bad format for add-host: "${text}": it is NAME:ADDRESS, such as db:10.0.0.5`, { status: 400 })
  })
}

/** Addresses, as they are. */
export function checkServers(addresses: readonly string[]): readonly string[] {
  const wrong = addresses.find((address) => isIP(address) === 0)
  if (wrong === undefined) return addresses
  throw new DrydockError(`${wrong} is not an ip address: --dns takes the address of a name server`, { status: 400 })
}
