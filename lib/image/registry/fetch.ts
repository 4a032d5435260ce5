/** A manifest or index from a registry, verified. */
import { createHash } from 'node:crypto'
import { DrydockError } from '../../kernel/errors.js'
import { isDigest } from '../reference.js'
import type { Descriptor, Digest } from '../types.js'
import type { Ask, Connection } from './connection.js'
import { LARGEST_MANIFEST, mediaTypeOf } from './documents.js'
import { errorOf, RegistryError } from './errors.js'
import type { HttpResponse } from './http.js'

/** Byte for byte, and what it is; the digest is that of the bytes. */
export interface Fetched {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

interface Wanted {
  readonly tagOrDigest: string
  /** What the index says of it. */
  readonly expected: Descriptor | undefined
}

export async function fetchManifest(connection: Connection, ask: Ask, { tagOrDigest, expected }: Wanted): Promise<Fetched> {
  const response = await connection.send(ask)
  if (response.status === 404) throw await notFound(response)
  if (response.status !== 200) throw await errorOf(response)
  const bytes = await response.bytes(LARGEST_MANIFEST)
  if (!bytes) throw new DrydockError(`the manifest ${tagOrDigest} has more than ${LARGEST_MANIFEST} bytes`)
  const digest = digestOf(bytes)
  const said = response.headers['docker-content-digest']
  const wanted = isDigest(tagOrDigest) ? tagOrDigest : isDigest(said) ? said : digest
  if (digest !== wanted) throw new DrydockError(`manifest verification failed for digest ${wanted}`)
  if (expected && expected.size !== bytes.length) {
    throw new DrydockError(`manifest ${digest} has ${bytes.length} bytes where the index says ${expected.size}`)
  }
  // An index whose digest holds is believed before a server's header is; the document itself has to agree (readDocument).
  const mediaType = expected?.mediaType ?? mediaTypeOf(bytes, response.headers['content-type'])
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
}

export const digestOf = (bytes: Buffer): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** It is not there; some servers say 404 and nothing more. */
async function notFound(response: HttpResponse): Promise<RegistryError> {
  const error = await errorOf(response)
  return error.code === 'HTTP' || error.code === 'UNKNOWN'
    ? new RegistryError('MANIFEST_UNKNOWN', 'manifest unknown: manifest unknown')
    : error
}
