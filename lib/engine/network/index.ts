/**
 * Networks, as the Engine API has them.
 *
 *     find.ts        which there are, and by what they are found
 *     create.ts      one out of what a client asks for
 *     connect.ts disconnect.ts     containers get one, and lose one, also while they run; checks.ts who may
 *     files.ts       what a running container's files say; ports.ts its published ports
 *     late.ts        what is to be taken back when a container ends
 *     documents.ts   networks as they are told
 */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { readNetworks } from '../../network/config.js'
import { changeDefaultNetwork, leave, pullOut, removeNetwork, settleDefaultNetwork } from '../../network/index.js'
import { readLeases } from '../../network/leases.js'
import { forgetWhole } from '../connections.js'
import type { EngineContext } from '../context.js'
import { checkFilters, type Filters, matchesLabelFilters, matchesLabels, matchesName, untilFilter } from '../filters.js'
import { type InTurn, inTurn } from '../in-turn.js'
import { own } from '../own.js'
import { is, type Members, readMembers } from '../request/members.js'
import { endpointRequest } from '../request/networks.js'
import type { Document, NetworksNoun } from '../types.js'
import { checkRoot, mayNotPlug } from './checks.js'
import { connect, withShim } from './connect.js'
import { createFrom } from './create.js'
import { disconnect } from './disconnect.js'
import { membersOf, networkDocument } from './documents.js'
import { allNetworks, findNetwork, isPredefined, type Network } from './find.js'

export { leasedMembers, networkDocument } from './documents.js'
export { bridgeOf } from './find.js'
export { LateNetworks } from './late.js'

export function networksOf(context: EngineContext): NetworksNoun {
  // What takes a network away and what puts a container on it come one after the other.
  const next = inTurn()
  return {
    list: async (filters) => filtered(context, filters).map((network) => networkDocument(network)),
    inspect: async (word, options) => inspect(context, word, options),
    create: (body) => next(() => create(context, body)),
    remove: (word) => next(() => remove(context, findNetwork(context, word))),
    connect: (word, body) => connectOne(context, word, body, next),
    disconnect: (word, body) => disconnectOne(context, word, body, next),
    prune: (filters) => next(() => prune(context, filters)),
  }
}

/** Before anything asks for the default network: it is there, and at the address that the engine was told. */
export async function prepareNetworks(context: EngineContext): Promise<void> {
  const { dataRoot, settings, log } = context
  const { config, old } = settleDefaultNetwork(dataRoot, settings.bip)
  if (!old) return
  try {
    await withShim(context, (shim) => changeDefaultNetwork(dataRoot, config, shim, () => context.newShim()))
    forgetWhole(dataRoot, config.name)
  } catch (error) {
    log('warn', `network ${config.name} stays at ${old.gateway} in ${old.subnet}: ${sentenceOf(error)}`)
  }
}

/**
 * After an engine that was killed while it connected a container: the cable is plugged in, and nobody has said so. Nobody has been told that it is, either, so it is
 * pulled out again.
 */
export async function mendNetworks(context: EngineContext): Promise<void> {
  const { dataRoot, containers, log } = context
  const running = new Map(containers.all().flatMap((handle) => (handle.running ? [[handle.id, handle]] : [])))
  for (const { name } of readNetworks(dataRoot)) {
    for (const [address, lease] of readLeases(dataRoot, name)) {
      const handle = running.get(lease.id)
      if (!handle || own(handle.endpoints, name)) continue
      try {
        await withShim(context, (shim) => pullOut(shim, lease.device))
        leave(dataRoot, name, address, lease)
      } catch (error) {
        log('warn', `${handle.name}: it is still on network ${name}: ${sentenceOf(error)}`)
      }
    }
  }
}

const FILTERS = ['name', 'id', 'driver', 'label', 'scope', 'type', 'dangling']

function filtered(context: EngineContext, filters: Filters): Network[] {
  checkFilters(filters, FILTERS)
  const types = filters.get('type') ?? []
  const strange = types.find((type) => type !== 'custom' && type !== 'builtin')
  if (strange !== undefined) throw new DrydockError(`invalid filter: 'type'='${strange}'`, { status: 400 })
  const dangling = danglingFilter(filters)
  const oneOf = (key: string, value: string) => filters.get(key)?.includes(value) ?? true
  return allNetworks(context).filter(
    (network) =>
      matchesName(filters, network.name) &&
      matchesName(filters, network.id, 'id') &&
      oneOf('driver', network.driver) &&
      oneOf('scope', 'local') &&
      matchesLabels(filters, labelsOf(network)) &&
      types.every((type) => isPredefined(network) === (type === 'builtin')) &&
      (dangling === undefined || dangling === isDangling(context, network)),
  )
}

/** In the words that Docker has for networks. Undefined when it was not given. */
function danglingFilter(filters: Filters): boolean | undefined {
  const [value, ...more] = filters.get('dangling') ?? []
  if (value === undefined) return undefined
  if (more.length > 0) throw new DrydockError('got more than one value for filter key "dangling"', { status: 400 })
  if (['true', '1', 'false', '0'].includes(value)) return value === 'true' || value === '1'
  throw new DrydockError(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`, { status: 400 })
}

const labelsOf = (network: Network): Readonly<Record<string, string>> => (network.kind === 'bridge' ? network.config.labels : {})

/** Nobody is on it, and it is not always there anyway. */
const isDangling = (context: EngineContext, network: Network): boolean =>
  !isPredefined(network) && Object.keys(membersOf(context, network)).length === 0

function inspect(context: EngineContext, word: string, { scope }: { readonly scope?: string } = {}): Document {
  const network = findNetwork(context, word)
  if (scope !== undefined && scope !== '' && scope !== 'local') throw new DrydockError(`network ${word} not found`, { status: 404 })
  return networkDocument(network, membersOf(context, network))
}

async function create(context: EngineContext, body: Document): ReturnType<NetworksNoun['create']> {
  const { dataRoot, events } = context
  checkRoot(mayNotPlug(context.machine), typeof body.Name === 'string' ? body.Name : '')
  const { id, name } = await createFrom(dataRoot, body)
  events.publish({ Type: 'network', Action: 'create', ID: id, Attributes: { name, type: 'bridge' } })
  return { Id: id, Warning: '' }
}

async function remove(context: EngineContext, { name, id, driver }: Network): Promise<void> {
  const { dataRoot, events } = context
  checkRoot(mayNotPlug(context.machine), name)
  await withShim(context, (shim) => removeNetwork(dataRoot, name, shim, () => context.newShim()))
  forgetWhole(dataRoot, name)
  events.publish({ Type: 'network', Action: 'destroy', ID: id, Attributes: { name, type: driver } })
}

/** Those that nobody is on now; what stopped containers are to be on at their next start too. */
async function prune(context: EngineContext, filters: Filters): ReturnType<NetworksNoun['prune']> {
  checkFilters(filters, ['label', 'label!', 'until'])
  const until = untilFilter(filters)
  const deleted: string[] = []
  for (const network of allNetworks(context)) {
    if (isPredefined(network) || !matchesLabelFilters(filters, labelsOf(network))) continue
    if (until !== undefined && Date.parse(network.created) >= until) continue
    try {
      await remove(context, network)
      deleted.push(network.name)
    } catch (error) {
      // In use, or gone meanwhile.
      if (!(error instanceof DrydockError) || (error.status !== 403 && error.status !== 404)) throw error
    }
  }
  context.events.publish({ Type: 'network', Action: 'prune', ID: '', Attributes: { reclaimed: '0' } })
  return { NetworksDeleted: deleted.length > 0 ? deleted : null }
}

const CONNECT: Members = { Container: is('text'), EndpointConfig: is('object') }
const DISCONNECT: Members = { Container: is('text'), Force: is('flag') }

/** The container's turn first: it may be long until it has stopped, and other networks need not wait for that. The network may be gone by then. */
async function connectOne(context: EngineContext, word: string, body: Document, next: InTurn): Promise<void> {
  const { Container = '', EndpointConfig } = readMembers(body, CONNECT) as { Container?: string; EndpointConfig?: unknown }
  const network = findNetwork(context, word)
  const handle = context.containers.find(Container)
  const request = endpointRequest(EndpointConfig, 'EndpointConfig.')
  await handle.exclusively(() => next(() => connect(context, handle, findNetwork(context, network.id), request)))
}

async function disconnectOne(context: EngineContext, word: string, body: Document, next: InTurn): Promise<void> {
  const { Container = '', Force = false } = readMembers(body, DISCONNECT) as { Container?: string; Force?: boolean }
  const network = findNetwork(context, word)
  const handle = findForced(context, Container, Force)
  await handle.exclusively(() => next(() => disconnect(context, handle, network)))
}

/** By force also an endpoint whose container is gone is taken away; here none outlives its container. */
function findForced({ containers }: EngineContext, word: string, force: boolean) {
  try {
    return containers.find(word)
  } catch (error) {
    if (!force || !(error instanceof DrydockError) || error.status !== 404) throw error
    throw new DrydockError(`endpoint ${word} not found`, { cause: error, status: 404 })
  }
}
