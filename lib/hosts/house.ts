/**
 * One host: a bottle, and what makes it look like a machine of its own. Its files in /etc, an empty home and data root, `drydock` on the PATH.
 *
 *     /var/lib/drydock, /var/lib/docker   in memory, gone with the host; an overlay's upper layer must not be on another overlay
 *     /run                                the bottle's own, so that its sockets are nobody else's
 *     /root                               empty: no settings of the user's reach into it
 *     /usr/local/bin/drydock              this checkout's command
 */
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Rack } from '../bottle/rack.js'
import { Bottle } from '../bottle.js'
import { close, mkdir, open, unlink, write } from '../kernel/calls/files.js'
import { host, ref, type Step } from '../kernel/step.js'

/** Both engines' own; a real Docker daemon can be started in a host as well. */
const DATA = ['/var/lib/drydock', '/var/lib/docker'] as const

/** Where data and commands are when /var or /usr cannot be written, in the tmpfs on /run. */
const ASIDE = { data: '/run/drydock-data', bin: '/run/drydock-bin' } as const

const SEARCH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

const PROJECT = join(fileURLToPath(new URL('.', import.meta.url)), '../..')

/** What is known of a host by those who come in later. All of it is text, for the state file. */
export interface HostRecord {
  readonly name: string
  readonly address: string
  /** On the outer machine. */
  readonly pid: number
  /** Every connection to it is a shim inside. */
  readonly socket: string
  /** NAME=VALUE each, for every program that is started in it. */
  readonly env: readonly string[]
  readonly home: string
  readonly dataRoot: string
}

export interface House {
  readonly bottle: Bottle
  readonly record: HostRecord
}

export interface Neighbour {
  readonly name: string
  readonly address: string
}

export async function openHouse(own: Neighbour, all: readonly Neighbour[], rack: Rack | undefined): Promise<House> {
  const node = realpathSync(process.execPath)
  const bottle = await Bottle.open({
    name: own.name,
    ...(rack && { rack }),
    fresh: [{ path: '/root', mode: 0o700 }, ...DATA.map((path) => ({ path, mode: 0o711 }))],
    writable: ['/usr/local/bin'],
    // Of Node its whole directory, which has npm too; where Node is a file of its own, that.
    shown: [PROJECT, node.endsWith('/bin/node') ? dirname(dirname(node)) : node],
  })
  try {
    const [data, bin] = [!bottle.readOnly.includes('var'), !bottle.readOnly.includes('usr')]
    const home = bottle.readOnly.includes('root') ? '/run/root' : '/root'
    const places = { data: data ? DATA[0] : ASIDE.data, bin: bin ? '/usr/local/bin' : ASIDE.bin, home }
    const shim = await bottle.shim()
    await shim.run(host([...directories(places), ...files(own, all, places, node, bottle.readOnly.includes('etc'))]))
    await shim.rollback()
    const path = [...(bin ? [] : [ASIDE.bin]), ...SEARCH]
    if (!path.includes(dirname(node))) path.push(dirname(node))
    const env = [
      `PATH=${path.join(':')}`,
      `HOME=${home}`,
      'USER=root',
      'LOGNAME=root',
      ...(data ? [] : [`DRYDOCK_DATA_ROOT=${places.data}`]),
    ]
    const record = { ...own, pid: bottle.pid, socket: bottle.socket, env, home, dataRoot: places.data }
    return { bottle, record }
  } catch (error) {
    await bottle.close()
    throw error
  }
}

interface Places {
  readonly data: string
  readonly bin: string
  readonly home: string
}

/** Those that a fallback needs; the usual ones are there. */
function directories({ data, bin, home }: Places): Step[] {
  return [
    ...[data, bin].filter((path) => path.startsWith('/run/')).map((path) => mkdir(path, 0o755)),
    ...(home.startsWith('/run/') ? [mkdir(home, 0o700)] : []),
  ]
}

function files(own: Neighbour, all: readonly Neighbour[], { bin, data }: Places, node: string, etcReadOnly: boolean): Step[] {
  // Who comes in by ssh, or by a shell of another program's, has not got this host's environment.
  const aside = data === DATA[0] ? '' : `export DRYDOCK_DATA_ROOT="\${DRYDOCK_DATA_ROOT:-${data}}"\n`
  const command = `#!/bin/sh\n${aside}exec ${quoted(node)} ${quoted(join(PROJECT, 'scripts/drydock.cjs'))} "$@"\n`
  const etc: readonly [string, number, string][] = [
    ['hostname', 0o644, `${own.name}\n`],
    ['hosts', 0o644, hostsFile(all)],
    // A machine's own secrets are shown to nobody who reads this one's files from afar.
    ['shadow', 0o600, 'root:*:19000:0:99999:7:::\n'],
  ]
  return [
    ...fileSteps(`${bin}/drydock`, 0o755, command),
    ...(etcReadOnly ? [] : etc.flatMap(([name, mode, content]) => fileSteps(`/etc/${name}`, mode, content))),
  ]
}

function hostsFile(all: readonly Neighbour[]): string {
  const rows = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    ...all.map(({ name, address }) => `${address}\t${name}`),
  ]
  return `${rows.join('\n')}\n`
}

/** A new file in the place of one that may be there, and may be a link to somewhere or belong to somebody else. */
function fileSteps(path: string, mode: number, content: string): Step[] {
  return [
    unlink(path, { allow: ['ENOENT'] }),
    open(path, ['creat', 'excl', 'wronly'], { mode, keep: 'file' }),
    write(ref('file'), content),
    close(ref('file')),
  ]
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

/** The interactive shell of a host. */
export const SHELL: readonly string[] = existsSync('/bin/bash') ? ['/bin/bash', '-i'] : ['/bin/sh', '-i']
