/** Images fetched and sent by the engine, as `pull`, `push`, `run` and others ask it to; what it says meanwhile is shown as it comes. */
import { canonicalName, parseReference } from '../../image/reference.js'
import { credentialsFor, knownRegistries } from '../../image/registry/index.js'
import type { Engine } from '../engine/client.js'
import { followProgress } from '../engine/progress.js'
import { interruptible } from '../interrupt.js'
import type { Screen } from '../progress.js'

export interface PullOptions {
  readonly platform?: string
  /** Every tag of the repository. */
  readonly all?: boolean
  /** Where progress is shown; absent: nowhere. */
  readonly screen?: Screen
}

/** `name`: with tag or digest, or without for all. */
export async function pullImage(engine: Engine, name: string, { platform, all = false, screen }: PullOptions): Promise<void> {
  const reference = parseReference(name)
  const { tag, digest, ...repository } = reference
  const which = digest ?? tag
  await interruptible(async (signal) => {
    const stream = await engine.stream({
      method: 'POST',
      path: '/images/create',
      query: { fromImage: canonicalName(repository), ...(which !== undefined && !all && { tag: which }), ...(platform && { platform }) },
      headers: { 'X-Registry-Auth': await registryAuth(reference.domain) },
      signal,
    })
    await followProgress(stream, screen)
  })
}

/** What ~/.docker/config.json or its helpers know of a registry, in the form of the header. */
export const registryAuth = async (domain: string): Promise<string> => encoded((await authOf(domain)) ?? {})

/** The same of all registries together; undefined when nobody has logged in anywhere. */
export async function registryConfig(): Promise<string | undefined> {
  const known = await Promise.all(knownRegistries().map(async (domain) => [serverAddress(domain), await authOf(domain)] as const))
  const found = known.filter(([, auth]) => auth !== undefined)
  return found.length > 0 ? encoded(Object.fromEntries(found)) : undefined
}

async function authOf(domain: string): Promise<object | undefined> {
  const known = await credentialsFor(domain)
  return (
    known && {
      ...(known.username !== undefined && { username: known.username, password: known.password ?? '' }),
      ...(known.identityToken && { identitytoken: known.identityToken }),
      ...(known.registryToken && { registrytoken: known.registryToken }),
      serveraddress: serverAddress(domain),
    }
  )
}

const encoded = (document: object): string =>
  Buffer.from(JSON.stringify(document)).toString('base64').replaceAll('+', '-').replaceAll('/', '_')

/** Docker Hub goes by an address of its own. */
export const serverAddress = (domain: string): string => (domain === 'docker.io' ? 'https://index.docker.io/v1/' : domain)
