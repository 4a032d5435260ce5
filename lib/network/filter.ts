/** Whether the packet filter and the kernel's settings are as a network needs them, and what of others' rules would be in the way. */
import { close, open, write } from '../kernel/calls/files.js'
import { netlink, nfnetlink_socket } from '../kernel/calls/sockets.js'
import { elementGet, nameField } from '../kernel/netlink/nfnetlink.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { host, ref } from '../kernel/step.js'
import type { NetworkConfig } from './config.js'
import { BRIDGES, TABLE } from './nft.js'
import { type MoreShims, readThrough, runNft } from './run-nft.js'

const ANSWER_SIZE = 4096

/** Is our table there, and this bridge in it? One message of netlink, where a run of nft would cost milliseconds. */
export async function filterReady(shim: Shim, { bridge }: NetworkConfig): Promise<boolean> {
  const socket = ref('filter')
  const element = { key: [nameField(bridge)], shown: bridge }
  const ask = netlink(socket, elementGet({ table: TABLE, set: BRIDGES }, element), { allow: ['ENOENT'], answer: ANSWER_SIZE })
  const results = await shim.attempt(host([nfnetlink_socket({ keep: socket.ref }), ask, close(socket)]))
  const failed = results.find(({ status }) => status === 'failed')
  if (failed) throw new StepError(failed, 'the packet filter (nf_tables) of this kernel cannot be asked')
  return results[1]?.status === 'ok'
}

const FORWARDING = '/proc/sys/net/ipv4/ip_forward'

/** Settings of the kernel that are not as they must be, each with why. They belong to the network namespace. */
export async function missingSettings(shim: Shim, { bridge }: NetworkConfig): Promise<{ path: string; said: string }[]> {
  const wanted = [
    { path: FORWARDING, said: 'switched net.ipv4.ip_forward on: without it this host passes no packet from one interface to another' },
    {
      path: `/proc/sys/net/ipv4/conf/${bridge}/route_localnet`,
      said: `switched route_localnet on for ${bridge}: without it published ports do not answer on 127.0.0.1`,
    },
  ]
  const values = await Promise.all(wanted.map(async (one) => ({ ...one, value: (await readThrough(shim, one.path))?.trim() })))
  return values.filter(({ value }) => value !== '1').map(({ path, said }) => ({ path, said }))
}

/** Switch a setting on. */
export async function switchOn(shim: Shim, path: string): Promise<void> {
  const file = ref('setting')
  await shim.run(host([open(path, ['wronly'], { keep: 'setting' }), write(file, '1'), close(file)]))
}

interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  readonly hook?: string
  readonly policy?: string
}

/** Sentences about chains of others at the forward hook whose policy is to drop: an accept of ours does not outweigh their drop. */
export async function obstacles(shim: Shim, more: MoreShims): Promise<string[]> {
  const { code, stdout } = await runNft(more, ['-j', 'list', 'chains'])
  const found = code === 0 ? dropping(stdout) : []
  // The older iptables has tables of its own, of which nft knows nothing.
  const legacy = (await readThrough(shim, '/proc/net/ip_tables_names'))?.split('\n').includes('filter')
  if (legacy) {
    found.push(
      'this host also has rules of the older iptables (iptables-legacy -S FORWARD shows them): if their policy for FORWARD is DROP, packets of containers are lost there',
    )
  }
  return found
}

/** From what `nft -j list chains` says. */
export function dropping(json: string): string[] {
  const { nftables } = JSON.parse(json) as { nftables: { chain?: NftChain }[] }
  return nftables.flatMap(({ chain }) => {
    if (chain?.hook !== 'forward' || chain.policy !== 'drop' || (chain.family !== 'ip' && chain.family !== 'inet')) return []
    if (chain.family === 'ip' && chain.table === TABLE) return []
    return [obstacleOf(chain)]
  })
}

/** Docker, ufw and others filter in chains that iptables made; nft shows those in the table `ip filter`. */
function obstacleOf({ family, table, name }: NftChain): string {
  const remedy =
    family === 'ip' && table === 'filter' && name === 'FORWARD'
      ? 'let those of containers through with `iptables -I FORWARD -i drydock0 -j ACCEPT` and `iptables -I FORWARD -o drydock0 -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`'
      : 'let those of the interfaces drydock0 and br-* through there'
  return `the chain ${name} of the table ${family} ${table} drops every packet between interfaces that its rules do not accept (a firewall, or Docker): ${remedy}`
}
