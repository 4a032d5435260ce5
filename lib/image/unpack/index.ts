/**
 * Unpacking a layer: a stream of compressed tar into a directory that becomes one of overlayfs's.
 *
 *     registry ─► decompress ─► sha256, the diff id
 *                     └───────► TarReader ─► Layer ─► Sender ═══► the shim's child, confined to the directory
 *
 * Of an archive that is a file here already, and known by its digest, the child has that file open, and copies larger files' content out of it by itself.
 *
 *     confine.ts     the process that makes the files
 *     layer.ts       an entry into steps: whiteouts, links, duplicates, what is refused
 *     paths.ts tree.ts    where an entry belongs; what was made so far
 *     owners.ts      ids in a user namespace
 *     files.ts sender.ts  the steps, and how they get there quickly
 *     opaque.ts      directories that hide those below
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { DrydockError } from '../../kernel/errors.js'
import { loneShim } from '../../kernel/lone.js'
import { parseIdMap } from '../../kernel/proc/idmap.js'
import type { Shim } from '../../kernel/shim.js'
import type { IdmapSpec } from '../../primitives/idmap.js'
import { ownIdmap } from '../../primitives/own-ids.js'
import { decompress } from '../compression.js'
import { TarReader } from '../tar/index.js'
import type { Digest } from '../types.js'
import { confine } from './confine.js'
import { Files } from './files.js'
import { Layer } from './layer.js'
import { setOpaqueInside, setOpaqueTrusted } from './opaque.js'
import { Owners } from './owners.js'
import { Sender } from './sender.js'
import { Warnings } from './warnings.js'

/** An archive that is not compressed, in a file that nobody changes. */
export interface KeptArchive {
  readonly path: string
  /** What its bytes hash to: known to the caller, not found again here. */
  readonly digest: Digest
}

export interface UnpackLimits {
  /** Of the uncompressed archive; 256 GiB when absent. */
  readonly bytes?: number
  /** Files of all kinds, and whiteouts; a million when absent. Each takes about a hundred bytes of memory until the layer is whole. */
  readonly entries?: number
}

export interface UnpackOptions {
  /** It exists and is empty; it becomes a layer's root, root's own and mode 0755. After an error, what is in it is nothing. */
  readonly directory: string
  /** Of the user namespace in which the layer will be used. Absent: none for root, the usual one for others. */
  readonly idmap?: IdmapSpec
  readonly limits?: UnpackLimits
  /** A shim for this layer alone; one of its own is started by default. */
  readonly newShim?: () => Promise<Shim>
  readonly signal?: AbortSignal
  /** What the source's bytes hash to, asked when all of them have been read: of an archive that is not compressed that is the diff id, and need not be found twice. */
  readonly digest?: () => Digest
}

export interface Unpacked {
  /** sha256 of the uncompressed archive. */
  readonly diffId: Digest
  /** Of all files' content together, in bytes: what Docker calls a layer's size. */
  readonly size: number
  readonly entries: number
  /** A sentence each, for what is not as the archive has it. */
  readonly warnings: readonly string[]
}

const MOST_BYTES = 256 * 2 ** 30
const MOST_ENTRIES = 1_000_000

/** Throws one sentence, and then what is in the directory is to be removed. */
export async function unpackLayer(source: AsyncIterable<Uint8Array> | KeptArchive, options: UnpackOptions): Promise<Unpacked> {
  const { directory, newShim = loneShim, signal } = options
  const map = options.idmap ?? ownIdmap()
  signal?.throwIfAborted()
  const shim = await newShim()
  try {
    const streamed = Symbol.asyncIterator in source
    await confine(shim, { directory, idmap: map, calls: Files.calls, ...(!streamed && { archive: source.path }) })
    const warnings = new Warnings()
    const sender = new Sender(shim, (path, call, errno) =>
      warnings.add(call.endsWith('xattr') ? `extended attributes could not be set (${errno})` : `${call} failed (${errno})`, path),
    )
    const files = new Files(sender, shim.slot('file'))
    const owners = new Owners(map)
    const layer = new Layer(sender, files, owners, {
      devices: map === undefined,
      warn: (kind, path) => warnings.add(kind, path),
      ...(!streamed && { archive: shim.slot('archive') }),
    })

    const diffId = streamed ? await read(source, layer, sender, options) : await readKept(source, layer, sender, options)
    const opaque = layer.finish()
    const inside = map !== undefined || isInUserNamespace()
    if (inside) setOpaqueInside(opaque, files)
    await sender.done()
    if (!inside) await setOpaqueTrusted(opaque, directory, shim)
    const all = [...warnings.sentences(), ...(owners.warning ? [owners.warning] : [])]
    return { diffId, size: layer.size, entries: layer.entries, warnings: all }
  } finally {
    await shim.rollback()
  }
}

/** The whole stream, to its end behind the archive's. */
async function read(
  source: AsyncIterable<Uint8Array>,
  layer: Layer,
  sender: Sender,
  { limits = {}, signal, digest }: UnpackOptions,
): Promise<Digest> {
  const hash = createHash('sha256')
  const reader = new TarReader(layer)
  let length = 0
  let isHashed = false
  const onPlain = () => {
    isHashed = digest !== undefined
  }
  for await (const chunk of decompress(source, onPlain)) {
    signal?.throwIfAborted()
    length += chunk.length
    checkBytes(limits, length)
    if (!isHashed) hash.update(chunk)
    reader.push(chunk)
    checkEntries(limits, layer)
    await sender.room()
  }
  reader.finish()
  return isHashed && digest ? digest() : `sha256:${hash.digest('hex')}`
}

/** Bytes that are read at once of an archive that is here: many headers, and the small files between them. */
const WINDOW = 128 * 1024

/** From header to header: what the confined process copies by itself is not read here. */
async function readKept(
  { path, digest }: KeptArchive,
  layer: Layer,
  sender: Sender,
  { limits = {}, signal }: UnpackOptions,
): Promise<Digest> {
  const reader = new TarReader(layer)
  const window = Buffer.allocUnsafe(WINDOW)
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    for (let at = 0; at < size; ) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(window, 0, WINDOW, at)
      if (bytesRead === 0) throw new DrydockError(`${path} became shorter while it was read`)
      reader.push(window.subarray(0, bytesRead))
      at += bytesRead
      at += reader.pass(size - at)
      checkBytes(limits, at)
      checkEntries(limits, layer)
      await sender.room()
    }
    reader.finish()
    return digest
  } finally {
    await file.close()
  }
}

function checkBytes({ bytes = MOST_BYTES }: UnpackLimits, length: number): void {
  if (length > bytes)
    throw new DrydockError(`the layer has more than ${bytes} bytes when it is uncompressed, and that is the limit`, { status: 400 })
}

function checkEntries({ entries = MOST_ENTRIES }: UnpackLimits, layer: Layer): void {
  if (layer.entries > entries) throw new DrydockError(`the layer has more than ${entries} files, and that is the limit`, { status: 400 })
}

/** Root of a namespace of its own, such as a bottle's: what takes a capability outside of it cannot be done. */
function isInUserNamespace(): boolean {
  const [first] = parseIdMap(readFileSync('/proc/self/uid_map', 'utf8'))
  return first?.count !== 2 ** 32 - 1
}
