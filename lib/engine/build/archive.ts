/** ADD takes an archive apart: how one is known. */
import { TarReader } from '../../image/tar/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { unpacked } from '../inside/archive/unpacked.js'
import type { Item } from './items.js'

/** Docker's test: whatever it is compressed with, the first header of a tar is at its beginning. */
export async function isArchive({ source, node }: Pick<Item, 'source' | 'node'>): Promise<boolean> {
  if (node.kind !== 'file' || node.size === 0) return false
  let found = false
  const reader = new TarReader({
    entry: () => {
      found = true
    },
    data: () => undefined,
    end: () => undefined,
  })
  try {
    for await (const chunk of unpacked(source.read(node))) {
      // A whole archive may be in it, and what follows the first entry is no matter here.
      for (let at = 0; at < chunk.length && !found; at += STRIDE) reader.push(chunk.subarray(at, at + STRIDE))
      if (found) return true
    }
  } catch (error) {
    // Something else, or damaged. What is wrong with reading itself is said.
    if (!found && !(error instanceof DrydockError) && !isDamage(error)) throw error
  }
  return found
}

const STRIDE = 512

/** What decompressing says of bytes that are not what they began as. */
const isDamage = (error: unknown): boolean => /^(Z_|ERR_ZLIB|ERR_BUFFER)/.test((error as NodeJS.ErrnoException).code ?? '')
