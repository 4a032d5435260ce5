/**
 * Getting an image's layers into the store: three at a time, the largest first, each hashed, kept and unpacked from one stream. Of two programs that want the
 * same blob one fetches it, and the other waits and finds it there.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import { Line, type OnProgress } from './progress.js'
import { claim } from './store/claims.js'
import { sizeOf } from './store/files.js'
import { Arrival, chainIds, DigestError, hexOf, type Lease, type Store, type Unpacked } from './store/index.js'
import type { Descriptor, Digest } from './types.js'

/** Where blobs come from: the bytes of one from an offset on; from a mirror too, or from nobody but the registry itself. */
export type BlobSource = (blob: Descriptor, offset: number, from: { readonly mirrors: boolean }) => AsyncIterable<Uint8Array>

export interface FetchOptions {
  readonly store: Store
  /** What is fetched is in it before it is looked for. */
  readonly lease: Lease
  readonly source: BlobSource
  /** There are mirrors, which may have something else under a digest: then the registry is asked. */
  readonly mirrored?: boolean
  /** Put what is on this machine already at the path at which it would be fetched to. True: it is a plain archive, whole, and this program has hashed it. */
  readonly offer?: (blob: Descriptor, path: string) => boolean
  readonly onProgress: OnProgress
  readonly signal?: AbortSignal
}

/** Docker's max-concurrent-downloads. */
const AT_ONCE = 3

/** A blob, and where in the image it stands: more than once when two layers are the same. */
interface Job {
  readonly blob: Descriptor
  readonly places: readonly Place[]
}

interface Place {
  readonly diffId: Digest
  readonly chainId: Digest
  readonly parent: Digest | undefined
}

/** All layers, unpacked, and their blobs. Fails with the first error, when the others have stopped. */
export async function fetchLayers(blobs: readonly Descriptor[], diffIds: readonly Digest[], options: FetchOptions): Promise<void> {
  const { store, lease, onProgress, signal } = options
  const chain = chainIds(diffIds)
  await lease.add([...blobs.map(({ digest }) => digest), ...chain], { ...(signal && { signal }) })
  const jobs = jobsOf(blobs, diffIds, chain)
  const missing: Job[] = []
  for (const job of jobs) {
    const line = new Line(job.blob.digest, onProgress)
    if (isComplete(store, job)) line.say('Already exists')
    else missing.push(job)
  }
  for (const { blob } of missing) new Line(blob.digest, onProgress).say('Pulling fs layer')
  const queue = missing.sort((a, b) => b.blob.size - a.blob.size)
  for (const { blob } of queue.slice(AT_ONCE)) new Line(blob.digest, onProgress).say('Waiting')
  // The first failure ends the others, and is the one that is told.
  const stop = new AbortController()
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const failures: unknown[] = []
  const work = async () => {
    for (let job = queue.shift(); job && failures.length === 0; job = queue.shift()) {
      try {
        await fetchLayer(job, { ...options, signal: both })
      } catch (error) {
        failures.push(error)
        stop.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (failures.length > 0) throw failures[0]
}

function jobsOf(blobs: readonly Descriptor[], diffIds: readonly Digest[], chain: readonly Digest[]): Job[] {
  const jobs = new Map<Digest, { blob: Descriptor; places: Place[] }>()
  for (const [index, blob] of blobs.entries()) {
    const job = jobs.get(blob.digest) ?? { blob, places: [] }
    jobs.set(blob.digest, job)
    job.places.push({ diffId: diffIds[index] as Digest, chainId: chain[index] as Digest, parent: chain[index - 1] })
  }
  return [...jobs.values()]
}

const missingPlaces = ({ layers }: Store, { places }: Job): Place[] => places.filter(({ chainId }) => layers.get(chainId) === undefined)

const isComplete = (store: Store, job: Job): boolean => store.blobs.has(job.blob.digest) && missingPlaces(store, job).length === 0

async function fetchLayer(job: Job, options: FetchOptions): Promise<void> {
  const { store, onProgress, signal } = options
  const { blob } = job
  const line = new Line(blob.digest, onProgress)
  const file = join(store.paths.incoming, hexOf(blob.digest))
  const { release } = await claim(store.paths.incoming, hexOf(blob.digest), {
    ...(signal && { signal }),
    // Somebody else is at it: how far, its file tells.
    onWait: () => line.bar('Downloading', sizeOf(file) ?? 0, blob.size),
  })
  try {
    if (!store.blobs.has(blob.digest)) await arrive(file, job, options, line)
    // What is here already, or stands in the image once more.
    for (const place of missingPlaces(store, job)) {
      line.say('Extracting')
      const unpacked = await store.layers.unpack(store.blobs.read(blob.digest), { ...(signal && { signal }) })
      await placeIt(unpacked, place)
    }
    line.say('Pull complete')
  } finally {
    release()
  }
}

/**
 * From its source, into the file. What was kept from an earlier try may be damaged (by a power cut, say), and what a mirror has too: then once more, from the beginning.
 */
async function arrive(file: string, job: Job, options: FetchOptions, line: Line): Promise<void> {
  let mirrors = options.mirrored === true
  if (options.offer?.(job.blob, file)) return takeKept(file, job, options, line)
  for (;;) {
    const arrival = Arrival.resume(options.store.paths, options.store.blobs, job.blob, (offset) =>
      watched(options.source(job.blob, offset, { mirrors }), { offset, size: job.blob.size, line, signal: options.signal }),
    )
    try {
      return await take(arrival, job, options, line)
    } catch (error) {
      if (!(error instanceof DigestError) || (arrival.kept === 0 && !mirrors)) throw error
      mirrors &&= arrival.kept > 0
    }
  }
}

/** Nothing gets its name before all of it is what it should be: the blob by its digest, the layer by its diff id. */
async function take(arrival: Arrival, job: Job, { store, signal, onProgress }: FetchOptions, line: Line): Promise<void> {
  const [place] = missingPlaces(store, job)
  let unpacked: Unpacked | undefined
  try {
    unpacked = await store.layers.unpack(arrival, { ...(signal && { signal }), digest: () => arrival.digest })
    await arrival.drain()
    line.say('Verifying Checksum')
    const found = await arrival.verify()
    line.say('Download complete')
    checkDiffId(unpacked, (place ?? (job.places[0] as Place)).diffId)
    line.bar('Extracting', found.size, found.size)
    await arrival.finish()
    if (place) await unpacked.place(place.parent)
    else await unpacked.discard()
    for (const warning of unpacked.warnings) onProgress({ status: `WARNING: ${warning}` })
  } catch (error) {
    await unpacked?.discard()
    throw await explain(arrival, error, signal)
  }
}

/** Nothing of it need be hashed, and most of it not even be read. */
async function takeKept(path: string, job: Job, { store, signal, onProgress }: FetchOptions, line: Line): Promise<void> {
  const { blob } = job
  const { digest, size } = blob
  let unpacked: Unpacked | undefined
  try {
    const [place] = missingPlaces(store, job)
    if (place) {
      unpacked = await store.layers.unpack({ path, digest }, { ...(signal && { signal }) })
      checkDiffId(unpacked, place.diffId)
    }
    line.bar('Extracting', size, size)
    await store.blobs.adopt(path, blob)
    await unpacked?.place(place?.parent)
    for (const warning of unpacked?.warnings ?? []) onProgress({ status: `WARNING: ${warning}` })
  } catch (error) {
    await unpacked?.discard()
    rmSync(path, { force: true })
    throw error
  }
}

/** A broken stream is told before what its reader made of it; and bytes that are not the blob's before what they unpack to. */
async function explain(arrival: Arrival, error: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  if (signal?.aborted || arrival.interrupted) {
    await arrival.stop()
    return signal?.aborted ? signal.reason : (arrival.failure ?? error)
  }
  try {
    await arrival.drain()
    await arrival.verify()
  } catch (first) {
    if (!arrival.interrupted) await arrival.discard()
    return arrival.failure ?? first
  }
  await arrival.discard()
  return error
}

function checkDiffId({ diffId }: Unpacked, expected: Digest): void {
  if (diffId === expected) return
  throw new DrydockError(`wrong diff id calculated on extraction: the layer unpacks to ${diffId}, and the image says ${expected}`)
}

async function placeIt(unpacked: Unpacked, { diffId, parent }: Place): Promise<void> {
  try {
    checkDiffId(unpacked, diffId)
    await unpacked.place(parent)
  } catch (error) {
    await unpacked.discard()
    throw error
  }
}

/** Told to stop it stops at once, also while a registry that does not answer is waited for. */
async function* watched(
  source: AsyncIterable<Uint8Array>,
  { offset, size, line, signal }: { offset: number; size: number; line: Line; signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let current = offset
  try {
    for (;;) {
      const { done, value } = await nextOf(iterator, signal)
      if (done) return
      current += value.length
      line.bar('Downloading', current, size)
      yield value
    }
  } finally {
    iterator.return?.()?.catch(() => undefined)
  }
}

/** No race with a promise that goes on being waited for: that one would hold every piece until the last. */
function nextOf<T>(iterator: AsyncIterator<T>, signal: AbortSignal | undefined): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => reject(signal?.reason)
    signal?.addEventListener('abort', stop, { once: true })
    const settled = () => signal?.removeEventListener('abort', stop)
    iterator.next().then(resolve, reject).finally(settled)
  })
}

/** A small document, by its digest: kept already, or fetched by one of those who want it. */
export async function fetchDocument(blob: Descriptor, { store, lease, source, signal }: FetchOptions): Promise<Buffer> {
  if (blob.size > LARGEST_DOCUMENT) {
    throw new DrydockError(`the image configuration ${blob.digest} has ${blob.size} bytes; ${LARGEST_DOCUMENT} are the most`, {
      status: 400,
    })
  }
  await lease.add([blob.digest], { ...(signal && { signal }) })
  if (store.blobs.has(blob.digest)) return store.blobs.document(blob.digest)
  const { release } = await claim(store.paths.incoming, hexOf(blob.digest), { ...(signal && { signal }) })
  try {
    if (!store.blobs.has(blob.digest)) {
      const arrival = Arrival.resume(store.paths, store.blobs, blob, (offset) => source(blob, offset, { mirrors: true }))
      await arrival.finish().catch((error) => {
        throw arrival.failure ?? error
      })
    }
    return await store.blobs.document(blob.digest)
  } finally {
    release()
  }
}

/** Bytes: larger than any configuration that somebody wrote, small enough to be held. */
const LARGEST_DOCUMENT = 8 * 1024 * 1024
