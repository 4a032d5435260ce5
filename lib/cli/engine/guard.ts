/** No packet for one of the two hosts leaves by the default route (lib/network/strangers.ts): by address, and by where ssh's own settings lead. */
import { execFile } from 'node:child_process'
import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import { refuseAddress } from '../../network/strangers.js'
import type { Host } from './host.js'

export { guardedLookup } from '../../network/strangers.js'

/** For connect(): an address as it is. What a name means is looked at when it is looked up (`guardedLookup`). */
export async function guard(host: Exclude<Host, { kind: 'unix' }>): Promise<void> {
  if (host.kind === 'tcp') return refuseAddress(host.host)
  const end = await sshEnd(host)
  if (end === undefined) return
  for (const address of isIP(end) ? [end] : await addressesOf(end)) await refuseAddress(address)
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
