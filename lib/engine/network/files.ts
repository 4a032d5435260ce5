/** What a running container's files say of its networks. They are mounted over the image's, so they are written where they are. */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { DrydockError } from '../../kernel/errors.js'
import { readNetwork } from '../../network/config.js'
import { DEFAULT_NETWORK, hostNameservers, resolvConfFor } from '../../network/index.js'
import type { ContainerHandle } from '../context.js'

/** Lines of /etc/hosts that come and go. */
export interface HostsChange {
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
}

/** Bytes. A container may write into its files what it likes, and the engine is not to hold all of that. */
const LONGEST = 1024 * 1024

/** What is in a file of a running container's. Throws for one that is too long. */
export function textWritten(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(LONGEST + 1)
    let length = 0
    for (let read = -1; read !== 0 && length <= LONGEST; length += read) read = readSync(file, bytes, length, bytes.length - length, null)
    if (length > LONGEST) throw new DrydockError(`${path} has more than ${LONGEST} bytes, and is left as it is`)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(file)
  }
}

export function changeHosts({ layout }: ContainerHandle, { add = [], remove = [] }: HostsChange): void {
  const lines = textWritten(layout.hosts).split('\n')
  // The last piece is what follows the last line's end.
  const kept = lines.slice(0, -1).filter((line) => !remove.includes(line))
  writeFileSync(layout.hosts, [...kept, ...add, lines.at(-1)].join('\n'))
}

/** The name servers of the networks that it has now, where it had those of its networks before: what somebody has written into it stays. */
export function changeResolvers(
  dataRoot: string,
  { layout, record }: ContainerHandle,
  before: readonly string[],
  now: readonly string[],
): void {
  const said = (networks: readonly string[]) => resolvConfFor({ ...record.more?.dns, ...nameserversOf(dataRoot, networks) })
  const [old, fresh] = [said(before), said(now)]
  if (old !== fresh && textWritten(layout.resolvConf) === old) writeFileSync(layout.resolvConf, fresh)
}

/** Of user-defined networks their own; the host's where there is none. */
function nameserversOf(dataRoot: string, networks: readonly string[]) {
  const own = networks.flatMap((name) => (name === DEFAULT_NETWORK ? [] : (readNetwork(dataRoot, name)?.gateway ?? [])))
  return own.length > 0 ? { nameservers: own, service: true } : { nameservers: hostNameservers().nameservers }
}
