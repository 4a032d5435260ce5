/**
 * The certificates that two machines need to trust each other and nobody else, with docker's names for the files.
 *
 *     authority   ca.pem, ca-key.pem              signs the other two, and is what each side knows the other by
 *     engine      server-cert.pem, server-key.pem for the names and addresses that it is reached by
 *     client      cert.pem, key.pem               whoever has the key is root where the engine runs
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { DrydockError } from '../kernel/errors.js'
import { formatIp, parseIp } from '../kernel/ip.js'
import { certificate, isAddress } from './certificate.js'

export interface CertificateSet {
  /** Content by file name. */
  readonly files: Readonly<Record<string, string>>
  readonly hosts: readonly string[]
  readonly until: Date
  readonly authorityUntil: Date
}

export interface SetOptions {
  readonly hosts: readonly string[]
  /** How long the engine's and the client's certificates are valid. */
  readonly days: number
  /** Part of the authority's name, for people who have several. */
  readonly name: string
  readonly now?: Date
}

export const FILES = {
  authority: { certificate: 'ca.pem', key: 'ca-key.pem' },
  server: { certificate: 'server-cert.pem', key: 'server-key.pem' },
  client: { certificate: 'cert.pem', key: 'key.pem' },
} as const

/** An authority outlives what it signs. */
const AUTHORITY_DAYS = 3650
const MOST_DAYS = 3650

/** Characters of a common name. RFC 5280, appendix A.1. */
const LONGEST_NAME = 64

const DAY = 86_400_000
/** Clocks of machines differ: who gets a certificate in this moment may be a little behind. */
const SKEW = 3_600_000

interface Authority {
  readonly subject: string
  readonly pem: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly until: Date
}

export function makeSet(options: SetOptions): CertificateSet {
  const now = options.now ?? new Date()
  const keys = newKeys()
  const subject = `drydock authority of ${options.name}`.slice(0, LONGEST_NAME)
  const until = new Date(now.getTime() + AUTHORITY_DAYS * DAY)
  const pem = certificate({ subject, issuer: subject, ...keys, signer: keys, from: before(now), until, use: 'authority' })
  const { certificate: file, key } = FILES.authority
  const signed = signSet({ subject, pem, ...keys, until }, options)
  return { ...signed, files: { [file]: pem, [key]: privatePem(keys.privateKey), ...signed.files } }
}

/** New certificates of an authority that is there; only the engine's and the client's files. */
export function renewSet(ca: { readonly pem: string; readonly key: string }, options: Omit<SetOptions, 'name'>): CertificateSet {
  return signSet(readAuthority(ca, options.now ?? new Date()), options)
}

function signSet(authority: Authority, { hosts, days, now = new Date() }: Omit<SetOptions, 'name'>): CertificateSet {
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS) {
    throw new DrydockError(`certificates are valid for 1 to ${MOST_DAYS} days; ${days} is not among them`)
  }
  const named = [...new Set(hosts.map(checkedHost))]
  if (named.length === 0) throw new DrydockError('an engine is reached by a name or an address: name one with --host')
  const until = new Date(Math.min(now.getTime() + days * DAY, authority.until.getTime()))
  const one = (use: 'server' | 'client', subject: string) => {
    const { publicKey, privateKey } = newKeys()
    const spec = { subject, issuer: authority.subject, publicKey, signer: authority, from: before(now), until, use }
    const pem = certificate(use === 'server' ? { ...spec, hosts: named } : spec)
    return { [FILES[use].certificate]: pem, [FILES[use].key]: privatePem(privateKey) }
  }
  const files = { ...one('server', 'drydock engine'), ...one('client', 'drydock client') }
  return { files, hosts: named, until, authorityUntil: authority.until }
}

function readAuthority({ pem, key }: { readonly pem: string; readonly key: string }, now: Date): Authority {
  const { certificate: file, key: keyFile } = FILES.authority
  const parsed = parse(`${file} is no certificate`, () => new X509Certificate(pem))
  const privateKey = parse(`${keyFile} is no key`, () => createPrivateKey(key))
  const publicKey = createPublicKey(privateKey)
  if (!parsed.ca || !parsed.checkPrivateKey(privateKey)) throw new DrydockError(`${keyFile} is not the key of the authority in ${file}`)
  const [, subject] = /^CN=([^\n]+)$/.exec(parsed.subject) ?? []
  if (subject === undefined || privateKey.asymmetricKeyDetails?.namedCurve !== CURVE) {
    throw new DrydockError(
      `the authority in ${file} was not made by drydock tls: sign with what it was made with, or make a new one elsewhere (--dir)`,
    )
  }
  const until = new Date(parsed.validTo)
  if (until <= now)
    throw new DrydockError(
      `the authority in ${file} was valid until ${day(until)}: make a new one elsewhere (--dir), and hand it to both sides`,
    )
  return { subject, pem, privateKey, publicKey, until }
}

/** Names and addresses in a certificate of an engine. */
export function hostsIn(pem: string): string[] {
  const { subjectAltName = '' } = parse(`${FILES.server.certificate} is no certificate`, () => new X509Certificate(pem))
  return subjectAltName.split(', ').flatMap((entry) => {
    const [, kind, host = ''] = /^(DNS|IP Address):(.+)$/.exec(entry) ?? []
    if (kind === undefined) return []
    return [kind === 'DNS' ? host : formatIp(parseIp(host).bytes)]
  })
}

function parse<T>(wrong: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new DrydockError(wrong, { cause })
  }
}

/** As a certificate has it: an address in its usual form, a name in lower case and ASCII. */
export function checkedHost(text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  if (isAddress(bare)) return formatIp(parseIp(bare).bytes)
  // Of what is none it would take the part that could be one.
  const host = /[/?#@:\\%\s]/.test(text) ? '' : domainToASCII(text.replace(/^\*\./, ''))
  const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
  if (host === '' || host.length > 253 || /^[0-9.]+$/.test(host) || !host.split('.').every((part) => label.test(part))) {
    throw new DrydockError(`'${text}' is neither a host's name nor an address`)
  }
  return text.startsWith('*.') ? `*.${host}` : host
}

const CURVE = 'prime256v1'

/**
 * By way of their text: a key that is handed over as it was made shares a lock with what has made it, and Node, which holds that lock while it exports the key,
 * waits for itself for ever when the garbage collector takes the maker away in that moment.
 */
function newKeys() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: CURVE,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { publicKey: createPublicKey(publicKey), privateKey: createPrivateKey(privateKey) }
}

const privatePem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

const before = (now: Date) => new Date(now.getTime() - SKEW)

/** 2027-11-26 */
export const day = (date: Date): string => date.toISOString().slice(0, 10)
