/**
 * A packet for one of the two hosts must not leave by the default route, to whoever is there: before a connection is tried, the kernel is asked which way
 * it would go (refuseStrangers), for addresses, for what names mean, and for where ssh's own settings lead.
 */
import { execFile } from 'node:child_process'
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Host } from './host.js'

/** Not loaded by those who ask an engine on this machine. */
const refuse = async (address: string) => {
  if (isIP(address) === 4) await (await import('../../network/two-hosts.js')).refuseStrangers(address)
}

/** For connect(): an address as it is. What a name means is looked at when it is looked up (`guardedLookup`), so that both have the same answer. */
export async function guard(host: Exclude<Host, { kind: 'unix' }>): Promise<void> {
  if (host.kind === 'tcp') return refuse(host.host)
  const end = await sshEnd(host)
  if (end === undefined) return
  for (const address of isIP(end) ? [end] : await addressesOf(end)) await refuse(address)
}

/** dns.lookup, whose answer is an error when it leads to strangers. */
export const guardedLookup: LookupFunction = (name, options, callback) => {
  lookup(name, options, (error, found, family) => {
    if (error) return callback(error, found as string, family)
    const addresses = typeof found === 'string' ? [found] : (found as readonly { address: string }[]).map(({ address }) => address)
    Promise.all(addresses.map(refuse)).then(
      () => callback(null, found as string, family),
      (refusal: Error) => callback(refusal, '', 0),
    )
  })
}

/** None for a name that nobody knows: who connects says so. */
const addressesOf = (name: string): Promise<string[]> =>
  new Promise((resolve) => lookup(name, { all: true }, (error, found) => resolve(error ? [] : found.map(({ address }) => address))))

/** The machine to which ssh would connect; undefined where another program or another machine does that for it, or ssh cannot say. ssh(1), -G. */
async function sshEnd({ host, user, port }: Extract<Host, { kind: 'ssh' }>): Promise<string | undefined> {
  const args = ['-G', ...(user ? ['-l', user] : []), ...(port ? ['-p', String(port)] : []), '--', host]
  const said = await new Promise<string>((resolve) => execFile('ssh', args, (error, stdout) => resolve(error ? '' : stdout)))
  const setting = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(said)?.[1]
  const others = ['proxycommand', 'proxyjump'].map(setting).filter((value) => value !== undefined && value !== 'none')
  return others.length > 0 ? undefined : setting('hostname')
}
