/** `--host`: where the engine is reached, and who may. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Endpoint, Tls } from '../../api/listen.js'
import { DrydockError } from '../../kernel/errors.js'
import { engineSocket } from '../../kernel/places.js'
import { parseIdMap } from '../../kernel/proc/idmap.js'
import { textIfReadable } from '../../kernel/readable.js'
import type { Settings } from './settings.js'

/** Registered for docker: without TLS, and with it. */
const PORT = 2375
const TLS_PORT = 2376

/** Whose members may use the socket, where there is such a group and nobody says otherwise. */
const GROUP = 'docker'

export interface Hosts {
  readonly endpoints: readonly Endpoint[]
  /** What whoever starts it should know. */
  readonly warnings: readonly string[]
}

/** Throws a sentence for what is no address, for TCP that is open to everybody unasked, and for certificates that cannot be read. */
export function hostsOf(settings: Settings): Hosts {
  const { hosts, group } = settings
  const tls = tlsOf(settings)
  const texts = hosts.length > 0 ? hosts : [`unix://${engineSocket()}`]
  const endpoints = texts.map((text) => endpointOf(text, tls))
  const open = endpoints.filter((endpoint) => endpoint.kind === 'tcp' && !endpoint.tls).map(nameOf)
  if (open.length > 0 && settings.tls !== false) {
    throw new DrydockError(
      `${open.join(', ')}: without TLS this would give root on this machine to everyone who can reach the port. Give --tlsverify with --tlscacert, ` +
        '--tlscert and --tlskey, or say --tls=false to have it so all the same',
    )
  }
  const gid = groupOf(group)
  return {
    endpoints: endpoints.map((endpoint) => (endpoint.kind === 'unix' && gid !== undefined ? { ...endpoint, gid } : endpoint)),
    warnings: endpoints.flatMap(warningsOf),
  }
}

function warningsOf(endpoint: Endpoint): string[] {
  if (endpoint.kind === 'unix' || endpoint.tls?.ca !== undefined) return []
  const [name, how] = [nameOf(endpoint), endpoint.tls ? 'without asking for a certificate' : 'without TLS']
  return [
    `the API is open on ${name} ${how}: whoever can reach that port is root on this machine, with no password and no trace`,
    ...(endpoint.tls ? [] : [`and what is said on ${name} can be read and changed on its way; use --tlsverify`]),
  ]
}

const nameOf = (endpoint: Endpoint): string =>
  endpoint.kind === 'unix' ? `unix://${endpoint.path}` : `tcp://${endpoint.host}:${endpoint.port}`

function endpointOf(text: string, tls: Tls | undefined): Endpoint {
  const [, scheme = 'tcp', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/s.exec(text) ?? []
  if (scheme === 'unix') return { kind: 'unix', path: rest === '' ? engineSocket() : resolve(rest) }
  if (scheme === 'tcp') return tcpOf(text, rest, tls)
  if (scheme === 'fd') {
    throw new DrydockError(
      `${text}: this engine takes no sockets from systemd; have it listen by itself: unix:///path or tcp://ADDRESS:PORT`,
    )
  }
  throw new DrydockError(`invalid bind address (${text}): it is unix:///path or tcp://ADDRESS:PORT`)
}

function tcpOf(text: string, rest: string, tls: Tls | undefined): Endpoint {
  const [, six, four = '', port] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]*))(?::(\d{1,5}))?$/.exec(rest) ?? ['', '', '/']
  const number = port === undefined ? (tls ? TLS_PORT : PORT) : Number(port)
  if (four === '/' || number > 0xffff || (rest === '' && !text.startsWith('tcp://'))) {
    throw new DrydockError(`invalid bind address (${text}): it is unix:///path or tcp://ADDRESS:PORT`)
  }
  // As docker has it: no address is no invitation to all the world.
  return { kind: 'tcp', host: six ?? (four || '127.0.0.1'), port: number, ...(tls && { tls }) }
}

/** One of its words is enough to have TLS, but for `--tls=false`; `--tlsverify` lets in only whom the authority knows. */
function tlsOf({ tls, tlsverify, tlscacert, tlscert, tlskey }: Settings): Tls | undefined {
  if (tls === false && tlsverify) throw new DrydockError('--tls=false and --tlsverify exclude each other')
  const meant = tls ?? (tlsverify || [tlscacert, tlscert, tlskey].some((file) => file !== undefined))
  if (!meant) return undefined
  const directory = process.env.DOCKER_CERT_PATH || join(homedir(), '.docker')
  const read = (what: string, given: string | undefined, name: string) => {
    const file = resolve(given ?? join(directory, name))
    try {
      return readFileSync(file, 'utf8')
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new DrydockError(`${what} cannot be read: ${file} (${code})`, { cause })
    }
  }
  return {
    cert: read('the certificate of the engine (--tlscert)', tlscert, 'cert.pem'),
    key: read('the key of the engine (--tlskey)', tlskey, 'key.pem'),
    ...(tlsverify && { ca: read('the authority of the clients (--tlscacert)', tlscacert, 'ca.pem') }),
  }
}

/** The number of a group by its name or itself. Docker's own is no must, and there is none of it in a user namespace that does not map it. */
function groupOf(group: string | undefined): number | undefined {
  const gid = namedGroup(group)
  if (gid === undefined || isMapped(gid)) return gid
  if (group === undefined) return undefined
  throw new DrydockError(`group ${group} is not mapped in this user namespace, so nothing can be given to it`)
}

function isMapped(gid: number): boolean {
  const ranges = parseIdMap(textIfReadable('/proc/self/gid_map') ?? '')
  return ranges.length === 0 || ranges.some(({ inside, count }) => gid >= inside && gid < inside + count)
}

function namedGroup(group: string | undefined): number | undefined {
  if (group !== undefined && /^\d+$/.test(group)) return Number(group)
  const name = group ?? GROUP
  const line = (textIfReadable('/etc/group') ?? '').split('\n').find((entry) => entry.startsWith(`${name}:`))
  const gid = Number(line?.split(':')[2] ?? Number.NaN)
  if (!Number.isNaN(gid)) return process.geteuid?.() === 0 || group !== undefined ? gid : undefined
  if (group === undefined) return undefined
  throw new DrydockError(`group ${group} not found`)
}
