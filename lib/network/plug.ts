/**
 * A network for a container that runs already, and none any more. What plugs it in is a shim for this moment, whose child goes into the container's network
 * namespace; it makes the same calls as a start does. Nothing of it may be undone when that shim ends, so what is to be undone when it fails is
 * undone here.
 *
 *     engine                    shim (host's network)              child (container's network)
 *       │ ── pidfd_open ──────►  │
 *       │ is it still the container's first process?
 *       │ ── lease, clone ────►  │ ─────────────────────────────►  │ setns(pidfd, net)
 *       │                        │                                 │ cable, address, route
 *       │ ── end ─────────────►  │ ── SIGKILL ──────────────────►  │
 */

import { isIPv4 } from 'node:net'
import { close } from '../kernel/calls/files.js'
import { clone3, pidfd_open, setns } from '../kernel/calls/process.js'
import { netlink, nfnetlink_socket, rtnetlink_socket } from '../kernel/calls/sockets.js'
import { DrydockError } from '../kernel/errors.js'
import type { Family } from '../kernel/ip.js'
import { linkSet } from '../kernel/netlink/link.js'
import { elementsAdd, elementsDelete } from '../kernel/netlink/nfnetlink.js'
import { routeReplace } from '../kernel/netlink/route.js'
import { readNetDev, readRoutes, readRoutes6 } from '../kernel/proc/net.js'
import { StepError } from '../kernel/result.js'
import type { Shim } from '../kernel/shim.js'
import { container, host, ref, type Step } from '../kernel/step.js'
import type { Attachment } from './attachment.js'
import { removeLink } from './links.js'
import { type PortAddresses, type PublishedPort, portElements } from './ports.js'

/** The container. */
export interface Target {
  /** Its first process, as the shim's pid namespace numbers it. */
  readonly pid: number
  /** Is that process still the container's? Its number may come to mean another one at any time. */
  isStill(): boolean
}

/**
 * Plug it in as planned (with maker `shared-pid`). Throws the StepError of what failed; the lease is given back then, and the cable, if it was made, is the caller's
 * to pull out. The shim has ended afterwards.
 */
export async function plugIn(shim: Shim, { fragment }: Attachment, target: Target): Promise<void> {
  await within(shim, target, fragment.steps)
}

/** From now on, what is for no network that the container knows goes through these gateways, one for each family. */
export async function routeThrough(shim: Shim, gateways: readonly string[], target: Target): Promise<void> {
  const own = ref('own')
  const routes = gateways.map((gateway) => netlink(own, routeReplace({ to: 'default', via: gateway })))
  await within(shim, target, container([rtnetlink_socket({ keep: own.ref }), ...routes]))
}

async function within(shim: Shim, target: Target, steps: readonly Step[]): Promise<void> {
  const process = ref('target')
  const armed: Step[] = []
  const run = async (some: readonly Step[]) => {
    const results = await shim.attempt(some.map(({ undo: _, ...rest }) => rest))
    results.forEach(({ status }, index) => {
      if (status === 'ok') armed.push(...(some[index]?.undo ?? []))
    })
    const failed = results.find(({ status }) => status === 'failed')
    if (failed) throw new StepError(failed)
  }
  try {
    await run(host([pidfd_open(target.pid, { keep: process.ref, allow: ['ESRCH', 'EINVAL'] })]))
    if (!target.isStill()) throw new DrydockError('the container does not run any more', { status: 409 })
    const [before, inside] = [steps.filter(({ actor }) => actor === 'host'), steps.filter(({ actor }) => actor !== 'host')]
    await run([...before, clone3([]), ...container([setns(process, ['net'])]), ...inside])
  } catch (error) {
    await shim.attempt(host([...armed].reverse()))
    throw error
  } finally {
    await shim.rollback()
  }
}

/** Pull the cable out, by its end on the host. */
export const pullOut = (shim: Shim, device: string): Promise<void> => removeLink(shim, device)

/** Where published ports lead. */
export interface PortTarget extends PortAddresses {
  /** The cable's end on the host. */
  readonly device: string
}

/** Have the ports that the container's own shim holds lead elsewhere, or nowhere. */
export async function leadPorts(shim: Shim, ports: readonly PublishedPort[], to: PortTarget | undefined): Promise<void> {
  if (ports.length === 0) return
  const [filter, links] = [ref('filter'), ref('links')]
  // A key alone says what goes: the address does not matter.
  const gone = ports.map((port) =>
    netlink(filter, elementsDelete([portElements(port, to ?? { address: '0.0.0.0' })]), { allow: ['ENOENT'] }),
  )
  const led = ports.filter(({ hostIp }) => isIPv4(hostIp) || to?.address6 !== undefined)
  const there = to && [
    ...(led.length > 0 ? [netlink(filter, elementsAdd(led.map((port) => portElements(port, to))))] : []),
    rtnetlink_socket({ keep: links.ref }),
    netlink(links, linkSet(to.device, { hairpin: true }), { allow: ['ENODEV'] }),
    close(links),
  ]
  await shim.run(host([nfnetlink_socket({ keep: filter.ref }), ...gone, ...(there ?? []), close(filter)]))
}

/** Whether what is for nobody near goes anywhere, in the network of a process. The kernel's own IPv6 route to nowhere is the loopback's. */
export function hasDefaultRoute(pid: number, family: Family = 4): boolean {
  const routes = (family === 4 ? readRoutes(pid) : readRoutes6(pid)) ?? []
  return routes.some(({ prefixLength, gateway }) => prefixLength === 0 && gateway !== undefined)
}

/** The first N of ethN that the network of a process has not got. */
export function freePosition(pid: number): number {
  const names = new Set((readNetDev(pid) ?? []).map(({ name }) => name))
  let position = 0
  while (names.has(`eth${position}`)) position++
  return position
}
