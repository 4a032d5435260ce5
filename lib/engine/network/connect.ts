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
  type Target,
} from '../../network/index.js'
import { ensureWhole } from '../connections.js'
import type { ContainerHandle, EngineContext } from '../context.js'
import type { Endpoint } from '../documents/index.js'
import { runsIn } from '../living.js'
import { checkConnect, mayNotPlug, type Networks } from './checks.js'
import { changeHosts, changeResolvers } from './files.js'
import type { BridgeNetwork, Network } from './find.js'
import { homelessPorts } from './ports.js'

/** How often an address that was lost to somebody else is chosen anew. */
const ATTEMPTS = 20

/** By whoever has the container exclusively. */
export async function connect(context: EngineContext, handle: ContainerHandle, network: Network, request: EndpointRequest): Promise<void> {
  const mode = checkConnect(handle, network, request, mayNotPlug(context.machine))
  const record = connected(handle.record, mode, network.name, request)
  if (!handle.running || network.kind !== 'bridge') return handle.revise(record)
  context.late.note(handle.id)
  const { attachment, ports } = await plugged(context, handle, network, request, mode)
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
    mac: attachment.mac,
    aliases: attachment.aliases,
    ports,
  }
  if (attachment.userDefined) await serveNames(context, handle, network.name)
  tell(context, handle, () => {
    changeHosts(handle, { add: attachment.hostsLines })
    changeResolvers(context.dataRoot, handle, mode.names, [...mode.names, network.name])
  })
  handle.revise(record, { ...handle.endpoints, [network.name]: endpoint })
  context.events.publish({
    Type: 'network',
    Action: 'connect',
    ID: network.id,
    Attributes: { container: handle.id, name: network.name, type: network.driver },
  })
}

/** What a container is on, and what it has asked for there, are in its record. */
function connected(record: ContainerRecord, mode: Networks, name: string, request: EndpointRequest): ContainerRecord {
  const asksFor = request.ip !== undefined || request.mac !== undefined || request.aliases.length > 0
  if (asksFor && !record.more) {
    throw new DrydockError('a container of the command line has no addresses and aliases of its own in a further network', { status: 400 })
  }
  const network = { ...mode, names: [...mode.names.filter((one) => one !== name), name] }
  const { more } = record
  return {
    ...record,
    spec: { ...record.spec, network },
    ...(more && { more: { ...more, endpoints: { ...more.endpoints, [name]: request } } }),
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
}

async function plugged(
  context: EngineContext,
  handle: ContainerHandle,
  { name, config }: BridgeNetwork,
  request: EndpointRequest,
  mode: Networks,
): Promise<Plugged> {
  const { dataRoot } = context
  const { spec } = handle.record
  const target = targetOf(handle)
  for (let attempt = 1; ; attempt++) {
    const shim = await context.newShim()
    let attachment: Attachment | undefined
    try {
      await ensureWhole(shim, dataRoot, name)
      const before = leaseOf(dataRoot, name, handle.id)
      const stray = before && !before.lease.left ? before.lease.device : undefined
      // Somebody who was killed has plugged it in, and has not said so.
      if (stray !== undefined) await withShim(context, (other) => pullOut(other, stray))
      const held = before && (request.ip === undefined || request.ip === before.address) ? before.address : undefined
      attachment = await planAttachment({
        dataRoot,
        network: name,
        container: { id: handle.id, name: handle.name, hostname: spec.hostname },
        aliases: [...new Set([...(name === 'bridge' ? [] : mode.aliases), ...request.aliases])],
        index: freePosition(target.pid),
        route: !hasDefaultRoute(target.pid),
        attempt,
        shim,
        ports: [],
        maker: 'shared-pid',
        ...(request.ip !== undefined && { ip: request.ip }),
        ...(request.mac !== undefined && { mac: request.mac }),
        ...(held !== undefined && { held }),
      })
      await plugIn(shim, attachment, target)
      const ports = config.more?.internal ? [] : homelessPorts(dataRoot, handle.id)
      if (mode.ports.length > 0 && mode.names.length === 0 && ports.length === 0)
        context.log('warn', `${handle.name}: it had no network when it was started, and its ports are published when it is started again`)
      const lease = { ...attachment.lease, ...(ports.length > 0 && { ports }) }
      if (held !== undefined || ports.length > 0) rewriteLease(dataRoot, name, attachment.address, lease)
      await withShim(context, (other) => leadPorts(other, ports, { address: attachment?.address ?? '', device: lease.device }))
      return { attachment, ports }
    } catch (error) {
      await shim.rollback()
      const device = attachment?.lease.device
      if (device !== undefined) await withShim(context, (other) => pullOut(other, device))
      if (attempt < ATTEMPTS && attachment?.taken(error)) continue
      throw attachment?.explain(error) ?? error
    }
  }
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
