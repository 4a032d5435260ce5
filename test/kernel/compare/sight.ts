/**
 * What a probe saw, as names and values that can be compared between two containers: what is different in every container (inode numbers,
 * ids, paths of layers) is said by what it is and not by what it is called.
 */
import { constant } from '../../../lib/kernel/constants.js'
import { type Mount, parseMount } from '../../../lib/kernel/proc/mountinfo.js'
import { capabilityNames } from '../../../lib/kernel/proc/status.js'
import type { Difference } from '../../support/differences.js'

export interface Attempt {
  readonly errno: string | null
}

/** The output of `shim --probe --try`. Members that could not be found out are null. */
export interface ProbeOutput {
  readonly [key: string]: unknown
  readonly hostname: string
  readonly namespaces: Readonly<Record<string, string>>
  readonly capabilities: Readonly<Record<string, string>>
  readonly rlimits: Readonly<Record<string, { soft: number | string; hard: number | string }>>
  readonly inherited: Readonly<Record<string, number | string | null>>
  readonly signals: Readonly<Record<string, string>>
  readonly sysctls: Readonly<Record<string, string>>
  readonly places: Readonly<
    Record<string, string | { type: string; mode: string; write: string | null; read: string | null; empty?: boolean }>
  >
  readonly dev: readonly Readonly<Record<string, string | number | null>>[]
  readonly fds: readonly { fd: number; target: string; cloexec: boolean; flags: number }[]
  readonly mountinfo: readonly string[]
  readonly cgroup: readonly string[]
  readonly env: readonly string[]
  readonly interfaces: readonly Readonly<Record<string, string | number>>[]
  readonly addresses: readonly unknown[]
  readonly try: Readonly<Record<string, Attempt | null>>
}

export type Sight = ReadonlyMap<string, string>

/** `host`: the same probe outside, by which is told what a container shares with it. */
export function sightOf(probe: ProbeOutput, host: ProbeOutput): Sight {
  const seen = new Map<string, string>()
  const say = (key: string, value: unknown) => seen.set(key, typeof value === 'string' ? value : JSON.stringify(value))
  for (const key of ['pid', 'ppid', 'sid', 'pgid', 'uid', 'euid', 'suid', 'gid', 'egid', 'sgid', 'groups']) say(`id ${key}`, probe[key])
  for (const key of ['uidMap', 'gidMap'])
    say(
      `id ${key}`,
      (probe[key] as string[]).map((line) => line.trim().replace(/\s+/g, ' ')),
    )
  for (const key of ['cwd', 'umask', 'noNewPrivs', 'securebits', 'dumpable', 'parentDeathSignal', 'oomScoreAdj', 'cpus'])
    say(key, probe[key])
  for (const key of ['seccomp', 'seccompFilters', 'nsPid', 'domainname', 'hosts', 'resolvConf', 'errors']) say(key, probe[key])
  say('hostname', probe.hostname)
  say('hostnameFile', probe.hostnameFile)
  say('terminal', probe.terminal)
  for (const [kind, link] of Object.entries(probe.namespaces))
    say(`namespace ${kind}`, link === host.namespaces[kind] ? 'the host’s' : 'its own')
  for (const [set, mask] of Object.entries(probe.capabilities)) say(`capabilities ${set}`, capabilityNames(BigInt(`0x${mask}`)))
  for (const [name, { soft, hard }] of Object.entries(probe.rlimits)) say(`rlimit ${name}`, `${soft}:${hard}`)
  for (const [name, value] of Object.entries(probe.inherited))
    say(`inherited ${name}`, name === 'sessionKeyring' ? keyring(value, host) : value)
  for (const [name, mask] of Object.entries(probe.signals)) say(`signals ${name}`, mask)
  for (const [name, value] of Object.entries(probe.sysctls)) say(`sysctl ${name}`, value)
  for (const [path, found] of Object.entries(probe.places)) describePath(path, found, say)
  for (const { name, ...node } of probe.dev) say(`dev ${name}`, node)
  for (const variable of probe.env) say(`env ${variable.split('=')[0]}`, variable.replaceAll(probe.hostname, 'HOSTNAME'))
  for (const { fd, ...rest } of probe.fds) say(`descriptor ${fd}`, descriptor(rest))
  for (const line of probe.cgroup) say(`cgroup ${line.split(':')[1] || 'v2'}`, line.split(':').slice(2).join(':') === '/' ? '/' : 'a path')
  for (const { name, flags, mtu } of probe.interfaces) say(`interface ${name}`, { flags, mtu })
  say('addresses', probe.addresses)
  for (const [call, attempt] of Object.entries(probe.try))
    say(`try ${call}`, attempt === null ? 'not known' : (attempt.errno ?? 'let through'))
  const stacked = new Map<string, number>()
  for (const mount of probe.mountinfo.filter((line) => line !== '').map(parseMount)) {
    const layer = (stacked.get(mount.mountPoint) ?? 0) + 1
    stacked.set(mount.mountPoint, layer)
    const place = `${mount.mountPoint}${layer > 1 ? ` #${layer}` : ''}`
    say(`mount ${place}`, describeMount(mount))
    say(`propagation ${place}`, propagation(mount))
  }
  return seen
}

function describePath(path: string, found: ProbeOutput['places'][string], say: (key: string, value: unknown) => void): void {
  if (typeof found === 'string') return say(`path ${path}`, found)
  say(`path ${path}`, `${found.type} ${found.mode}`)
  say(`path ${path} write`, found.write ?? 'can')
  say(`path ${path} read`, found.read ?? (found.empty ? 'empty' : 'has something'))
}

/** Of the file system and of this mount. Where a layer or a bind source lies is the engine's own affair. */
function describeMount({ root, fsType, options, superOptions }: Mount): string {
  const own = superOptions
    .map((option) => option.replace(/^(lowerdir\+?|upperdir|workdir)=.*/, '$1'))
    .filter((option) => option !== 'lowerdir+')
  // Which part of a cgroup tree is seen is told by `namespace cgroup` and `cgroup …`.
  const whole = root === '/' || fsType.startsWith('cgroup')
  const part = whole ? '' : ` of ${fsType === 'proc' || fsType === 'sysfs' ? root : root.replace(/.*\//, '…/')}`
  return `${fsType}${part}: ${[...options].sort().join(',')}; ${[...own].sort().join(',')}`
}

const propagation = ({ shared, master }: Mount): string =>
  [...(shared === undefined ? [] : ['shared']), ...(master === undefined ? [] : ['slave'])].join(' ') || 'private'

const ACCESS = ['r', 'w', 'rw'] as const

function descriptor({ target, cloexec, flags }: { target: string; cloexec: boolean; flags: number }): string {
  const kind = target.replace(/^(pipe|socket|anon_inode):.*/, '$1')
  const words = (['append', 'nonblock'] as const).filter((word) => (flags & constant('open', word)) !== 0)
  return [kind, ACCESS[flags & 3], ...words, ...(cloexec ? ['cloexec'] : [])].join(' ')
}

function keyring(value: unknown, host: ProbeOutput): string {
  if (typeof value !== 'string' || !value.startsWith('keyring;')) return String(value)
  return value === host.inherited.sessionKeyring ? 'the host’s' : 'its own'
}

const ABSENT = 'absent'

/** In the order of the peer's sight; what only drydock has comes last. */
export function differencesOf(peer: Sight, drydock: Sight): Difference[] {
  const keys = new Set([...peer.keys(), ...drydock.keys()])
  return [...keys]
    .map((key) => ({ key, peer: peer.get(key) ?? ABSENT, drydock: drydock.get(key) ?? ABSENT }))
    .filter((one) => one.peer !== one.drydock)
}

/** The output of a probe, wherever it stands in what was said. */
export function parseProbe(text: string): ProbeOutput {
  const [start, end] = [text.indexOf('{'), text.lastIndexOf('}')]
  if (start === -1) throw new Error(`no probe has spoken: ${text}`)
  return JSON.parse(text.slice(start, end + 1)) as ProbeOutput
}
