/** Images for tests: layers out of a few lines, a store in a directory of its own, pulls from the registry of the tests. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Progress } from '../../lib/image/progress.js'
import { type Pulled, pull } from '../../lib/image/pull.js'
import { parseReference } from '../../lib/image/reference.js'
import type { Timeouts } from '../../lib/image/registry/index.js'
import { Store } from '../../lib/image/store/index.js'
import { removeTrees } from '../../lib/image/store/tree.js'
import { TAR_END, tarHeader, tarPadding } from '../../lib/image/tar/index.js'
import { bytes, registryClient } from './registry-client.js'
import { digestOf } from './registry-server.js'

/** An archive: content by path. A path that ends with a slash is a directory, and `name -> target` a link. Files can be `executable`. */
export function layerTar(files: Readonly<Record<string, string | Buffer>>, executable: readonly string[] = []): Buffer {
  const parts = Object.entries(files).flatMap(([key, text]) => {
    const [path = '', target] = key.split(' -> ')
    const content = Buffer.from(text as string)
    const type = target !== undefined ? ('symlink' as const) : path.endsWith('/') ? ('directory' as const) : ('file' as const)
    const entry = {
      path: Buffer.from(path),
      type,
      mode: type === 'directory' || executable.includes(path) ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtime: { seconds: 1e9, nanoseconds: 0 },
    }
    return [tarHeader({ ...entry, size: content.length, linkPath: Buffer.from(target ?? '') }), content, tarPadding(content.length)]
  })
  return Buffer.concat([...parts, TAR_END])
}

/** As a stream brings it, in pieces with any borders. */
export async function* chunked(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Compressed layers and the digests of what is in them, as RegistryServer.image takes them. */
export function gzipped(tars: readonly Buffer[]) {
  return { layers: tars.map((tar) => gzipSync(tar)), diffIds: tars.map(digestOf) }
}

/** A layer that takes a while: so many bytes that do not compress, the same for the same seed. */
export const bigLayer = (size: number, seed: string): Buffer => layerTar({ [`${seed}.bin`]: bytes(size, seed) })

/** Milliseconds, for a machine that has other things to do: a request that is made again would be counted. */
export const PATIENT: Timeouts = { connect: 20_000, idle: 20_000 }

export interface TestStore {
  readonly root: string
  readonly store: Store
  /** Paths of everything that is neither an image's nor a directory: half things, claims, leases. */
  strays(): string[]
  remove(): Promise<void>
}

export function testStore(): TestStore {
  const root = mkdtempSync(join(tmpdir(), 'drydock-images-'))
  const store = new Store(root)
  const list = (path: string) => {
    try {
      return readdirSync(join(root, path)).map((name) => `${path}/${name}`)
    } catch {
      return []
    }
  }
  return {
    root,
    store,
    strays: () => [
      ...['blobs/incoming', 'images/leases', 'images/claims'].flatMap(list),
      ...['overlay', 'images', 'images/tags', 'images/records', 'blobs/sha256'].flatMap(list).filter((path) => /\/\.[^/]*$/.test(path)),
    ],
    async remove() {
      await removeTrees(['overlay', 'images'].map((name) => join(root, name)))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** Pull from the registry of the tests; what was said is collected. */
export async function pullFrom(
  server: { readonly host: string },
  name: string,
  store: Store,
  { timeouts, ...options }: Partial<Parameters<typeof pull>[1]> & { readonly timeouts?: Timeouts } = {},
): Promise<Pulled & { readonly said: Progress[] }> {
  const word = `${server.host}/${name}`
  const said: Progress[] = []
  const registry = registryClient(word, timeouts && { timeouts })
  try {
    const pulled = await pull(parseReference(word), { store, registry, onProgress: (one) => said.push(one), ...options })
    return { ...pulled, said }
  } finally {
    registry.close()
  }
}
