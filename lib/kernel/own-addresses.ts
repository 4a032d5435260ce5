/** The addresses of this machine, for names of it that others are told. */
import { networkInterfaces } from 'node:os'

/** By which others may reach this machine; link-local ones need the name of an interface, and neither a certificate nor an address of the web has one. */
export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flat()
    .flatMap((found) => (found && !found.internal && !found.address.startsWith('fe80:') ? [found.address] : []))
