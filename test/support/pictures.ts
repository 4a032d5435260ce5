/** Pictures written by hand, for what only compares and draws them: a host, and as many containers as are asked for. */
import type { LinkView, NamespaceView, Picture, ProcessView } from '../../lib/picture/types.js'

const KINDS = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'time']
const HOST: Readonly<Record<string, number>> = Object.fromEntries(KINDS.map((kind, at) => [kind, 4026531834 + at]))
const ALL = '000001ffffffffff'
const NONE = '0000000000000000'
/** Docker's fourteen. */
const FOURTEEN = '00000000a80425fb'

export interface ContainerOf {
  readonly name?: string
  readonly hostname?: string
  /** Number of the container whose network it shares. */
  readonly joins?: number
  /** Files of its upper layer, by kind. */
  readonly changes?: readonly (readonly [path: string, kind: 'new' | 'copied up' | 'whiteout' | 'opaque'])[]
}

/** What `count` containers of drydock look like; `special` says what is different about those that come first. */
export function pictureOf(count: number, special: readonly ContainerOf[] = [], at = 1_700_000_000_000): Picture {
  const processes: Record<string, ProcessView> = {
    1: processOf(1, 0, 'systemd', 'ancestor'),
    700: processOf(700, 1, 'bash', 'ancestor'),
    710: processOf(710, 700, 'node', 'engine'),
  }
  const namespaces: Record<string, NamespaceView> = {}
  for (const kind of KINDS) namespaces[`${kind}:${HOST[kind]}`] = namespaceOf(kind, HOST[kind] as number, [1, 700, 710], true)
  const links: Record<string, LinkView> = {}
  const put = (link: LinkView) => {
    links[`${link.namespace}/${link.index}`] = link
  }
  const net = HOST.net as number
  put(linkOf(net, 1, 'lo', 'loopback', ['127.0.0.1/8']))
  put({ ...linkOf(net, 2, 'eth0', '', ['192.0.2.10/24']), gateways: ['192.0.2.1'] })
  put(linkOf(net, 3, 'drydock0', 'bridge', ['172.20.0.1/16']))
  const picture = {
    cgroups: {} as Record<string, Picture['tables']['cgroups'][string]>,
    rules: {} as Record<string, Picture['tables']['rules'][string]>,
    overlays: {} as Record<string, Picture['tables']['overlays'][string]>,
    changes: {} as Record<string, Picture['tables']['changes'][string]>,
  }
  for (let number = 0; number < count; number++) {
    const { name = 'sh', hostname = `box-${number}`, joins, changes = [] } = special[number] ?? {}
    const inode = (kind: string) => 4026540000 + (kind === 'net' && joins !== undefined ? joins : number) * 10 + KINDS.indexOf(kind)
    const own = Object.fromEntries(KINDS.map((kind) => [kind, ['user', 'time'].includes(kind) ? (HOST[kind] as number) : inode(kind)]))
    const [shim, pid] = [1000 + number * 10, 1001 + number * 10]
    const cgroup = `/drydock/${String(number).padStart(12, '0')}`
    processes[shim] = processOf(shim, 710, 'shim', 'shim')
    const inside = { pids: [pid, 1], namespaces: own, cgroup, root: `/var/lib/drydock/overlay/${number}/merged` }
    const sets = { inheritable: NONE, permitted: FOURTEEN, effective: FOURTEEN, bounding: FOURTEEN, ambient: NONE }
    processes[pid] = { ...processOf(pid, shim, name, 'container'), ...inside, capabilities: sets, seccomp: 'filter' }
    for (const kind of KINDS) {
      const key = `${kind}:${own[kind]}`
      const before = namespaces[key]
      const drawn = [...(before?.drawn ?? []), pid]
      namespaces[key] = namespaceOf(kind, own[kind] as number, drawn, own[kind] === HOST[kind], kind === 'uts' ? hostname : undefined)
    }
    picture.cgroups[cgroup] = {
      path: cgroup,
      drawn: [pid],
      processes: 1,
      memory: { current: 3_000_000 + number * 1_000_000, max: 64 * 1024 * 1024, oomKills: number === 1 ? 1 : 0 },
      cpu: { usage: 12_000 * (number + 1), max: 0.5, periods: 40, throttled: number === 0 ? 12 : 0, throttledTime: 90_000 },
      pids: { current: 1, max: 20, refused: 0 },
      trees: ['memory', 'cpu', 'pids'],
    }
    if (joins === undefined) {
      const [outer, inner] = [`${net}/${10 + number}`, `${own.net}/2`]
      put({ ...linkOf(net, 10 + number, `veth${number}`, 'veth'), bridge: `${net}/3`, peer: inner })
      put({ ...linkOf(own.net as number, 1, 'lo', 'loopback', ['127.0.0.1/8']), listening: number === 0 ? ['0.0.0.0:80'] : [] })
      const address = `172.20.${Math.floor(number / 250)}.${(number % 250) + 2}/16`
      put({ ...linkOf(own.net as number, 2, 'eth0', 'veth', [address]), peer: outer, gateways: ['172.20.0.1'] })
    }
    const upper = `/var/lib/drydock/overlay/${number}/diff`
    const counts = { new: 0, 'copied up': 0, whiteout: 0, opaque: 0 }
    for (const [path, kind] of changes) {
      counts[kind]++
      picture.changes[`${upper}/${path}`] = { upper, path, kind, type: 'file', size: kind === 'whiteout' ? 0 : 1234 }
    }
    picture.overlays[`${own.mnt}/90`] = {
      namespace: own.mnt as number,
      mountPoint: '/',
      lower: ['/var/lib/drydock/overlay/5b3f2a/diff', '/var/lib/drydock/overlay/9c1d00/diff'],
      upper,
      work: `/var/lib/drydock/overlay/${number}/work`,
      counts,
      more: false,
      drawn: [pid],
    }
  }
  picture.rules[`${net}/ip drydock leaving/4`] = {
    namespace: net,
    kind: 'masquerade',
    place: 'ip drydock leaving',
    text: 'ip saddr 172.20.0.0/16 oifname != "drydock0" masquerade',
    packets: 12,
  }
  picture.rules[`${net}/ip drydock published/tcp . 8080`] = {
    namespace: net,
    kind: 'dnat',
    place: 'ip drydock published',
    text: 'tcp dport 8080 dnat to 172.20.0.2:80',
    packets: 3,
    publishes: { protocol: 'tcp', port: '8080', to: '172.20.0.2:80' },
  }
  return { at, took: 8, host: hostOf(), tables: { processes, namespaces, links, ...picture } }
}

const hostOf = (): Picture['host'] => ({
  hostname: 'harbour',
  kernel: '6.1.0-18-amd64',
  cgroups: 'v2',
  processors: 4,
  memory: { total: 8 * 2 ** 30, available: 5 * 2 ** 30 },
  load: [0.42, 0.3, 0.2],
  reader: 0,
  namespaces: HOST,
  missing: [],
})

const processOf = (pid: number, parent: number, name: string, role: ProcessView['role']): ProcessView => ({
  pid,
  parent,
  name,
  command: name,
  state: 'S',
  pids: [pid],
  threads: 1,
  uid: [0, 0],
  gid: [0, 0],
  namespaces: HOST,
  cgroup: '/',
  capabilities: { inheritable: NONE, permitted: ALL, effective: ALL, bounding: ALL, ambient: NONE },
  noNewPrivs: false,
  seccomp: 'off',
  resident: 2000,
  role,
})

const namespaceOf = (kind: string, inode: number, drawn: readonly number[], host: boolean, hostname?: string): NamespaceView => ({
  kind,
  inode,
  host,
  drawn,
  members: drawn.length,
  ...(hostname === undefined ? {} : { hostname }),
})

const linkOf = (namespace: number, index: number, name: string, kind: string, addresses: readonly string[] = []): LinkView => ({
  namespace,
  index,
  name,
  kind,
  up: true,
  running: true,
  mtu: 1500,
  addresses,
  received: { bytes: 0, packets: 0 },
  sent: { bytes: 0, packets: 0 },
  gateways: [],
})
