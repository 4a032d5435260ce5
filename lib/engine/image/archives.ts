/** Images from and into archives: import, save, load. */
import { Readable } from 'node:stream'
import { importImage } from '../../image/import.js'
import { loadImages } from '../../image/load.js'
import { parsePlatform } from '../../image/platform.js'
import { familiar, parseReference, withDefaultTag } from '../../image/reference.js'
import { saveImages } from '../../image/save.js'
import { lookUp } from '../../image/store/find.js'
import { DrydockError } from '../../kernel/errors.js'
import type { EngineContext } from '../context.js'
import { counted, download } from '../download.js'
import type { ImagesNoun } from '../types.js'
import { publishImage } from './events.js'
import { nameOfNew } from './repository.js'

type Archives = Pick<ImagesNoun, 'import' | 'save' | 'load'>

export function archivesOf(context: EngineContext): Archives {
  return {
    import: (source, body, request, transfer) => importOne(context, source, body, request, transfer),
    save: (names) => save(context, names),
    load: (archive, options) => load(context, archive, options),
  }
}

async function importOne(
  context: EngineContext,
  source: string,
  body: Readable,
  request: Parameters<ImagesNoun['import']>[2],
  { onProgress, signal }: Parameters<ImagesNoun['import']>[3],
): Promise<string> {
  const { repo, tag, changes, platform } = request
  const reference = nameOfNew(repo, tag)
  // Docker: an address without a scheme is one of the web.
  const url = source === '-' ? undefined : /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : `http://${source}`
  const archive = url === undefined ? body : fetched(url, onProgress, signal)
  const image = await importImage(archive, {
    store: context.store,
    ...(reference && { reference }),
    changes,
    message: request.message || `Imported from ${source}`,
    ...(platform && { platform: parsePlatform(platform) }),
    signal,
  })
  if (reference) await publishImage(context, 'tag', image.id, { name: familiar(withDefaultTag(reference)) })
  await publishImage(context, 'import', image.id)
  return image.id
}

async function* fetched(
  url: string,
  onProgress: Parameters<ImagesNoun['import']>[3]['onProgress'],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: '' }
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new DrydockError(`${url} cannot be imported: it is no address that begins with http:// or https://`, { status: 400 })
  const bytes = await download(url, signal)
  onProgress({ status: `Downloading from ${url}` })
  let told = 0
  yield* counted(bytes, (current) => {
    if (current - told < STRIDE) return
    told = current
    onProgress({ status: 'Importing', progressDetail: { current } })
  })
}

/** Bytes between two lines of progress. */
const STRIDE = 512 * 1024

async function save(context: EngineContext, names: readonly string[]): Promise<Readable> {
  if (names.length === 0) throw new DrydockError('no image was named', { status: 400 })
  const archive = await saveImages(context.store, names)
  for (const id of new Set(names.flatMap((name) => idsOf(context, name)))) await publishImage(context, 'save', id)
  return Readable.from(archive)
}

/** A name without a tag is all of the repository. */
function idsOf({ store }: EngineContext, name: string) {
  try {
    return [lookUp(store, name).id]
  } catch {
    const { domain, path } = parseReference(name)
    return store.tags.list().flatMap(({ reference, id }) => (reference.domain === domain && reference.path === path ? [id] : []))
  }
}

async function load(context: EngineContext, archive: Readable, options: Parameters<ImagesNoun['load']>[1]): Promise<void> {
  const { quiet, say, onProgress, signal } = options
  const images = await loadImages(archive, {
    store: context.store,
    // Lines about a layer have its id; those about an image are said in any case.
    onProgress: (progress) => {
      if (progress.id === undefined) say(progress.status)
      else if (!quiet) onProgress(progress)
    },
    signal,
  })
  for (const { id } of images) await publishImage(context, 'load', id)
}
