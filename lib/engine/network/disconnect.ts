/** A container loses a network: from its next start on, and at once while it runs. */
import type { ContainerRecord } from '../../container/index.js'
import { sentenceOf } from '../../kernel/errors.js'
import { readNetwork } from '../../network/config.js'
import { hasDefaultRoute, leadPorts, leaseOf, leave, type PublishedPort, pullOut, rewriteLease, routeThrough } from '../../network/index.js'
import type { ContainerHandle, EngineContext } from '../context.js'
import type { Endpoint } from '../documents/index.js'
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
  { address }: Endpoint,
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
    changeHosts(handle, { remove: [`${address}\t${handle.record.spec.hostname}`] })
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

/** Is nothing of it ever on its way out or in? */
const isInternal = (dataRoot: string, network: string): boolean => readNetwork(dataRoot, network)?.more?.internal === true

/** Ports go along to the first of its networks that has a way in. */
async function movePorts(
  context: EngineContext,
  { id }: ContainerHandle,
  ports: readonly PublishedPort[],
  endpoints: Endpoints,
): Promise<Endpoints> {
  if (ports.length === 0) return endpoints
  const { dataRoot } = context
  const [next] = Object.entries(endpoints).filter(([name]) => !isInternal(dataRoot, name))
  const lease = next && leaseOf(dataRoot, next[0], id)
  if (!next || !lease || lease.lease.left) {
    keepPorts(dataRoot, id, ports)
    await withShim(context, (shim) => leadPorts(shim, ports, undefined))
    return endpoints
  }
  const [name, endpoint] = next
  await withShim(context, (shim) => leadPorts(shim, ports, { address: lease.address, device: lease.lease.device }))
  rewriteLease(dataRoot, name, lease.address, { ...lease.lease, ports })
  return { ...endpoints, [name]: { ...endpoint, ports } }
}

/** The default route went with the cable that it led through. */
async function keepWayOut(context: EngineContext, handle: ContainerHandle, endpoints: Endpoints): Promise<void> {
  const next = Object.entries(endpoints).find(([name]) => !isInternal(context.dataRoot, name))
  const target = targetOf(handle)
  if (!next || hasDefaultRoute(target.pid)) return
  await routeThrough(await context.newShim(), next[1].gateway, target)
}
