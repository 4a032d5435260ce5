/** The image of `drydock run` from the store, fetched first when it is missing. */
import { type RunnableImage, runnableImage } from '../engine/request/image.js'
import { matches, ownPlatform, parsePlatform, showPlatform } from '../image/platform.js'
import { familiar, parseAnyReference, withDefaultTag } from '../image/reference.js'
import { type Image, Store } from '../image/store/index.js'
import type { Platform } from '../image/types.js'
import { DrydockError } from '../kernel/errors.js'
import type { RunFlags } from './run-options.js'

const WHEN = ['always', 'missing', 'never'] as const

/** `release`: when the container is made. Until then nobody removes what it is made of. */
export interface LeasedImage extends RunnableImage {
  readonly release: () => void
}

type PullFlags = Pick<RunFlags, 'pull' | 'platform' | 'quiet'>

/** Fails in Docker's words. What is fetched is shown on standard error: standard output is the program's. */
export async function storedImage(word: string, flags: PullFlags, dataRoot: string): Promise<LeasedImage> {
  const { pull } = flags
  if (!(WHEN as readonly string[]).includes(pull))
    throw new DrydockError(`invalid pull option: '${pull}': must be one of "always", "missing" or "never"`, { status: 400 })
  const store = new Store(dataRoot)
  const wanted = flags.platform === undefined ? undefined : parsePlatform(flags.platform)
  let image = pull === 'always' ? undefined : await present(store, word, wanted)
  if (!image && pull !== 'never') image = await fetched(store, word, wanted, flags, dataRoot)
  if (!image) throw new DrydockError(`No such image: ${named(word)}`, { status: 404 })
  if (!wanted && !matches(image.config, ownPlatform())) {
    process.stderr.write(
      `WARNING: The requested image's platform (${showPlatform(image.config)}) does not match the detected host platform (${showPlatform(ownPlatform())}) and no specific platform was requested\n`,
    )
  }
  return runnable(store, word, image, dataRoot)
}

/** Undefined: there is none, or none for that machine. */
async function present(store: Store, word: string, wanted: Platform | undefined): Promise<Image | undefined> {
  try {
    const image = await store.find(word)
    return wanted && !matches(image.config, wanted) ? undefined : image
  } catch (error) {
    if (error instanceof DrydockError && error.status === 404) return undefined
    throw error
  }
}

const named = (word: string): string => {
  const asked = parseAnyReference(word)
  return typeof asked === 'string' ? asked : familiar(withDefaultTag(asked))
}

async function fetched(
  store: Store,
  word: string,
  platform: Platform | undefined,
  flags: PullFlags,
  dataRoot: string,
): Promise<Image | undefined> {
  const asked = parseAnyReference(word)
  // An id is of an image here; no registry knows it.
  if (typeof asked === 'string') return present(store, word, platform)
  const reference = withDefaultTag(asked)
  if (flags.pull === 'missing') process.stderr.write(`Unable to find image '${familiar(reference)}' locally\n`)
  const { pullImages } = await import('./registries.js')
  const pulled = await pullImages(reference, {
    store,
    dataRoot,
    flags: { registryMirror: [], insecureRegistry: [] },
    ...(platform && { platform }),
    ...(!flags.quiet && { screen: process.stderr }),
  })
  return pulled.at(-1)?.image
}

async function runnable(store: Store, word: string, image: Image, dataRoot: string): Promise<LeasedImage> {
  const { id, record } = image
  const lease = store.lease()
  await lease.add([id, ...record.layers.map(({ chainId }) => chainId)])
  if (!store.records.get(id)) {
    lease.release()
    throw new DrydockError(`No such image: ${named(word)}`, { status: 404 })
  }
  return { ...runnableImage(word, image, dataRoot), release: () => lease.release() }
}
