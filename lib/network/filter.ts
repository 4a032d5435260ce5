/** Whether the packet filter and the kernel's settings are as a network needs them, and what of others' rules would be in the way. */
import { close, open, write } from '../kernel/calls/files.js'
import { netlink, nfnetlink_socket } from '../kernel/calls/sockets.js'
import { elementGet, nameField } from '../kernel/netlink/nfnetlink.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'
import type { NetworkConfig } from './config.js'
import { BRIDGES, TABLE, type TableFamily } from './nft.js'
import { type MoreShims, readThrough, runNft } from './run-nft.js'

const ANSWER_SIZE = 4096

/** Is our table there, and this bridge in it? One message of netlink, where a run of nft would cost milliseconds. */
export async function filterReady(shim: Shim, { bridge }: NetworkConfig, family: TableFamily = 'ip'): Promise<boolean> {
  const socket = ref('filter')
  const element = { key: [nameField(bridge)], shown: bridge }
  const ask = netlink(socket, elementGet({ family, table: TABLE, set: BRIDGES }, element), { allow: ['ENOENT'], answer: ANSWER_SIZE })
  const results = await shim.attempt(host([nfnetlink_socket({ keep: socket.ref }), ask, close(socket)]))
  const failed = results.find(({ status }) => status === 'failed')
  if (failed) throw new StepError(failed, 'the packet filter (nf_tables) of this kernel cannot be asked')
  return results[1]?.status === 'ok'
}

/** A setting of the kernel that is not as it must be. */
export interface Setting {
  readonly path: string
  readonly value: '0' | '1'
  /** What was done, and why. */
  readonly said: string
}

/** Settings of the kernel that are not as they must be. They belong to the network namespace. */
export async function missingSettings(shim: Shim, { bridge, ipv6 }: NetworkConfig): Promise<Setting[]> {
  const conf = (family: 'ipv4' | 'ipv6', device: string, name: string) => `/proc/sys/net/${family}/conf/${device}/${name}`
  const wanted: Setting[] = [
    {
      path: '/proc/sys/net/ipv4/ip_forward',
      value: '1',
      said: 'switched net.ipv4.ip_forward on: without it this host passes no packet from one interface to another',
    },
    {
      path: conf('ipv4', bridge, 'route_localnet'),
      value: '1',
      said: `switched route_localnet on for ${bridge}: without it published ports do not answer on 127.0.0.1`,
    },
    {
      path: conf('ipv6', bridge, 'accept_ra'),
      value: '0',
      said: `switched accept_ra off for ${bridge}: with it a container could tell this host where to send its packets (CVE-2020-13401)`,
    },
  ]
  if (ipv6) {
    wanted.push({
      path: conf('ipv6', 'all', 'forwarding'),
      value: '1',
      said: 'switched net.ipv6.conf.all.forwarding on: without it this host passes no packet of IPv6 from one interface to another',
    })
  }
  const found = await Promise.all(wanted.map(async (setting) => ({ setting, value: (await readThrough(shim, setting.path))?.trim() })))
  // One that is not there is of a family that this kernel has not got.
  return found.flatMap(({ setting, value }) => (value === undefined || value === setting.value ? [] : [setting]))
}

/** Have a setting as it must be. */
export async function settle(shim: Shim, { path, value }: Pick<Setting, 'path' | 'value'>): Promise<void> {
  const file = ref('setting')
  await shim.run(host([open(path, ['wronly'], { keep: 'setting' }), write(file, value), close(file)]))
}

/** What of `nft -j list ruleset` matters here. libnftables-json(5). */
export interface RulesetObject {
  readonly chain?: NftChain
  readonly rule?: { readonly family: string; readonly table: string; readonly chain: string; readonly expr?: readonly object[] }
}

interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook?: string
  readonly policy?: string
}

/** Sentences about others' rules that stop what is forwarded, each with the remedy: an accept of ours does not outweigh their drop. */
export async function obstacles(shim: Shim, more: MoreShims, bridge: string, family: TableFamily = 'ip'): Promise<string[]> {
  const { code, stdout } = await runNft(more, ['-j', 'list', 'ruleset'])
  const found = code === 0 ? obstaclesIn((JSON.parse(stdout) as { nftables: RulesetObject[] }).nftables, bridge, family) : []
  // The older iptables has tables of its own, of which nft knows nothing.
  const legacy = family === 'ip' && (await readThrough(shim, '/proc/net/ip_tables_names'))?.split('\n').includes('filter')
  if (legacy) {
    found.push(
      `this host also has rules of the older iptables, which may drop packets of containers (iptables-legacy -S FORWARD shows them); \`iptables-legacy -I FORWARD -i ${bridge} -j ACCEPT\` and the same with \`-o\` let them through`,
    )
  }
  return found
}

/** Chains of others at the forward hook that refuse what they do not know: by their policy, or by their last rule. */
export function obstaclesIn(ruleset: readonly RulesetObject[], bridge: string, seenBy: TableFamily = 'ip'): string[] {
  // Tables of the family itself and those of both see its packets.
  const chains = ruleset.flatMap(({ chain }) => (chain && [seenBy, 'inet'].includes(chain.family) ? [chain] : []))
  const others = chains.filter(({ family, table }) => family !== seenBy || table !== TABLE)
  const names = new Set(others.map(({ name }) => name))
  return others
    .filter((chain) => chain.hook === 'forward' && (chain.policy === 'drop' || refusesRest(ruleset, chain)))
    .map((chain) => `the chain ${chain.name} of the table ${chain.family} ${chain.table} ${remedy(chain, names, bridge)}`)
}

/** Is the last rule a verdict without a condition? firewalld's chains accept by policy and end so. */
function refusesRest(ruleset: readonly RulesetObject[], { family, table, name }: NftChain): boolean {
  const rules = ruleset.flatMap(({ rule }) => (rule?.family === family && rule.table === table && rule.chain === name ? [rule] : []))
  const last = rules.at(-1)?.expr?.filter((one) => !('counter' in one) && !('log' in one)) ?? []
  return last.length === 1 && last.some((one) => 'drop' in one || 'reject' in one)
}

/** Whose chain it is shows in the names beside it; iptables' own chains are those of the table `ip filter`. */
function remedy({ family, table, name }: NftChain, names: ReadonlySet<string>, bridge: string): string {
  const bothWays = (command: (direction: 'in' | 'out') => string) => `\`${command('in')}\` and \`${command('out')}\``
  const iptables = (chain: string) => bothWays((direction) => `iptables -I ${chain} -${direction === 'in' ? 'i' : 'o'} ${bridge} -j ACCEPT`)
  if (table === 'firewalld') {
    return `is firewalld’s and rejects what passes between its zones: \`firewall-cmd --permanent --zone=trusted --add-interface=${bridge}\` and \`firewall-cmd --reload\` let containers’ packets through`
  }
  const what = 'drops every packet between interfaces that its rules do not accept'
  if (family === 'ip' && names.has('ufw-user-forward')) {
    return `is ufw’s and ${what}: ${bothWays((direction) => `ufw route allow ${direction} on ${bridge}`)} let those of containers through`
  }
  if (family === 'ip' && names.has('DOCKER-USER'))
    return `is Docker’s and ${what}: ${iptables('DOCKER-USER')} let those of our containers through`
  if (family === 'ip' && table === 'filter') return `${what}: ${iptables(name)} let those of containers through`
  const nft = (direction: 'in' | 'out') =>
    `nft insert rule ${family} ${table} ${name} ${direction === 'in' ? 'iifname' : 'oifname'} ${bridge} accept`
  return `${what}: ${bothWays(nft)} let those of containers through`
}
