/** What the routes read of a request. */
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { Document } from '../engine/types.js'
import { DrydockError } from '../kernel/errors.js'
import { readDocument } from './body.js'
import type { Query } from './query.js'
import { type ApiVersion, apiVersion, splitTarget } from './versions.js'

const prefixes = new WeakMap<IncomingMessage, string | undefined>()

/** The path without its version, which is kept. */
export function takePrefix(request: IncomingMessage): string {
  const { version, path } = splitTarget(request.url ?? '/')
  prefixes.set(request, version)
  return path
}

/** Throws for one that is too old or too new. */
export const versionOf = ({ raw }: FastifyRequest): ApiVersion => apiVersion(prefixes.get(raw))

export const queryOf = ({ query }: FastifyRequest): Query => query as Query

/** A name or an id in the path; `/web` is how a container's own document calls it. */
export const wordOf = ({ params }: FastifyRequest): string => (params as { word: string }).word.replace(/^\/+/, '')

export const documentOf = (request: FastifyRequest): Promise<Document> => readDocument(request.raw, request.headers)

/** A member of a query that must be there. */
export function needed(query: Query, name: string): string {
  const value = query.text(name)
  if (value === undefined) throw new DrydockError(`missing parameter: ${name}`, { status: 400 })
  return value
}
