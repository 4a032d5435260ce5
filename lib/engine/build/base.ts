/** The images of a build: what FROM and COPY --from name, found here or fetched. */
import { matches, parsePlatform } from '../../image/platform.js'
import { DOCKER_HUB, parseReference, withDefaultTag } from '../../image/reference.js'
import { lookUp } from '../../image/store/find.js'
import type { ContainerConfig, Digest, Platform } from '../../image/types.js'
import { DrydockError } from '../../kernel/errors.js'
import type { EngineContext } from '../context.js'
import type { ImagesNoun, RegistryAuth } from '../types.js'
import type { BuildOutput, BuildRequest } from './types.js'

/** Undefined: the empty image, `scratch`. */
export interface Found {
  readonly id: Digest
  readonly config: ContainerConfig
}

export interface Finding {
  readonly context: EngineContext
  readonly images: Pick<ImagesNoun, 'pull'>
  readonly request: Pick<BuildRequest, 'pull' | 'platform' | 'auths'>
  readonly output: BuildOutput
}

/** `own`: an image of this build, which nobody fetches. */
export async function findImage(
  finding: Finding,
  word: string,
  { own = false, platform }: { own?: boolean; platform?: string } = {},
): Promise<Found> {
  const { context, request } = finding
  const wanted = platform || request.platform
  const here = () => local(context, word, wanted ? parsePlatform(wanted) : undefined)
  const known = own || !request.pull ? await here() : undefined
  if (known) return known
  if (own) throw new DrydockError(`No such image: ${word}`, { status: 404 })
  await fetch(finding, word, wanted)
  const fetched = await here()
  if (!fetched) throw new DrydockError(`No such image: ${word}`, { status: 404 })
  return fetched
}

async function local({ store }: EngineContext, word: string, wanted: Platform | undefined): Promise<Found | undefined> {
  try {
    const { id } = lookUp(store, word)
    const config = await store.config(id)
    return wanted && !matches(config, wanted) ? undefined : { id, config: config.config ?? {} }
  } catch (error) {
    if (error instanceof DrydockError && error.status === 404) return undefined
    throw error
  }
}

function fetch({ images, request, output }: Finding, word: string, platform: string | undefined): Promise<void> {
  const reference = withDefaultTag(parseReference(word))
  const auth = request.auths && authFor(request.auths, reference.domain)
  const asked = { image: word, all: false, ...(platform && { platform }) }
  return images.pull(asked, { onProgress: output.onProgress, signal: output.signal, ...(auth && { auth }) })
}

/** What docker's command line keeps those of its hub under. */
const HUB_KEY = 'https://index.docker.io/v1/'

/** Somebody without a name, when the client knows nobody there. */
export function authFor(auths: Readonly<Record<string, RegistryAuth>>, domain: string): RegistryAuth {
  const key = domain === DOCKER_HUB ? HUB_KEY : domain
  const hostOf = (text: string) => text.replace(/^https?:\/\//, '').split('/', 1)[0]
  return auths[key] ?? Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1] ?? {}
}
