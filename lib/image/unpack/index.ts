/**
 * Unpacking a layer: a stream of compressed tar into a directory that becomes one of overlayfs's.
 *
 *     registry ─► decompress ─► sha256, the diff id
 *                     └───────► TarReader ─► Layer ─► Sender ═══► the shim's child, confined to the directory
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
import { DrydockError } from '../../kernel/errors.js'
import { loneShim } from '../../kernel/lone.js'
import { isMachineRoot, parseIdMap } from '../../kernel/proc/idmap.js'
import type { Shim } from '../../kernel/shim.js'
import { type IdmapSpec, planIdmap } from '../../primitives/idmap.js'
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
export async function unpackLayer(source: AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<Unpacked> {
  const { directory, newShim = loneShim, signal } = options
  const map = options.idmap ?? (isMachineRoot() ? undefined : planIdmap())
  signal?.throwIfAborted()
  const shim = await newShim()
  try {
    await confine(shim, { directory, idmap: map, calls: Files.calls })
    const warnings = new Warnings()
    const sender = new Sender(shim, (path, call, errno) =>
      warnings.add(call.endsWith('xattr') ? `extended attributes could not be set (${errno})` : `${call} failed (${errno})`, path),
    )
    const files = new Files(sender, shim.slot('file'))
    const owners = new Owners(map)
    const layer = new Layer(sender, files, owners, { devices: map === undefined, warn: (kind, path) => warnings.add(kind, path) })

    const diffId = await read(source, layer, sender, options)
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
  const { bytes: mostBytes = MOST_BYTES, entries: mostEntries = MOST_ENTRIES } = limits
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
    if (length > mostBytes) {
      throw new DrydockError(`the layer has more than ${mostBytes} bytes when it is uncompressed, and that is the limit`, { status: 400 })
    }
    if (!isHashed) hash.update(chunk)
    reader.push(chunk)
    if (layer.entries > mostEntries)
      throw new DrydockError(`the layer has more than ${mostEntries} files, and that is the limit`, { status: 400 })
    await sender.room()
  }
  reader.finish()
  return isHashed && digest ? digest() : `sha256:${hash.digest('hex')}`
}

/** Root of a namespace of its own, such as a bottle's: what takes a capability outside of it cannot be done. */
function isInUserNamespace(): boolean {
  const [first] = parseIdMap(readFileSync('/proc/self/uid_map', 'utf8'))
  return first?.count !== 2 ** 32 - 1
}
