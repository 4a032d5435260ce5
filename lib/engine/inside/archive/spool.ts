/**
 * An archive on disk until it is whole: while it is unpacked into a container that does not run, that cannot be started or removed, and a client that stalls
 * must not be able to keep it so. The file has no name any more when something is written into it.
 */
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from '../../../kernel/random.js'

export async function spool<T>(
  source: AsyncIterable<Uint8Array>,
  directory: string,
  use: (whole: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const path = join(directory, `.copy-${randomBytes(6).toString('hex')}`)
  const file = await open(path, 'wx+', 0o600)
  try {
    await rm(path)
    for await (const chunk of source) await file.appendFile(chunk)
    return await use(file.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 }))
  } finally {
    await file.close()
  }
}
