/** A large layer goes through this program, and nothing of it stays. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { fetchLayers } from '../../lib/image/fetch.js'
import { Store } from '../../lib/image/store/index.js'
import { TAR_END, tarHeader } from '../../lib/image/tar/index.js'
import type { Digest } from '../../lib/image/types.js'

const MIB = 1 << 20
const PIECE = 64 * 1024
const SIZE = 96 * MIB

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

function* archive(): Generator<Buffer> {
  const mtime = { seconds: 0, nanoseconds: 0 }
  yield tarHeader({ path: Buffer.from('large'), type: 'file', mode: 0o644, uid: 0, gid: 0, mtime, size: SIZE })
  for (let at = 0; at < SIZE; at += PIECE) yield Buffer.alloc(PIECE, 1)
  yield TAR_END
}

/** Bytes of buffers, when what nobody holds is gone. */
function held(): number {
  gc()
  return process.memoryUsage().arrayBuffers
}

test('is fetched and unpacked without being held', async () => {
  const root = mkdtempSync(join(tmpdir(), 'drydock-memory-'))
  const hash = createHash('sha256')
  let size = 0
  for (const piece of archive()) {
    hash.update(piece)
    size += piece.length
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`
  const store = new Store(root)
  const lease = store.lease()
  const before = held()
  let most = 0
  let count = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (const piece of archive()) {
      // The rest of what has been taken goes in a later turn.
      if (++count % 256 === 0) {
        await new Promise((resolve) => setImmediate(resolve))
        most = Math.max(most, held() - before)
      }
      yield piece
    }
  }
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size }
  await fetchLayers([blob], [digest], { store, lease, source, onProgress: () => undefined, signal: new AbortController().signal })
  lease.release()
  expect(store.layers.get(digest)?.size).toBe(SIZE)
  expect(most).toBeLessThan(32 * MIB)
  rmSync(root, { recursive: true })
})
