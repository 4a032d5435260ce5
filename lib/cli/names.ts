/** `--add-host` and `--dns…`, as docker's command line takes them. */
import { isIP } from 'node:net'
import type { DnsSettings } from '../engine/launch.js'
import { DrydockError } from '../kernel/errors.js'
import type { RunFlags } from './run-options.js'

/** `NAME:ADDRESS` (or `NAME=ADDRESS`) into lines of /etc/hosts. */
export function parseExtraHosts(texts: readonly string[]): string[] {
  return texts.map((text) => {
    const [, name = '', address = ''] = /^([^:=]+)[:=](.+)$/.exec(text) ?? []
    const bare = address.replace(/^\[(.*)\]$/, '$1')
    if (name !== '' && !/\s/.test(name) && isIP(bare) !== 0) return `${bare}\t${name}`
    throw new DrydockError(`bad format for add-host: "${text}": it is NAME:ADDRESS, such as db:10.0.0.5`, { status: 400 })
  })
}

export function parseDns({ dns, dnsSearch, dnsOption }: RunFlags): DnsSettings {
  const wrong = dns.find((address) => isIP(address) === 0)
  if (wrong !== undefined)
    throw new DrydockError(`${wrong} is not an ip address: --dns takes the address of a name server`, { status: 400 })
  return { servers: dns, search: dnsSearch, options: dnsOption }
}
