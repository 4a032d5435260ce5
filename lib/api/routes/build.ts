/** /build: images out of Dockerfiles, as the classic builder's clients ask for them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BuildRequest } from '../../engine/build/types.js'
import type { Document, RegistryAuth } from '../../engine/types.js'
import { DrydockError } from '../../kernel/errors.js'
import { sendFailure, sendJson } from '../answers.js'
import { toldBuild } from '../build-output.js'
import type { ApiContext } from '../context.js'
import { streamProgress } from '../progress.js'
import type { Query } from '../query.js'
import { queryOf, versionOf } from '../request.js'
import { goneSignal } from '../streams.js'

/** From this version on clients are told the ids of images beside the lines. */
const TOLD_IDS = 30
/** From this version on a platform may be asked for. */
const PLATFORMS = 32

export function buildRoutes(app: FastifyInstance, { engine: { builds }, log }: ApiContext): void {
  app.post('/build', async (request, reply) => {
    const query = queryOf(request)
    const asked = requestOf(request, query)
    const version = versionOf(request)
    // Whoever reads what is sent hears that its client has gone.
    request.raw.on('error', () => undefined)
    const options = { quiet: query.flag('q'), ids: version >= TOLD_IDS, signal: goneSignal(reply) }
    await streamProgress(reply, log, (stream) =>
      toldBuild(stream, reply.raw, options, (output) => builds.build(asked, request.raw, output)),
    )
    return reply
  })

  app.post('/build/prune', async (request, reply) => {
    queryOf(request).filters()
    return sendJson(reply, await builds.prune())
  })

  app.post('/build/cancel', (request, reply) => cancel(request, reply))
}

/** Only BuildKit knows a build by an id. The one of a client that goes is cancelled. */
function cancel(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (queryOf(request).text('id') === undefined) return sendFailure(reply, { status: 400, message: 'build ID not provided' })
  return sendFailure(reply, { status: 501, message: 'this engine has no BuildKit: a build ends when its client goes away' })
}

/** What BuildKit alone can do, and what cannot be done here. Throws in docker's words, where there are some. */
function refuse(query: Query): void {
  const version = query.text('version') ?? '1'
  if (version === '2') throw new DrydockError('this engine has no BuildKit: build with DOCKER_BUILDKIT=0', { status: 400 })
  if (version !== '1') throw new DrydockError(`invalid version ${version}`, { status: 400 })
  if (query.flag('squash')) throw new DrydockError('squash is only supported with experimental mode', { status: 400 })
  if (query.has('securityopt')) {
    throw new DrydockError('The daemon on this platform does not support setting security options on build', { status: 400 })
  }
  const isolation = query.text('isolation')
  if (isolation !== undefined && isolation.toLowerCase() !== 'default') {
    throw new DrydockError(`Unsupported isolation: ${JSON.stringify(isolation)}`, { status: 400 })
  }
  if (query.text('outputs') !== undefined)
    throw new DrydockError('this engine has no BuildKit: the image is the only output', { status: 400 })
}

function requestOf(request: FastifyRequest, query: Query): BuildRequest {
  refuse(query)
  const texts = {
    dockerfile: query.text('dockerfile'),
    remote: query.text('remote'),
    target: query.text('target'),
    platform: versionOf(request) >= PLATFORMS ? query.text('platform') : undefined,
  }
  const auths = authsOf(request)
  const force = query.flag('forcerm')
  return {
    ...(Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)) as Partial<
      Record<keyof typeof texts, string>
    >),
    tags: query.list('t'),
    buildArgs: mapIn<string | null>(query, 'buildargs', 'build args', (value) => typeof value === 'string' || value === null),
    labels: mapIn<string>(query, 'labels', 'labels', (value) => typeof value === 'string'),
    cacheFrom: listIn<string>(query, 'cachefrom', 'cache sources', (value) => typeof value === 'string'),
    noCache: query.flag('nocache'),
    pull: query.flag('pull'),
    remove: force || query.flag('rm', true),
    forceRemove: force,
    hostConfig: hostConfigOf(query),
    ...(auths && { auths }),
  }
}

/** Query by member; each is left out when it is not said. */
const NUMBERS = {
  memory: 'Memory',
  memswap: 'MemorySwap',
  cpushares: 'CpuShares',
  cpuperiod: 'CpuPeriod',
  cpuquota: 'CpuQuota',
  shmsize: 'ShmSize',
} as const
const TEXTS = { cpusetcpus: 'CpusetCpus', cpusetmems: 'CpusetMems', networkmode: 'NetworkMode', cgroupparent: 'CgroupParent' } as const

function hostConfigOf(query: Query): Document {
  const numbers = Object.entries(NUMBERS).map(([name, member]) => [member, query.integer(name)] as const)
  const texts = Object.entries(TEXTS).map(([name, member]) => [member, query.text(name)] as const)
  const hosts = query.list('extrahosts')
  const ulimits = listIn<object>(query, 'ulimits', 'ulimit settings', (value) => typeof value === 'object' && value !== null)
  return {
    ...Object.fromEntries([...numbers, ...texts].filter(([, value]) => value !== undefined && value !== 0)),
    ...(hosts.length > 0 && { ExtraHosts: hosts }),
    ...(ulimits.length > 0 && { Ulimits: ulimits }),
  }
}

function jsonIn(query: Query, name: string, what: string): unknown {
  const text = query.text(name)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new DrydockError(`error reading ${what}: ${(cause as Error).message}`, { cause, status: 400 })
  }
}

function mapIn<T>(query: Query, name: string, what: string, fits: (value: unknown) => boolean): Record<string, T> {
  const found = jsonIn(query, name, what) ?? {}
  if (typeof found === 'object' && !Array.isArray(found) && Object.values(found).every(fits)) return found as Record<string, T>
  throw new DrydockError(`error reading ${what}: its values are not what they should be`, { status: 400 })
}

function listIn<T>(query: Query, name: string, what: string, fits: (value: unknown) => boolean): T[] {
  const found = jsonIn(query, name, what) ?? []
  if (Array.isArray(found) && found.every(fits)) return found as T[]
  throw new DrydockError(`error reading ${what}: it is no list of what it should be`, { status: 400 })
}

/** Credentials by registry: JSON in base64. Nothing when it is no such thing, as docker has it. */
function authsOf({ headers }: FastifyRequest): Record<string, RegistryAuth> | undefined {
  const text = headers['x-registry-config']
  if (typeof text !== 'string' || text === '') return undefined
  try {
    const auths = JSON.parse(Buffer.from(text, 'base64').toString()) as unknown
    if (typeof auths !== 'object' || auths === null) return undefined
    const known = Object.entries(auths).filter(([, auth]) => typeof auth === 'object' && auth !== null)
    return known.length > 0 ? (Object.fromEntries(known) as Record<string, RegistryAuth>) : undefined
  } catch {
    return undefined
  }
}
