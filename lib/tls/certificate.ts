/** An X.509 certificate, version 3, signed with ECDSA and SHA-256. RFC 5280, RFC 5758. */
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { parseIp } from '../kernel/ip.js'
import { bits, boolean, explicit, flags, implicit, integer, octets, oid, sequence, set, time, utf8 } from './der.js'

export interface CertificateSpec {
  readonly subject: string
  readonly issuer: string
  /** Of whom it is. */
  readonly publicKey: KeyObject
  /** Of the issuer, an elliptic curve's. */
  readonly signer: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  readonly from: Date
  readonly until: Date
  readonly use: 'authority' | 'server' | 'client'
  /** Names and addresses that the server is reached by. */
  readonly hosts?: readonly string[]
}

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/** Numbers of the flags of keyUsage. */
const USAGE = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 } as const

/** Bytes of the serial number: 127 random bits, so that no two are the same and none can be foreseen. */
const SERIAL = 16

const ALGORITHM = sequence(oid(OID.ecdsaWithSha256))

/** The certificate as PEM text. */
export function certificate(spec: CertificateSpec): string {
  const serial = randomBytes(SERIAL)
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40
  const signed = sequence(
    explicit(0, integer(2)), // version 3
    integer(serial),
    ALGORITHM,
    name(spec.issuer),
    sequence(time(spec.from), time(spec.until)),
    name(spec.subject),
    spec.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(spec))),
  )
  const der = sequence(signed, ALGORITHM, bits(sign('sha256', signed, spec.signer.privateKey)))
  return pem('CERTIFICATE', der)
}

const name = (common: string) => sequence(set(sequence(oid(OID.commonName), utf8(common))))

function extensions({ use, publicKey, signer, hosts = [] }: CertificateSpec): Buffer[] {
  const known = [
    extension(OID.subjectKeyIdentifier, octets(keyIdentifier(publicKey))),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(signer.publicKey)))),
  ]
  if (use === 'authority') {
    // It signs certificates of others, and none that may sign further ones.
    const constraints = sequence(boolean(true), integer(0))
    return [critical(OID.basicConstraints, constraints), critical(OID.keyUsage, flags(USAGE.keyCertSign, USAGE.cRLSign)), ...known]
  }
  const purpose = sequence(oid(use === 'server' ? OID.serverAuth : OID.clientAuth))
  return [
    critical(OID.basicConstraints, sequence()),
    critical(OID.keyUsage, flags(USAGE.digitalSignature)),
    extension(OID.extendedKeyUsage, purpose),
    ...known,
    ...(hosts.length > 0 ? [extension(OID.subjectAltName, sequence(...hosts.map(alternativeName)))] : []),
  ]
}

const extension = (id: string, content: Uint8Array) => sequence(oid(id), octets(content))
/** Whoever does not understand it must refuse the certificate. */
const critical = (id: string, content: Uint8Array) => sequence(oid(id), boolean(true), octets(content))

/** dNSName is [2], iPAddress [7]: clients look for an address among the addresses only. */
function alternativeName(host: string): Buffer {
  return isAddress(host) ? implicit(7, parseIp(host).bytes) : implicit(2, Buffer.from(host, 'ascii'))
}

export function isAddress(host: string): boolean {
  try {
    parseIp(host)
    return true
  } catch {
    return false
  }
}

/** The first 160 bits of a hash of the key itself. RFC 7093, method 1. */
function keyIdentifier(key: KeyObject): Buffer {
  const { x, y } = key.export({ format: 'jwk' }) as { x: string; y: string }
  const point = [Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]
  return createHash('sha256').update(Buffer.concat(point)).digest().subarray(0, 20)
}

/** RFC 7468: lines of 64 characters. */
function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
