/** A container gets one more network: at its next start, or at once while it runs. */
import type { ContainerRecord, EndpointRequest } from '../../container/index.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import type { Shim } from '../../kernel/shim.js'
import {
  type Attachment,
  freePosition,
  hasDefaultRoute,
  leadPorts,
  leaseOf,
  type PublishedPort,
  planAttachment,
  plugIn,
  pullOut,
  rewriteLease,
  routeThrough,
  type Target,
} from '../../network/index.js'
import { ensureWhole } from '../connections.js'
import type { ContainerHandle, EngineContext } from '../context.js'
import type { Endpoint } from '../documents/index.js'
import { runsIn } from '../living.js'
import { wayOutOf } from '../way-out.js'
import { checkConnect, mayNotPlug, type Networks } from './checks.js'
import { changeHosts, changeResolvers } from './files.js'
import type { BridgeNetwork, Network } from './find.js'
import { homelessPorts } from './ports.js'

/** How often an address that was lost to somebody else is chosen anew. */
const ATTEMPTS = 20

/** By whoever has the container exclusively. */
export async function connect(context: EngineContext, handle: ContainerHandle, network: Network, asked: EndpointRequest): Promise<void> {
  const request = withOwnMac(handle.record, network.name, asked)
  const mode = checkConnect(handle, network, request, mayNotPlug(context.machine))
  const record = connected(handle.record, mode, network.name, request)
  if (!handle.running || network.kind !== 'bridge') return handle.revise(record)
  context.late.note(handle.id)
  const { attachment, ports, before } = await plugged(context, handle, network, request, record)
  if (!handle.running) {
    // It has ended in this very moment, and perhaps before there was something to take back.
    context.late.note(handle.id)
    await context.late.ended(handle.id)
    throw new DrydockError(`container ${handle.id} is not running`, { status: 409 })
  }
  const endpoint: Endpoint = {
    networkId: network.id,
    address: attachment.address,
    prefix: attachment.prefix,
    gateway: attachment.gateway,
    ...(attachment.ipv6 && { ipv6: attachment.ipv6 }),
    mac: attachment.mac,
    aliases: attachment.aliases,
    ports,
  }
  if (attachment.userDefined) await serveNames(context, handle, network.name)
  tell(context, handle, () => {
    changeHosts(handle, { add: attachment.hostsLines })
    changeResolvers(context.dataRoot, handle, mode.names, [...mode.names, network.name])
  })
  handle.revise(record, { ...handle.endpoints, ...before, [network.name]: endpoint })
  context.events.publish({
    Type: 'network',
    Action: 'connect',
    ID: network.id,
    Attributes: { container: handle.id, name: network.name, type: network.driver },
  })
}

/** One that was asked for without a network is that of its mode: compose 1.29 takes a container off it and puts it on again before it is started. */
function withOwnMac({ more }: ContainerRecord, network: string, asked: EndpointRequest): EndpointRequest {
  return more?.mac !== undefined && asked.mac === undefined && network === more.hostConfig.NetworkMode ? { ...asked, mac: more.mac } : asked
}

/** What a container is on, and what it has asked for there, are in its record. */
function connected(record: ContainerRecord, mode: Networks, name: string, request: EndpointRequest): ContainerRecord {
  const { aliases, ...wishes } = request
  const asksFor = Object.keys(wishes).length > 0 || aliases.length > 0
  if (asksFor && !record.more) {
    throw new DrydockError('a container of the command line has no addresses and aliases of its own in a further network', { status: 400 })
  }
  const network = { ...mode, names: [...mode.names.filter((one) => one !== name), name] }
  const { more } = record
  return {
    ...record,
    spec: { ...record.spec, network },
    ...(more && { more: { ...more, endpoints: { ...more.endpoints, [name]: { ...request, connected: true } } } }),
  }
}

/** The engine goes on with a file that says less: what is in the kernel is there already. */
function tell({ log }: EngineContext, { name }: ContainerHandle, write: () => void): void {
  try {
    write()
  } catch (error) {
    log('warn', `${name}: its files do not tell of its networks: ${sentenceOf(error)}`)
  }
}

async function serveNames({ names, late, log }: EngineContext, { id, name }: ContainerHandle, network: string): Promise<void> {
  try {
    late.serve(id, network, await names.use([network]))
  } catch (error) {
    log('warn', `${name}: ${sentenceOf(error)}`)
  }
}

export const targetOf = ({ pid = 0, layout }: ContainerHandle): Target => ({ pid, isStill: () => runsIn(pid, layout.upper) })

interface Plugged {
  readonly attachment: Attachment
  readonly ports: readonly PublishedPort[]
  /** Where it was before, when something of that has moved here. */
  readonly before: Readonly<Record<string, Endpoint>>
}

async function plugged(
  context: EngineContext,
  handle: ContainerHandle,
  { name }: BridgeNetwork,
  request: EndpointRequest,
  record: ContainerRecord,
): Promise<Plugged> {
  const { dataRoot } = context
  const { spec, more } = handle.record
  const target = targetOf(handle)
  const mode = record.spec.network as Networks
  const isWay = (family: 4 | 6) => wayOutOf(dataRoot, mode.names, record.more?.endpoints, family) === name
  const [way, way6] = [isWay(4), isWay(6)]
  for (let attempt = 1; ; attempt++) {
    const shim = await context.newShim()
    let attachment: Attachment | undefined
    try {
      await ensureWhole(shim, dataRoot, name)
      const before = leaseOf(dataRoot, name, handle.id)
      const stray = before && !before.lease.left ? before.lease.device : undefined
      // Somebody who was killed has plugged it in, and has not said so.
      if (stray !== undefined) await withShim(context, (other) => pullOut(other, stray))
      const held = heldBy(before, request)
      attachment = await planAttachment({
        dataRoot,
        network: name,
        container: { id: handle.id, name: handle.name, hostname: spec.hostname, domainname: spec.domainname },
        asked: { ...request, aliases: [...new Set([...(name === 'bridge' ? [] : mode.aliases), ...request.aliases])] },
        ...(more && { dns: more.dns.servers }),
        index: freePosition(target.pid),
        // Where there is one it is replaced below.
        route: way && !hasDefaultRoute(target.pid),
        route6: way6 && !hasDefaultRoute(target.pid, 6),
        attempt,
        shim,
        ports: [],
        maker: 'shared-pid',
        ...(held !== undefined && { held }),
      })
      await plugIn(shim, attachment, target)
      await routeHere(context, attachment, { way, way6 }, target)
      const { ports, before: told } = way ? takePorts(dataRoot, handle) : { ports: [], before: {} }
      if (mode.ports.length > 0 && mode.names.length === 1 && ports.length === 0)
        context.log('warn', `${handle.name}: it had no network when it was started, and its ports are published when it is started again`)
      const lease = { ...attachment.lease, ...(ports.length > 0 && { ports }) }
      if (held !== undefined || ports.length > 0) rewriteLease(dataRoot, name, attachment.address, lease)
      const { address, ipv6 } = attachment
      const to = { address, ...(ipv6 && { address6: ipv6.address }), device: lease.device }
      await withShim(context, (other) => leadPorts(other, ports, to))
      return { attachment, ports, before: told }
    } catch (error) {
      await shim.rollback()
      const device = attachment?.lease.device
      if (device !== undefined) await withShim(context, (other) => pullOut(other, device))
      if (attempt < ATTEMPTS && attachment?.taken(error)) continue
      throw attachment?.explain(error) ?? error
    }
  }
}

type Leased = ReturnType<typeof leaseOf>

/** Addresses that are its own still, unless it asks for others now. */
function heldBy(before: Leased, { ip, ip6 }: EndpointRequest) {
  if (!before || (ip !== undefined && ip !== before.address)) return undefined
  const { address6 } = before.lease
  return { address: before.address, ...(address6 !== undefined && (ip6 === undefined || ip6 === address6) && { address6 }) }
}

/** A better way out than the one that it had. */
async function routeHere(
  context: EngineContext,
  { gateway, ipv6 }: Attachment,
  { way, way6 }: { readonly way: boolean; readonly way6: boolean },
  target: Target,
): Promise<void> {
  const gateways = [...(way ? [gateway] : []), ...(way6 && ipv6 ? [ipv6.gateway] : [])]
  if (gateways.length > 0) await routeThrough(await context.newShim(), gateways, target)
}

/** Ports that lead nowhere now, or to another of its networks, from which they are taken. */
function takePorts(dataRoot: string, { id, endpoints }: ContainerHandle): Pick<Plugged, 'ports' | 'before'> {
  const homeless = homelessPorts(dataRoot, id)
  if (homeless.length > 0) return { ports: homeless, before: {} }
  const [network, endpoint] = Object.entries(endpoints).find(([, { ports }]) => ports.length > 0) ?? []
  const found = network === undefined ? undefined : leaseOf(dataRoot, network, id)
  if (network === undefined || !endpoint || !found) return { ports: [], before: {} }
  const { ports = [], ...lease } = found.lease
  rewriteLease(dataRoot, network, found.address, lease)
  return { ports, before: { [network]: { ...endpoint, ports: [] } } }
}

/** A shim for an errand that is not undone. */
export async function withShim<T>(context: EngineContext, act: (shim: Shim) => Promise<T>): Promise<T> {
  const shim = await context.newShim()
  try {
    return await act(shim)
  } finally {
    await shim.rollback()
  }
}
