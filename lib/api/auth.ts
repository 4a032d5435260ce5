/** What a client knows of a registry: in a header, or as a body. */
import type { FastifyRequest } from 'fastify'
import { is, type Members, readMembers } from '../engine/request/members.js'
import type { Document, RegistryAuth } from '../engine/types.js'
import { DrydockError } from '../kernel/errors.js'
import { printable } from '../kernel/printable.js'

/** API's AuthConfig. */
const AUTH: Members = Object.fromEntries(
  ['username', 'password', 'identitytoken', 'registrytoken', 'serveraddress'].map((name) => [name, is('text')]),
)

/** Throws for what is none (400). Some of it becomes a header of what the registry is asked, and nobody is to put lines there. */
export function authOf(document: Document): RegistryAuth {
  const auth = readMembers(document, AUTH) as Readonly<Record<string, string>>
  for (const [name, value] of Object.entries(auth)) {
    if (printable(value) !== value) throw new DrydockError(`${name} has characters that no credentials have`, { status: 400 })
  }
  return auth
}

/** JSON in base64, of either alphabet. Nothing when it is empty, or no such thing, as docker has it. */
export function registryAuthOf({ headers }: FastifyRequest): RegistryAuth | undefined {
  const text = headers['x-registry-auth']
  if (typeof text !== 'string' || text === '') return undefined
  try {
    const auth = authOf(JSON.parse(Buffer.from(text, 'base64').toString()) as Document)
    return Object.values(auth).some((value) => value !== '') ? auth : undefined
  } catch {
    return undefined
  }
}
