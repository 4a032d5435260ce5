/** Images from and to registries: pull, push; and what a registry knows without giving an image: search, distribution. */

import { parsePlatform } from '../../image/platform.js'
import { pull, pullAll } from '../../image/pull.js'
import { push, pushAll } from '../../image/push.js'
import { isDigest, parseDomain, parseReference, type Reference, withDefaultTag, withoutTag } from '../../image/reference.js'
import { readDocument, type SearchResult, searchImages } from '../../image/registry/index.js'
import type { Platform } from '../../image/types.js'
import { DrydockError } from '../../kernel/errors.js'
import { STRANGERS_REFUSED } from '../../network/strangers.js'
import type { EngineContext } from '../context.js'
import { booleanFilter, checkFilters } from '../filters.js'
import type { Document, ImagesNoun } from '../types.js'
import { publishTransfer } from './events.js'
import { credentialSource, named, registrySettings, withRepository } from './repository.js'

type Transfers = Pick<ImagesNoun, 'pull' | 'push' | 'search' | 'distribution'>

export function transfersOf(context: EngineContext): Transfers {
  return {
    pull: async ({ image, tag, platform, all }, transfer) => pullImage(context, named(image, tag), { platform, all }, transfer),
    push: (name, request, transfer) => pushImage(context, name, request, transfer),
    search: (term, options) => search(context, term, options),
    distribution: (name, auth) => distribution(context, name, auth),
  }
}

interface Asked {
  readonly platform: string | undefined
  readonly all: boolean | undefined
}

/** A repository alone means all of its tags, unless `all` is false: the API's command line says `latest` itself. */
async function pullImage(
  context: EngineContext,
  asked: Reference,
  request: Asked,
  transfer: Parameters<ImagesNoun['pull']>[1],
): Promise<void> {
  const { store } = context
  const { onProgress, signal } = transfer
  const all = request.all ?? (asked.tag === undefined && asked.digest === undefined)
  const reference = all ? withoutTag(asked) : withDefaultTag(asked)
  const platform = request.platform ? { platform: parsePlatform(request.platform) } : {}
  await withRepository(context, reference, transfer, async (registry) => {
    const options = { store, registry, onProgress, signal, ...platform }
    if (all) await pullAll(reference, options)
    else await pull(reference, options)
  })
  await publishTransfer(context, 'pull', reference)
}

async function pushImage(
  context: EngineContext,
  name: string,
  { tag, all = false }: { readonly tag?: string; readonly all?: boolean },
  transfer: Parameters<ImagesNoun['push']>[2],
): Promise<Document | undefined> {
  const { store } = context
  const { onProgress, signal } = transfer
  const asked = named(name, tag)
  if (asked.digest !== undefined) throw new DrydockError('cannot push a digest reference', { status: 400 })
  const reference = all ? withoutTag(asked) : withDefaultTag(asked)
  return withRepository(context, reference, transfer, async (registry) => {
    const options = { store, registry, onProgress, signal }
    if (all) {
      await pushAll(reference, options)
      await publishTransfer(context, 'push', reference)
      return undefined
    }
    const { digest, size } = await push(reference, options)
    await publishTransfer(context, 'push', reference)
    return { Tag: reference.tag, Digest: digest, Size: size }
  })
}

/** How many, when nothing is said; and how many at most. */
const USUAL_LIMIT = 25
const LARGEST_LIMIT = 100

async function search(context: EngineContext, term: string, options: Parameters<ImagesNoun['search']>[1]): Promise<Document[]> {
  const { limit = USUAL_LIMIT, filters, auth } = options
  checkFilters(filters, ['is-automated', 'is-official', 'stars'])
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT)
    throw new DrydockError(`limit ${limit} is outside the range of [1, ${LARGEST_LIMIT}]`, { status: 400 })
  const [official, automated] = [booleanFilter(filters, 'is-official'), booleanFilter(filters, 'is-automated')]
  const stars = Math.max(0, ...(filters.get('stars') ?? []).map(starsOf))
  const [first = ''] = term.split('/', 1)
  const domain = parseDomain(/[.:]|^localhost$/.test(first) ? first : '')
  const found = await searchImages(term, {
    config: registrySettings(context),
    credentials: credentialSource(domain, auth),
    limit,
    guard: STRANGERS_REFUSED,
  })
  return found
    .filter((one) => (official === undefined || one.official === official) && (automated === undefined || one.automated === automated))
    .filter((one) => one.stars >= stars)
    .map(resultDocument)
}

function starsOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new DrydockError(`invalid filter 'stars=[${text}]'`, { status: 400 })
}

const resultDocument = ({ name, description, stars, official, automated }: SearchResult): Document => ({
  star_count: stars,
  is_official: official,
  name,
  is_automated: automated,
  description,
})

/** What a name stands for now, and for which machines it is. */
async function distribution(context: EngineContext, name: string, auth: Parameters<ImagesNoun['distribution']>[1]): Promise<Document> {
  if (isDigest(name)) throw new DrydockError(`unknown image reference format: ${name}`, { status: 400 })
  const reference = withDefaultTag(parseReference(name))
  return withRepository(context, reference, { ...(auth && { auth }) }, async (registry) => {
    const { descriptor, bytes } = await registry.manifest(reference.digest ?? (reference.tag as string))
    const document = readDocument(bytes, descriptor.mediaType)
    const platforms =
      document.kind === 'index'
        ? document.index.manifests.flatMap(({ platform }) => platform ?? [])
        : [platformIn(await registry.config(document.manifest.config))]
    return { Descriptor: descriptor, Platforms: platforms.map(platformDocument) }
  })
}

function platformIn(bytes: Buffer): Platform {
  const { architecture = '', os = '', variant } = JSON.parse(bytes.toString()) as Partial<Platform>
  return { architecture, os, ...(variant && { variant }) }
}

/** Members in Go's order; those that are not told are left out. */
const platformDocument = ({ architecture, os, variant, ...rest }: Platform): Document => ({
  architecture,
  os,
  ...(rest['os.version'] && { 'os.version': rest['os.version'] }),
  ...(rest['os.features'] && { 'os.features': rest['os.features'] }),
  ...(variant && { variant }),
})
