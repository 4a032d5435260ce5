/** Where the workshop listens, as it is typed and as it is written in an address of the web. */
import { isIP } from 'node:net'
import { DrydockError } from '../kernel/errors.js'
import { ownAddresses } from '../kernel/own-addresses.js'

export interface Place {
  /** IPv4 or IPv6; `0.0.0.0` and `::` are all of this machine's. */
  readonly address: string
  /** Absent: the usual one, or a free one when that is taken. */
  readonly port?: number
}

export const USUAL_PORT = 7777

/** This machine alone. `localhost` means both for a browser. */
export const LOOPBACK: readonly string[] = ['127.0.0.1', '::1']

/** `--listen ADDRESS[:PORT]` and `--port N`. */
export function parsePlace(listen: string | undefined, port: string | undefined): Place {
  const separate = port === undefined ? undefined : parsePort(port, '--port')
  const { address, behind } = listen === undefined ? { address: 'localhost', behind: undefined } : split(listen)
  if (separate !== undefined && behind !== undefined && separate !== behind) {
    throw new DrydockError(`--listen ${listen} and --port ${port} name two ports: leave one out`)
  }
  const chosen = separate ?? behind
  return { address, ...(chosen !== undefined && { port: chosen }) }
}

function split(words: string): { address: string; behind: number | undefined } {
  const [, bracketed, plain = words, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(words) ?? []
  const address = bracketed ?? plain
  if (address !== 'localhost' && isIP(address) === 0) {
    throw new DrydockError(
      `'${words}' is no place to listen: it is an address of this machine, such as 0.0.0.0 (all of them), 192.168.1.5:8000 or [::]:8000`,
    )
  }
  return { address, behind: digits === undefined ? undefined : parsePort(digits, `--listen ${words}`) }
}

function parsePort(digits: string, where: string): number {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  if (port < 1 || port > 65535) throw new DrydockError(`${where}: '${digits}' is no port: it is a number from 1 to 65535`)
  return port
}

export const isLoopback = ({ address }: Place): boolean => address === 'localhost' || address === '::1' || /^127\./.test(address)

/** The addresses that are listened on for a place: one socket each. */
export const socketsOf = ({ address }: Place): readonly string[] => (address === 'localhost' ? LOOPBACK : [address])

/** What others may type to reach it, the likeliest first. */
export function reachedBy({ address }: Place): readonly string[] {
  if (address === 'localhost') return ['127.0.0.1']
  if (address === '0.0.0.0') return [...ownAddresses().filter((one) => isIP(one) === 4), '127.0.0.1']
  if (address === '::') return [...ownAddresses(), '127.0.0.1']
  return [address]
}

export const urlOf = (address: string, port: number): string => `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}/`
