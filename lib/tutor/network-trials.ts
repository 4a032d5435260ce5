/** What lessons about the network ask of the kernel, tried in a bottle: cables and bridges, and the translation of addresses. */
import { Bottle } from '../bottle.js'
import { close } from '../kernel/calls/files.js'
import { clone3, execve } from '../kernel/calls/process.js'
import { rtnetlink_socket } from '../kernel/calls/sockets.js'
import { sentenceOf } from '../kernel/errors.js'
import { bridge_add, veth_add } from '../kernel/netlink/steps.js'
import { showOutcome } from '../kernel/show.js'
import { ref } from '../kernel/step.js'
import { findCommand } from './packages.js'
import { BoxStdio } from './stdio.js'

/** 'yes', or what the kernel or the nft program answered. */
export interface NetworkTrial {
  readonly links: string
  readonly nat: string
}

/** What `nat` is when there is no nft program that could be asked. */
export const NO_NFT = 'nft is not installed'

export async function tryNetwork(): Promise<NetworkTrial> {
  try {
    const bottle = await Bottle.open({ name: 'trial' })
    try {
      const [links, nat] = await Promise.all([tryLinks(bottle), tryNat(bottle)])
      return { links, nat }
    } finally {
      await bottle.close()
    }
  } catch (error) {
    const reason = sentenceOf(error)
    return { links: reason, nat: reason }
  }
}

async function tryLinks(bottle: Bottle): Promise<string> {
  const shim = await bottle.shim()
  try {
    const net = ref('net')
    const results = await shim.attempt([
      clone3(['net']),
      rtnetlink_socket({ keep: 'net' }),
      veth_add(net, { name: 'one', peer: { name: 'other' } }),
      bridge_add(net, { name: 'switch' }),
      close(net),
    ])
    const failed = results.find(({ status }) => status !== 'ok')
    return failed ? showOutcome(failed) : 'yes'
  } finally {
    await shim.rollback()
  }
}

/** Chains that translate senders and receivers, in a network of its own inside the bottle. */
export async function tryNat(bottle: Bottle): Promise<string> {
  const nft = findCommand('nft')
  if (!nft) return NO_NFT
  const rules = [
    'add table ip trial',
    'add chain ip trial out { type nat hook postrouting priority 100; }',
    'add rule ip trial out counter masquerade',
    'add chain ip trial in { type nat hook prerouting priority -100; }',
    'add rule ip trial in tcp dport 1 dnat to 127.0.0.1:1',
  ].join('; ')
  const shim = await bottle.shim()
  try {
    const stdio = new BoxStdio(shim)
    const results = await stdio.attempt([clone3(['net']), execve(nft, ['nft', rules])])
    const failed = results.find(({ status }) => status !== 'ok')
    if (failed) return showOutcome(failed)
    const { code } = await shim.exited
    return code === 0 ? 'yes' : `${stdio.text.trim().split('\n')[0] || `nft exited with ${code}`}`
  } finally {
    await shim.rollback()
  }
}
