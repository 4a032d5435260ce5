/** /etc/resolv.conf: the host's resolvers as a container can use them, and the file that a container gets. resolv.conf(5). */
import { parseIp } from '../kernel/ip.js'
import { textIfReadable } from '../kernel/readable.js'

export interface ResolvConf {
  readonly nameservers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** Where systemd-resolved keeps the resolvers behind its own 127.0.0.53. systemd-resolved.service(8). */
const BEHIND_RESOLVED = '/run/systemd/resolve/resolv.conf'

export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = []
  const options: string[] = []
  let search: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && values[0]) nameservers.push(values[0])
    // Of several search or domain lines the last counts; options add up.
    else if (keyword === 'search' || keyword === 'domain') search = values
    else if (keyword === 'options') options.push(...values)
  }
  return { nameservers, search, options }
}

/** A container's loopback is its own: a resolver there is none of the host's. An address with a zone names a device of the host's. */
export function reachable(nameserver: string): boolean {
  if (nameserver.includes('%')) return false
  try {
    const { family, bytes } = parseIp(nameserver)
    if (family === 4) return bytes[0] !== 127 && bytes.some((byte) => byte !== 0)
    const loopback = bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] as number) <= 1
    return !loopback
  } catch {
    return false
  }
}

/** The host's own resolv.conf; when it names only loopback addresses, the one behind it. `read` gives a file's text or undefined. */
export function hostResolvConf(read: (path: string) => string | undefined = textIfReadable): ResolvConf {
  const own = parseResolvConf(read('/etc/resolv.conf') ?? '')
  if (own.nameservers.some(reachable)) return own
  const behind = read(BEHIND_RESOLVED)
  return behind === undefined ? own : parseResolvConf(behind)
}

/** The host's resolvers that a container can reach. When there is none, none is made up: a public one would learn what this host asks. */
export function hostNameservers(read: (path: string) => string | undefined = textIfReadable): {
  nameservers: string[]
  warnings: string[]
} {
  return nameserversOf(hostResolvConf(read))
}

/** The same of a file that was read already. */
export function nameserversOf({ nameservers }: ResolvConf): { nameservers: string[]; warnings: string[] } {
  const usable = nameservers.filter(reachable)
  if (usable.length > 0) return { nameservers: usable, warnings: [] }
  const found = nameservers.length > 0 ? `names only ${nameservers.join(', ')}, which is reachable on the host alone` : 'names no resolver'
  return {
    nameservers: [],
    warnings: [`no names can be looked up on this network: the host's /etc/resolv.conf ${found}; name a resolver with --dns`],
  }
}

export interface ResolvConfRequest {
  /** The network's, when no servers are asked for. */
  readonly nameservers: readonly string[]
  /** `--dns-search`; a single `.` means none. Without it the host's. */
  readonly search?: readonly string[]
  /** `--dns-option`. */
  readonly options?: readonly string[]
  /** `--dns`: in place of the network's, or whom its name service asks. */
  readonly servers?: readonly string[]
  /** The network's are a name service, which answers for the network's own names too. */
  readonly service?: boolean
}

/** The text of a container's /etc/resolv.conf. */
export function resolvConfFor(request: ResolvConfRequest, host: ResolvConf = hostResolvConf()): string {
  const { nameservers, servers: asked = [] } = request
  // Behind a name service, only those of the container's own loopback are the container's to ask.
  const servers = request.service ? [...nameservers, ...asked.filter((one) => !reachable(one))] : asked.length > 0 ? asked : nameservers
  const domains = request.search?.length ? request.search : host.search
  const search = domains.filter((domain) => domain !== '.')
  const options = request.options?.length ? request.options : host.options
  const lines = servers.map((server) => `nameserver ${server}`)
  if (search.length > 0) lines.push(`search ${search.join(' ')}`)
  if (options.length > 0) lines.push(`options ${options.join(' ')}`)
  return lines.map((line) => `${line}\n`).join('')
}
