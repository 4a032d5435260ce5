/** A container loses a network: from its next start on, and at once while it runs. */
import type { ContainerRecord } from '../../container/index.js'
import { sentenceOf } from '../../kernel/errors.js'
import {
  hasDefaultRoute,
  leadPorts,
  leaseOf,
  leave,
  ownNames,
  type PublishedPort,
  pullOut,
  rewriteLease,
  routeThrough,
} from '../../network/index.js'
import type { ContainerHandle, EngineContext } from '../context.js'
import type { Endpoint } from '../documents/index.js'
import { wayOutOf } from '../way-out.js'
import { checkDisconnect, type Networks } from './checks.js'
import { targetOf, withShim } from './connect.js'
import { changeHosts, changeResolvers } from './files.js'
import type { Network } from './find.js'
import { keepPorts } from './ports.js'

type Endpoints = Readonly<Record<string, Endpoint>>

/** By whoever has the container exclusively. */
export async function disconnect(context: EngineContext, handle: ContainerHandle, network: Network): Promise<void> {
  const mode = checkDisconnect(handle, network)
  const record = disconnected(handle.record, mode, network.name)
  const { [network.name]: endpoint, ...rest } = handle.endpoints
  handle.revise(
    record,
    handle.running && endpoint && network.kind === 'bridge' ? await unplugged(context, handle, mode, network.name, endpoint, rest) : rest,
  )
  context.events.publish({
    Type: 'network',
    Action: 'disconnect',
    ID: network.id,
    Attributes: { container: handle.id, name: network.name, type: network.driver },
  })
}

function disconnected(record: ContainerRecord, mode: Networks, name: string): ContainerRecord {
  const network = { ...mode, names: mode.names.filter((one) => one !== name) }
  const { more } = record
  const { [name]: _, ...endpoints } = more?.endpoints ?? {}
  return { ...record, spec: { ...record.spec, network }, ...(more && { more: { ...more, endpoints } }) }
}

/** The answer is where it is afterwards. */
async function unplugged(
  context: EngineContext,
  handle: ContainerHandle,
  { names: before }: Networks,
  network: string,
  { address, ipv6 }: Endpoint,
  rest: Endpoints,
): Promise<Endpoints> {
  const { dataRoot, late, log } = context
  const found = leaseOf(dataRoot, network, handle.id)
  let endpoints = rest
  if (found && !found.lease.left) {
    const { ports = [], ...lease } = found.lease
    await withShim(context, (shim) => pullOut(shim, lease.device))
    leave(dataRoot, network, found.address, lease)
    endpoints = await movePorts(context, handle, ports, rest)
  }
  await late.left(handle.id, network)
  try {
    await keepWayOut(context, handle, rest)
    changeHosts(handle, { remove: [address, ...(ipv6 ? [ipv6.address] : [])].map((one) => `${one}\t${ownNames(handle.record.spec)}`) })
    changeResolvers(
      dataRoot,
      handle,
      before,
      before.filter((name) => name !== network),
    )
  } catch (error) {
    log('warn', `${handle.name}: after it has left network ${network}: ${sentenceOf(error)}`)
  }
  return endpoints
}

/** Where its way out leads now. */
function wayAmong({ dataRoot }: EngineContext, { record }: ContainerHandle, endpoints: Endpoints, family: 4 | 6 = 4): Endpoint | undefined {
  const name = wayOutOf(dataRoot, Object.keys(endpoints), record.more?.endpoints, family)
  return name === undefined ? undefined : endpoints[name]
}

/** Ports go along to the one of its networks that is its way out now. */
async function movePorts(
  context: EngineContext,
  handle: ContainerHandle,
  ports: readonly PublishedPort[],
  endpoints: Endpoints,
): Promise<Endpoints> {
  if (ports.length === 0) return endpoints
  const { dataRoot } = context
  const { id } = handle
  const name = wayOutOf(dataRoot, Object.keys(endpoints), handle.record.more?.endpoints)
  const endpoint = name === undefined ? undefined : endpoints[name]
  const lease = name === undefined ? undefined : leaseOf(dataRoot, name, id)
  if (name === undefined || !endpoint || !lease || lease.lease.left) {
    keepPorts(dataRoot, id, ports)
    await withShim(context, (shim) => leadPorts(shim, ports, undefined))
    return endpoints
  }
  const { device, address6 } = lease.lease
  const to = { address: lease.address, ...(address6 !== undefined && { address6 }), device }
  await withShim(context, (shim) => leadPorts(shim, ports, to))
  rewriteLease(dataRoot, name, lease.address, { ...lease.lease, ports })
  return { ...endpoints, [name]: { ...endpoint, ports } }
}

/** The default route went with the cable that it led through. */
async function keepWayOut(context: EngineContext, handle: ContainerHandle, endpoints: Endpoints): Promise<void> {
  const target = targetOf(handle)
  const [four, six] = [wayAmong(context, handle, endpoints)?.gateway, wayAmong(context, handle, endpoints, 6)?.ipv6?.gateway]
  const lost = [
    ...(four !== undefined && !hasDefaultRoute(target.pid) ? [four] : []),
    ...(six !== undefined && !hasDefaultRoute(target.pid, 6) ? [six] : []),
  ]
  if (lost.length > 0) await routeThrough(await context.newShim(), lost, target)
}
