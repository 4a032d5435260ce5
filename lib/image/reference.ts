/**
 * Names of images, as Docker reads and writes them: `ubuntu` is docker.io/library/ubuntu. Grammar and rules are those of
 * github.com/distribution/reference (normalize.go, regexp.go), its errors too.
 */
import { DrydockError } from '../kernel/errors.js'
import type { Digest } from './types.js'

/** A repository, and which image of it: by tag, by digest, by both (the digest decides), or not said. */
export interface Reference {
  /** `docker.io`, `localhost:5000`, `[fc00::1]:5000`. */
  readonly domain: string
  /** `library/ubuntu`. */
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

export const DOCKER_HUB = 'docker.io'
const DOCKER_INDEX = 'index.docker.io'
const OFFICIAL = 'library/'
const DEFAULT_TAG = 'latest'
const LONGEST_PATH = 255

// Each part consumes at least a character that the one after it cannot begin with, so that none of these goes back and forth over a long word.
const DOMAIN_COMPONENT = '[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*'
const HOST = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])`
const DOMAIN = `${HOST}(?::[0-9]+)?`
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const PATH = `${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`
const TAG = '[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}'
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const REFERENCE = new RegExp(`^(${DOMAIN})/(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`)
const WHOLE_DOMAIN = new RegExp(`^${DOMAIN}$`)
const WHOLE_TAG = new RegExp(`^${TAG}$`)
const WHOLE_ID = /^[a-f0-9]{64}$/

/** What somebody typed, with domain and `library/` added; a tag is not (withDefaultTag). Errors are Docker's. */
export function parseReference(word: string): Reference {
  if (WHOLE_ID.test(word)) refuse(`invalid repository name (${word}), cannot specify 64-byte hexadecimal strings`)
  const { domain, rest } = splitDomain(word)
  const [name = ''] = rest.split(':', 1)
  if (name.toLowerCase() !== name) refuse(`invalid reference format: repository name (${name}) must be lowercase`)
  const whole = `${domain}/${rest}`
  const found = REFERENCE.exec(whole)
  if (!found) return refuse(REFERENCE.test(whole.toLowerCase()) ? 'repository name must be lowercase' : 'invalid reference format')
  const [, , path = '', tag, digest] = found
  if (path.length > LONGEST_PATH) refuse(`repository name must not be more than ${LONGEST_PATH} characters`)
  return { domain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest: parseDigest(digest) }) }
}

/** An image's id in full (`sha256:` or not), or a name: what `docker inspect` takes. Short ids look like names; only the store knows better. */
export function parseAnyReference(word: string): Reference | Digest {
  if (WHOLE_ID.test(word)) return `sha256:${word}`
  return isDigest(word) ? word : parseReference(word)
}

/** github.com/opencontainers/go-digest, with the one algorithm that images use. */
export function parseDigest(word: string): Digest {
  if (isDigest(word)) return word
  const [, algorithm, hex = ''] =
    /^([a-z0-9]+(?:[.+_-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(word) ?? refuse('invalid checksum digest format')
  if (algorithm !== 'sha256') return refuse('unsupported digest algorithm')
  return refuse(hex.length === 64 ? 'invalid checksum digest format' : 'invalid checksum digest length')
}

export const isDigest = (word: unknown): word is Digest => typeof word === 'string' && /^sha256:[a-f0-9]{64}$/.test(word)

/** `latest` where neither tag nor digest is said. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: DEFAULT_TAG } : reference
}

export function withTag({ domain, path, digest }: Reference, tag: string): Reference {
  if (!WHOLE_TAG.test(tag)) refuse('invalid tag format')
  return { domain, path, tag, ...(digest && { digest }) }
}

export const withDigest = (reference: Reference, digest: Digest): Reference => ({ ...reference, digest })

/** Only the repository. */
export const withoutTag = ({ domain, path }: Reference): Reference => ({ domain, path })

/** `docker.io/library/ubuntu`. */
export const canonicalName = ({ domain, path }: Reference): string => `${domain}/${path}`

/** `docker.io/library/ubuntu:24.04`, with all that the reference says. */
export const canonical = (reference: Reference): string => canonicalName(reference) + suffix(reference)

/** `ubuntu`: without what parseReference adds. Not without its domain where a part of the path would be taken for one: `docker.io/a.b/c` is not `a.b/c`. */
export function familiarName({ domain, path }: Reference): string {
  const slash = path.indexOf('/')
  if (domain !== DOCKER_HUB || (slash > 0 && isDomain(path.slice(0, slash)))) return `${domain}/${path}`
  const official = path.startsWith(OFFICIAL) ? path.slice(OFFICIAL.length) : ''
  return official && !official.includes('/') ? official : path
}

/** `ubuntu:24.04`: how Docker shows it. */
export const familiar = (reference: Reference): string => familiarName(reference) + suffix(reference)

/** The domain of a registry alone, as `docker login` takes it: without scheme and path; Docker Hub's when there is none. */
export function parseDomain(word: string): string {
  const domain = word.replace(/^https?:\/\//, '').split('/', 1)[0] as string
  if (domain === '' || domain === DOCKER_INDEX || domain === 'registry-1.docker.io') return DOCKER_HUB
  if (!WHOLE_DOMAIN.test(domain)) refuse(`invalid registry host (${word})`)
  return domain
}

const suffix = ({ tag, digest }: Reference): string => (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`)

/** What stands before the first slash is a domain when it cannot be a part of a path: `localhost`, or with a dot, a colon, an upper-case letter. */
const isDomain = (first: string): boolean => first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first

function splitDomain(word: string): { domain: string; rest: string } {
  const slash = word.indexOf('/')
  const first = slash < 0 ? '' : word.slice(0, slash)
  const said = isDomain(first)
  const domain = !said || first === DOCKER_INDEX ? DOCKER_HUB : first
  const rest = said ? word.slice(slash + 1) : word
  return { domain, rest: domain === DOCKER_HUB && !rest.includes('/') ? OFFICIAL + rest : rest }
}

function refuse(message: string): never {
  throw new DrydockError(message, { status: 400 })
}
