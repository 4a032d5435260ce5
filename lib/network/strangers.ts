/**
 * A packet for one of the two hosts must not leave by the default route, to whoever is there: before a connection is made, the kernel is asked which way it
 * would go (two-hosts.ts). For all who connect to an address or to a name that somebody has typed.
 */
import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

/** An error where this address, which may be no address at all, would lead to strangers. Nothing is loaded for those who ask on this machine. */
export async function refuseAddress(address: string): Promise<void> {
  if (isIP(address) === 4 && !address.startsWith('127.')) await (await import('./two-hosts.js')).refuseStrangers(address)
}

/** dns.lookup, whose answer is an error when it leads to strangers: what is looked at is what is connected to. */
export const guardedLookup: LookupFunction = (name, options, callback) => {
  lookup(name, options, (error, found, family) => {
    if (error) return callback(error, found as string, family)
    const addresses = typeof found === 'string' ? [found] : (found as readonly { address: string }[]).map(({ address }) => address)
    Promise.all(addresses.map(refuseAddress)).then(
      () => callback(null, found as string, family),
      (refusal: Error) => callback(refusal, '', 0),
    )
  })
}

/** Both, for clients that make connections of their own. */
export const STRANGERS_REFUSED = { address: refuseAddress, lookup: guardedLookup } as const
