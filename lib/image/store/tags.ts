/**
 * Names of images: `docker.io/library/ubuntu:24.04`, and `docker.io/library/ubuntu@sha256:…` for the manifest by which a registry gave it. Each leads
 * to one image; an image may have many.
 */
import { createHash } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { canonical, canonicalName, familiar, parseReference, type Reference, withDefaultTag, withoutTag } from '../reference.js'
import type { Digest } from '../types.js'
import { listed, readJson, UNFINISHED, writeWhole } from './files.js'
import type { Paths } from './paths.js'

export interface Tag {
  /** With a tag or a digest, not with both. */
  readonly reference: Reference
  readonly id: Digest
  /** Of the manifest, or the list of them, that the registry had under this name. */
  readonly digest?: Digest
}

interface StoredTag {
  readonly name: string
  readonly id: Digest
  readonly digest?: Digest
}

/** A file's name has at most 255 bytes. */
const LONGEST = 200

export class Tags {
  readonly #directory: string

  constructor({ tags }: Paths) {
    this.#directory = tags
  }

  /** `ubuntu` is ubuntu:latest; where a digest is said, it decides. */
  get(reference: Reference): Tag | undefined {
    return this.#read(this.#path(reference))
  }

  set(reference: Reference, id: Digest, digest?: Digest): void {
    const name = keyOf(reference)
    writeWhole(this.#path(reference), JSON.stringify({ name, id, ...(digest && { digest }) } satisfies StoredTag))
  }

  remove(reference: Reference): void {
    rmSync(this.#path(reference), { force: true })
  }

  /** By name; tags before digests of the same repository. */
  list(): Tag[] {
    return listed(this.#directory)
      .filter((name) => !name.startsWith(UNFINISHED))
      .flatMap((name) => this.#read(join(this.#directory, name)) ?? [])
      .sort((a, b) => (keyOf(a.reference) < keyOf(b.reference) ? -1 : 1))
  }

  of(id: Digest): Tag[] {
    return this.list().filter((tag) => tag.id === id)
  }

  /** When the youngest of them was set. */
  lastSet(tags: readonly Tag[]): Date | undefined {
    const times = tags.map(({ reference }) => statSync(this.#path(reference), { throwIfNoEntry: false })?.mtimeMs ?? 0)
    const last = Math.max(0, ...times)
    return last > 0 ? new Date(last) : undefined
  }

  #read(path: string): Tag | undefined {
    const found = readJson<StoredTag>(path)
    if (!found) return undefined
    const { name, id, digest } = found
    return { reference: parseReference(name), id, ...(digest && { digest }) }
  }

  #path(reference: Reference): string {
    const encoded = encodeURIComponent(keyOf(reference))
    // A long one by its hash: the name itself is in the file.
    const short = encoded.length > LONGEST ? createHash('sha256').update(encoded).digest('hex') : encoded
    return join(this.#directory, short)
  }
}

/** What a reference leads by. */
export function pointed(reference: Reference): Reference {
  if (reference.digest !== undefined) return { ...withoutTag(reference), digest: reference.digest }
  return withDefaultTag(reference)
}

const keyOf = (reference: Reference): string => canonical(pointed(reference))

export const isByDigest = ({ reference }: Tag): boolean => reference.digest !== undefined

/** As Docker shows them: names with tags, and names with digests. */
export const tagNames = (tags: readonly Tag[]): string[] =>
  tags.filter((tag) => !isByDigest(tag)).map(({ reference }) => familiar(reference))
export const digestNames = (tags: readonly Tag[]): string[] => tags.filter(isByDigest).map(({ reference }) => familiar(reference))

/** Are all in one repository, with at most one tag among them? Docker then takes the id for a name of all of them. */
export function isSingleReference(tags: readonly Tag[]): boolean {
  const repositories = new Set(tags.map(({ reference }) => canonicalName(reference)))
  return repositories.size <= 1 && tags.filter((tag) => !isByDigest(tag)).length <= 1
}
