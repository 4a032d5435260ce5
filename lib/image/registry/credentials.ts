/**
 * Who one is to a registry: `auths`, `credsStore` and `credHelpers` of ~/.docker/config.json ($DOCKER_CONFIG names another directory), which
 * drydock and docker share. https://docs.docker.com/reference/cli/docker/login/
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'
import { replaceFile } from '../../kernel/new-file.js'
import { randomBytes } from '../../kernel/random.js'
import { DOCKER_HUB } from '../reference.js'
import { eraseInHelper, getFromHelper, storeInHelper } from './helper.js'

export interface Credentials {
  readonly username?: string
  readonly password?: string
  /** A refresh token, for which the token server gives access tokens. */
  readonly identityToken?: string
  /** An access token as it is. */
  readonly registryToken?: string
}

interface Auth {
  readonly auth?: string
  readonly username?: string
  readonly password?: string
  readonly identitytoken?: string
  readonly registrytoken?: string
}

interface ConfigFile {
  auths?: Record<string, Auth>
  credsStore?: string
  credHelpers?: Record<string, string>
  [other: string]: unknown
}

/** Under which Docker keeps what is for Docker Hub, for reasons that are long past. */
const HUB_KEY = 'https://index.docker.io/v1/'

export const configPath = (): string => join(process.env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json')

/** Registries of which the file says who one is there, as credentialsFor names them. */
export function knownRegistries(): string[] {
  const { auths = {}, credHelpers = {} } = readConfig()
  return [...new Set([...Object.keys(auths), ...Object.keys(credHelpers)])].map((key) => (key === HUB_KEY ? DOCKER_HUB : key))
}

/** What is known for a registry (`docker.io`, `localhost:5000`); undefined when nobody has logged in. */
export async function credentialsFor(domain: string): Promise<Credentials | undefined> {
  const config = readConfig()
  const key = keyOf(domain)
  const helper = helperFor(config, key)
  if (helper) return getFromHelper(helper, key)
  const auths = config.auths ?? {}
  const found = auths[key] ?? Object.entries(auths).find(([name]) => hostOfKey(name) === key)?.[1]
  return found && decoded(found, key)
}

/** Would they be kept in the file, where whoever reads it has them? */
export const keepsInFile = (domain: string): boolean => helperFor(readConfig(), keyOf(domain)) === undefined

/** Keep them, as `docker login` does: in the helper when one is configured, in the file (0600) otherwise. */
export async function saveCredentials(domain: string, credentials: Credentials): Promise<void> {
  const config = readConfig()
  const key = keyOf(domain)
  const helper = helperFor(config, key)
  if (helper) await storeInHelper(helper, key, credentials)
  // With a helper, the file says only that there is something.
  writeConfig({ ...config, auths: { ...config.auths, [key]: helper ? {} : encoded(credentials) } })
}

/** Forget them, as `docker logout` does; false when there were none. */
export async function eraseCredentials(domain: string): Promise<boolean> {
  const config = readConfig()
  const key = keyOf(domain)
  const helper = helperFor(config, key)
  const auths = Object.entries(config.auths ?? {})
  const kept = auths.filter(([name]) => name !== key && hostOfKey(name) !== key)
  const known = kept.length !== auths.length || (helper !== undefined && (await getFromHelper(helper, key)) !== undefined)
  if (helper && known) await eraseInHelper(helper, key)
  if (kept.length !== auths.length) writeConfig({ ...config, auths: Object.fromEntries(kept) })
  return known
}

const keyOf = (domain: string): string => (domain === DOCKER_HUB ? HUB_KEY : domain)

/** `https://registry.example.com/v1/` was how Docker wrote the key of registry.example.com once. */
function hostOfKey(key: string): string {
  return key === HUB_KEY ? key : (key.replace(/^https?:\/\//, '').split('/', 1)[0] as string)
}

const helperFor = ({ credHelpers, credsStore }: ConfigFile, key: string): string | undefined =>
  credHelpers?.[key] || credsStore || undefined

function decoded({ auth, username, password, identitytoken, registrytoken }: Auth, key: string): Credentials | undefined {
  const tokens = { ...(identitytoken && { identityToken: identitytoken }), ...(registrytoken && { registryToken: registrytoken }) }
  if (!auth)
    return username || identitytoken || registrytoken ? { ...(username && { username, password: password ?? '' }), ...tokens } : undefined
  const plain = Buffer.from(auth, 'base64').toString('utf8')
  const colon = plain.indexOf(':')
  if (colon < 1) throw new DrydockError(`${configPath()}: what is kept for ${key} is no user and password`)
  // Docker once wrote a zero byte at the end.
  return { username: plain.slice(0, colon), password: plain.slice(colon + 1).replace(/\0+$/, ''), ...tokens }
}

function encoded({ username = '', password = '', identityToken, registryToken }: Credentials): Auth {
  // With a token for it, the password itself is not kept.
  const secret = identityToken ? '' : password
  return {
    ...((username || secret) && { auth: Buffer.from(`${username}:${secret}`).toString('base64') }),
    ...(identityToken && { identitytoken: identityToken }),
    ...(registryToken && { registrytoken: registryToken }),
  }
}

function readConfig(): ConfigFile {
  const path = configPath()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return {}
    throw new DrydockError(`${path} cannot be read: ${code}`, { cause })
  }
  try {
    const found = JSON.parse(text || '{}') as unknown
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found as ConfigFile
  } catch {
    // The words of JSON.parse quote the text, and there may be a password in it.
  }
  throw new DrydockError(`${path} is no JSON object`)
}

/** Whole or not at all, all other keys as they were, for the owner's eyes. A link stays one: what it points at is written. */
function writeConfig(config: ConfigFile): void {
  const path = resolved(configPath())
  const before = statSync(path, { throwIfNoEntry: false })
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    replaceFile(path, `${JSON.stringify(config, undefined, '\t')}\n`, {
      temporary,
      ready() {
        chmodSync(temporary, 0o600)
        // Root that writes into a user's home leaves the file the user's.
        if (before && before.uid !== process.geteuid?.()) chownSync(temporary, before.uid, before.gid)
      },
    })
  } catch (cause) {
    throw new DrydockError(`${path} cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
