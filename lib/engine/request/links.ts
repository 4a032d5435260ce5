/**
 * Links. On the default network they are Docker's of old: the other one's address in /etc/hosts, and what it exposes in the environment (life/links.ts). On a network
 * with names they are names for this container alone, and the other one need not be there yet.
 */
import { basename } from 'node:path'
import type { ContainerRecord, LinkRequest, NetworkMode } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'

export interface ParsedLink {
  readonly name: string
  readonly alias: string
}

/** `NAME:ALIAS`, or `NAME` for both. Inspect tells `/NAME:/WEB/ALIAS`, and some clients send that back. */
export function parseLink(text: string): ParsedLink {
  if (text === '') throw new DrydockError('empty string specified for links', { status: 400 })
  const [name = '', alias = name, more] = text.split(':')
  if (more !== undefined || /[\s=]/.test(alias)) throw new DrydockError(`bad format for links: ${text}`, { status: 400 })
  return { name: name.replace(/^\//, ''), alias: alias.startsWith('/') ? basename(alias) : alias }
}

const conflict = (kind: string) =>
  new DrydockError(`conflicting options: ${kind} can't be used with links. This would result in undefined behavior`, {
    status: 400,
  })

/** HostConfig.Links, which are about the default network; for others they mean nothing. */
export function linksOf(texts: readonly string[], network: NetworkMode, main: string, recordOf: (word: string) => ContainerRecord) {
  if (texts.length === 0) return {}
  if (network.kind === 'host' || network.kind === 'container')
    throw conflict(network.kind === 'host' ? 'host type networking' : 'container type network')
  if (network.kind !== 'networks' || main !== 'bridge') return {}
  const links = texts.map(parseLink).map(({ name, alias }): LinkRequest => {
    const { spec } = found(name, recordOf)
    if (spec.network.kind === 'host') throw conflict('host type networking')
    return { of: spec.id, name: spec.name, alias }
  })
  return { links }
}

/** 400: by 404 clients understand that the image is missing. */
function found(name: string, recordOf: (word: string) => ContainerRecord): ContainerRecord {
  if (name === '') throw new DrydockError('could not get container for : invalid name or ID supplied: ""', { status: 400 })
  try {
    return recordOf(name)
  } catch (cause) {
    if (!(cause instanceof DrydockError)) throw cause
    throw new DrydockError(`could not get container for ${name}: ${cause.message}`, { cause, status: 400 })
  }
}
