/** A context of docker's (`docker context create`): an address and TLS files under a name, in ~/.docker/contexts. github.com/docker/cli, cli/context/store. */
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'

export interface Context {
  readonly host: string
  readonly skipVerify: boolean
  /** Paths of those that there are. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** `directory`: where docker's config.json is. */
export function readContext(name: string, directory: string): Context {
  const id = createHash('sha256').update(name).digest('hex')
  const file = join(directory, 'contexts', 'meta', id, 'meta.json')
  const docker = endpointOf(file, name)
  if (typeof docker.Host !== 'string' || docker.Host === '')
    throw new DrydockError(`context "${name}" names no engine: ${file} has no Endpoints.docker.Host`, { status: 400 })
  const tls = join(directory, 'contexts', 'tls', id, 'docker')
  const found = (base: string) => {
    const path = join(tls, base)
    return statSync(path, { throwIfNoEntry: false }) ? path : undefined
  }
  const [ca, cert, key] = [found('ca.pem'), found('cert.pem'), found('key.pem')]
  return {
    host: docker.Host,
    skipVerify: docker.SkipTLSVerify === true,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

function endpointOf(file: string, name: string): { readonly Host?: unknown; readonly SkipTLSVerify?: unknown } {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? `context not found: ${file} does not exist` : `${file} cannot be read: ${code}`
    throw new DrydockError(`context "${name}": ${why}`, { cause, status: 404 })
  }
  try {
    const { Endpoints } = JSON.parse(text) as { Endpoints?: { docker?: object } }
    return Endpoints?.docker ?? {}
  } catch (cause) {
    throw new DrydockError(`context "${name}": ${file} is no JSON: ${(cause as Error).message}`, { cause, status: 400 })
  }
}
