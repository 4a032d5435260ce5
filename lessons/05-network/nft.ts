/** The nft program, run in a child of the host's: what is typed into a shell. nft(8). */
import { clone3, execve, type Step } from '../../lib/index.js'
import { DrydockError } from '../../lib/kernel/errors.js'
import type { Box, Stage } from '../../lib/tutor/lesson.js'
import { findCommand } from '../../lib/tutor/packages.js'
import { LAN, WAN } from './net.js'

/** The table of this lesson; all that is in it goes with it. */
export const TABLE = 'dock'

/** Packets that leave by the host's other cable and come from a container get the host's address there. 100 is the place for it: after the route was chosen. */
export const MASQUERADE = [
  `add table ip ${TABLE}`,
  `add chain ip ${TABLE} out { type nat hook postrouting priority 100; }`,
  `add rule ip ${TABLE} out ip saddr ${LAN.network} oifname ${WAN.cable} counter masquerade`,
] as const

/** What comes to a port of the host's goes to a container's instead. -100: before the route is chosen. */
export const published = (port: number, address: string, inner: number) =>
  [
    `add table ip ${TABLE}`,
    `add chain ip ${TABLE} in { type nat hook prerouting priority -100; }`,
    `add rule ip ${TABLE} in ip daddr ${WAN.host} tcp dport ${port} counter dnat to ${address}:${inner}`,
  ] as const

/** Full path of the program. Whoever comes here has asked for it by the need `nat`. */
export function nftPath(): string {
  const path = findCommand('nft')
  if (path === undefined) throw new DrydockError('the program nft is not installed')
  return path
}

/** The program with these commands, as one argument that a shell would put into quotes. */
export const nft = (commands: readonly string[], why?: string): Step =>
  execve(nftPath(), ['nft', commands.join('; ')], [], why === undefined ? {} : { why })

/** Run it on the stage, in a box of its own; its output is shown, and returned. */
export async function runNft(stage: Stage, commands: readonly string[], why: string): Promise<string> {
  const box: Box = await stage.box('nft')
  await box.together('A child of the host’s, in the host’s network', [clone3([])])
  await box.step(nft(commands, why))
  const { code } = await box.exited()
  if (code !== 0) throw new DrydockError(`nft exited with ${code}: ${box.output().trim()}`)
  return box.output()
}
