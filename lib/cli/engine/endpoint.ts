/** Which engine is meant: by the flags before the verb, by the environment, by a context, or this user's own. */
import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { engineSocket } from '../../kernel/places.js'
import type { Context } from './context.js'
import { type Host, parseHost } from './host.js'

/** The flags that stand before the verb. */
export interface GlobalFlags {
  readonly host: readonly string[]
  readonly context?: string
  readonly config?: string
  readonly tls?: boolean
  readonly tlsverify?: boolean
  readonly tlscacert?: string
  readonly tlscert?: string
  readonly tlskey?: string
}

export interface Endpoint {
  readonly host: Host
  /** Absent: without TLS. */
  readonly tls?: Tls
  /** Nobody has named it: it is this user's own engine, which is started when it does not run. */
  readonly own: boolean
}

export interface Tls {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  /** Is the other side who it says it is? */
  readonly verify: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/** Where docker's config.json, contexts and certificates are. */
export const configDirectory = (flags: Pick<GlobalFlags, 'config'>, environment: Environment = process.env): string =>
  flags.config ?? (environment.DOCKER_CONFIG || join(homedir(), '.docker'))

/** Docker's order: --context, -H, DOCKER_HOST, DOCKER_CONTEXT. Throws DrydockError. */
export async function resolveEndpoint(flags: GlobalFlags, environment: Environment = process.env): Promise<Endpoint> {
  if (flags.host.length > 1) throw new DrydockError('Specify only one -H', { status: 400 })
  if (flags.context !== undefined && flags.host.length > 0)
    throw new DrydockError('conflicting options: cannot specify both --host and --context', { status: 400 })
  const named = flags.host[0] ?? (flags.context === undefined ? environment.DOCKER_HOST || undefined : undefined)
  const context = flags.context ?? (named === undefined ? environment.DOCKER_CONTEXT : undefined)
  if (context !== undefined && context !== '' && context !== 'default') return ofContext(context, flags, environment)
  const given = named ?? (flags.context === 'default' ? environment.DOCKER_HOST || undefined : undefined)
  const tls = tlsOf(flags, environment, given)
  if (given === undefined) return { host: { kind: 'unix', path: engineSocket() }, own: true }
  const host = parseHost(given, { tls: tls !== undefined, socket: engineSocket() })
  return { host, own: false, ...(tls && host.kind === 'tcp' && { tls }) }
}

/** Seldom wanted, and what it is read by costs a good part of a quick command's time: loaded when it is. */
async function ofContext(name: string, flags: GlobalFlags, environment: Environment): Promise<Endpoint> {
  const { readContext } = await import('./context.js')
  const context = readContext(name, configDirectory(flags, environment))
  const secured = context.ca !== undefined || context.cert !== undefined || context.skipVerify || context.host.startsWith('https://')
  const host = parseHost(context.host, { tls: secured, socket: engineSocket() })
  return { host, own: false, ...(secured && host.kind === 'tcp' && { tls: filesOf(context, !context.skipVerify) }) }
}

/** `--tls` alone believes whoever answers. A certificate of one's own is shown when there is one, as docker does. */
function tlsOf(flags: GlobalFlags, environment: Environment, host = ''): Tls | undefined {
  const verify = flags.tlsverify ?? Boolean(environment.DOCKER_TLS_VERIFY)
  if (!verify && !flags.tls && !environment.DOCKER_TLS && !host.startsWith('https://')) return undefined
  const directory = environment.DOCKER_CERT_PATH || configDirectory(flags, environment)
  const usual = (base: string) => {
    const path = join(directory, base)
    return statSync(path, { throwIfNoEntry: false }) ? path : undefined
  }
  const ca = flags.tlscacert ?? (verify ? join(directory, 'ca.pem') : undefined)
  const cert = flags.tlscert ?? usual('cert.pem')
  const key = flags.tlskey ?? usual('key.pem')
  return filesOf({ ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) }, verify)
}

function filesOf({ ca, cert, key }: Pick<Context, 'ca' | 'cert' | 'key'>, verify: boolean): Tls {
  if ((cert === undefined) !== (key === undefined))
    throw new DrydockError(
      `TLS needs a certificate and its key: there is only ${cert ?? key}; name the other by ${cert ? '--tlskey' : '--tlscert'}`,
      { status: 400 },
    )
  return {
    verify,
    ...(ca !== undefined && { ca: read(ca, 'CA certificate') }),
    ...(cert !== undefined && { cert: read(cert, 'certificate') }),
    ...(key !== undefined && { key: read(key, 'key') }),
  }
}

function read(path: string, what: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'no such file or directory' : code
    throw new DrydockError(
      `unable to resolve docker endpoint: open ${path}: ${why}: TLS takes the ${what} from DOCKER_CERT_PATH, from ~/.docker, or from --tlscacert, --tlscert and --tlskey`,
      { cause, status: 400 },
    )
  }
}
