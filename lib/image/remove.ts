/**
 * `docker rmi`: takes names away, and the image with the last of them. What is refused, in which order things go and what is said of it is as in moby's
 * daemon/images/image_delete.go.
 */
import { listContainers, type StoredContainer, shortId } from '../container/index.js'
import { DrydockError } from '../kernel/errors.js'
import { canonicalName, familiar, parseReference } from './reference.js'
import { isIdPrefix, lookUp } from './store/find.js'
import { type ImageRecord, isByDigest, isSingleReference, pointed, type Store, shortDigest, type Tag } from './store/index.js'
import type { Digest } from './types.js'

/** A line of the answer, in Docker's order. */
export type Removed = { readonly Untagged: string } | { readonly Deleted: string }

export interface RemoveOptions {
  /** Also what a stopped container uses, or what has names in several repositories. */
  readonly force?: boolean
  /** Leave the nameless images that it was committed from. */
  readonly noPrune?: boolean
  /** Which containers run: their upper directories (lib/engine/living.ts). */
  readonly running: (container: StoredContainer) => boolean
  /** All that there are; those on disk by default. */
  readonly containers?: () => readonly StoredContainer[]
  /** A build goes on with it. */
  readonly built?: (id: Digest) => boolean
  /** Told of each name and image that goes, in order. */
  readonly onRemoved?: (what: 'untag' | 'delete', id: Digest) => void
}

/** Status 404, or 409 with the reason when somebody uses it. */
export async function removeImage(store: Store, word: string, options: RemoveOptions): Promise<Removed[]> {
  const { removed, doomed } = await store.changing(() => removeNames(store, word, options))
  return [...removed, ...(await removeContents(store, doomed, options))]
}

interface Doomed {
  readonly removed: Removed[]
  /** Records of images that are gone. */
  readonly doomed: readonly ImageRecord[]
}

function removeNames(store: Store, word: string, options: RemoveOptions): Doomed {
  const record = lookUp(store, word)
  const removed: Removed[] = []
  const untag = (tag: Tag) => {
    store.tags.remove(tag.reference)
    removed.push({ Untagged: familiar(tag.reference) })
    options.onRemoved?.('untag', record.id)
  }
  const tags = store.tags.of(record.id)
  if (!isIdPrefix(record.id, word)) {
    const user = usersOf(store, record.id, options)[0]
    if (!options.force && isSingleReference(tags) && (user || options.built?.(record.id))) {
      const who = user ? `container ${shortId(user.record.spec.id)}` : 'a build'
      const users = `${who} is using its referenced image ${shortDigest(record.id)}`
      throw conflict(`conflict: unable to remove repository reference "${word}" (must force) - ${users}`)
    }
    const reference = pointed(parseReference(word))
    const tag = tags.find((one) => familiar(one.reference) === familiar(reference)) as Tag
    untag(tag)
    // Where only digests are left of a repository they go along.
    const ofRepository = (one: Tag) => canonicalName(one.reference) === canonicalName(reference)
    const left = store.tags.of(record.id)
    if (!isByDigest(tag) && !left.some((one) => ofRepository(one) && !isByDigest(one))) left.filter(ofRepository).forEach(untag)
    if (store.tags.of(record.id).length > 0) return { removed, doomed: [] }
    return remove(store, record, removed, options, true)
  }
  if (isSingleReference(tags)) {
    refuse(store, record, options, { ofNames: false })
    tags.forEach(untag)
  }
  return remove(store, record, removed, options, false)
}

/** `quiet`: its name is gone, and that was what one wanted. */
function remove(store: Store, record: ImageRecord, removed: Removed[], options: RemoveOptions, quiet: boolean): Doomed {
  const doomed: ImageRecord[] = []
  for (let next: ImageRecord | undefined = record; next; ) {
    const one: ImageRecord = next
    try {
      refuse(store, one, options, { ofNames: one === record })
    } catch (error) {
      if (one !== record || quiet) break
      throw error
    }
    for (const { reference } of store.tags.of(one.id)) {
      store.tags.remove(reference)
      removed.push({ Untagged: familiar(reference) })
      options.onRemoved?.('untag', one.id)
    }
    store.records.remove(one.id)
    removed.push({ Deleted: one.id })
    options.onRemoved?.('delete', one.id)
    doomed.push(one)
    const parent: ImageRecord | undefined = options.noPrune || one.parent === undefined ? undefined : store.records.get(one.parent)
    next = parent && store.tags.of(parent.id).length === 0 ? parent : undefined
  }
  return { removed, doomed }
}

/** Throws Docker's reason why an image stays. */
function refuse(store: Store, { id }: ImageRecord, options: RemoveOptions, { ofNames }: { ofNames: boolean }): void {
  const { force, running, built } = options
  const why = (kind: 'cannot' | 'must', reason: string) => {
    throw conflict(`conflict: unable to delete ${shortDigest(id)} (${kind} be forced) - ${reason}`)
  }
  if (store.records.list().some(({ parent }) => parent === id)) why('cannot', 'image has dependent child images')
  const users = usersOf(store, id, options)
  const runs = users.find(running)
  if (runs) why('cannot', `image is being used by running container ${shortId(runs.record.spec.id)}`)
  if (built?.(id)) why('cannot', 'image is being used by a build')
  if (force) return
  if (ofNames && store.tags.of(id).length > 0) why('must', 'image is referenced in multiple repositories')
  const [stopped] = users
  if (stopped) why('must', `image is being used by stopped container ${shortId(stopped.record.spec.id)}`)
}

const conflict = (message: string) => new DrydockError(message, { status: 409 })

/** Containers that were made from it. */
function usersOf({ paths }: Store, id: Digest, { containers = () => listContainers(paths.dataRoot) }: RemoveOptions): StoredContainer[] {
  return containers().filter(({ record }) => record.spec.image.id === id)
}

/** What nobody else has of the images that are gone. */
async function removeContents(store: Store, doomed: readonly ImageRecord[], { containers }: RemoveOptions): Promise<Removed[]> {
  if (doomed.length === 0) return []
  const among = new Set<Digest>()
  for (const { id, manifest, layers } of doomed) {
    among.add(id)
    if (manifest) among.add(manifest.digest)
    for (const { diffId, chainId, blob } of layers) {
      among.add(chainId).add(blob.digest)
      for (const origin of store.origins.get(diffId)) among.add(origin.blob.digest)
    }
  }
  const { layers } = await store.collect({ among, ...(containers && { containers }) })
  return layers.map((chain) => ({ Deleted: chain }))
}
