/** The registry that a name leads to: what is asked for it, and what is told on the way. */
import { parseDigest, parseReference, type Reference, withDigest, withoutTag, withTag } from '../../image/reference.js'
import { type Credentials, credentialsFor, Registry, type RegistryConfig, registryConfig, withOptions } from '../../image/registry/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { STRANGERS_REFUSED } from '../../network/strangers.js'
import type { EngineContext } from '../context.js'
import type { RegistryAuth } from '../types.js'

/** What is in the file of the data root, and what the engine was told. */
export function registrySettings({ dataRoot, settings }: Pick<EngineContext, 'dataRoot' | 'settings'>): RegistryConfig {
  return withOptions(registryConfig(dataRoot), { mirrors: settings.registryMirrors, insecure: settings.insecureRegistries })
}

/** Undefined: somebody without a name. */
export function credentialsOf({ username, password, identitytoken, registrytoken }: RegistryAuth): Credentials | undefined {
  if (!username && !identitytoken && !registrytoken) return undefined
  return {
    ...(username && { username, password: password ?? '' }),
    ...(identitytoken && { identityToken: identitytoken }),
    ...(registrytoken && { registryToken: registrytoken }),
  }
}

/** For one registry what the client has sent, also when that is nobody; the engine's own for its mirrors, and where the client has said nothing. */
export const credentialSource =
  (domain: string, auth: RegistryAuth | undefined) =>
  async (asked: string): Promise<Credentials | undefined> =>
    auth && asked === domain ? credentialsOf(auth) : credentialsFor(asked)

export interface AskOptions {
  readonly auth?: RegistryAuth
  readonly signal?: AbortSignal
}

/** Do it with the repository's registry. */
export async function withRepository<T>(
  context: EngineContext,
  reference: Reference,
  { auth, signal }: AskOptions,
  act: (registry: Registry) => Promise<T>,
): Promise<T> {
  const registry = new Registry(reference, {
    config: registrySettings(context),
    guard: STRANGERS_REFUSED,
    credentials: credentialSource(reference.domain, auth),
    signal,
    onWait: ({ milliseconds, why }) => context.log('warn', `${why}; another try in ${Math.round(milliseconds)} ms`),
  })
  try {
    return await act(registry)
  } finally {
    registry.close()
  }
}

/** A name with what the query says of tag or digest, which counts before what the name has. */
export function named(name: string, tag: string | undefined): Reference {
  const reference = parseReference(name)
  if (tag === undefined || tag === '') return reference
  return tag.includes(':') ? withDigest(withoutTag(reference), parseDigest(tag)) : withTag(withoutTag(reference), tag)
}

/** A name for an image that is made: tag, or latest. Undefined when there is none. */
export function nameOfNew(repo: string | undefined, tag: string | undefined): Reference | undefined {
  if (repo === undefined || repo === '') return undefined
  const reference = named(repo, tag)
  if (reference.digest !== undefined) throw new DrydockError('cannot import digest reference', { status: 400 })
  return reference
}
