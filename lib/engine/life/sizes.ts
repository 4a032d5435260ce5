/** How many bytes a container has changed, and how many it sees. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Core } from '../core.js'
import type { Container } from './container.js'

export async function sizesOf({ store }: Core, { record, layout }: Container): Promise<{ own: number; all: number }> {
  const own = await bytesBelow(layout.upper)
  const { id } = record.spec.image
  const image = id === undefined ? undefined : store.records.get(id as `sha256:${string}`)
  return { own, all: own + (image?.size ?? 0) }
}

/** Bytes in files, those of hard links once. What is gone meanwhile is not counted. */
async function bytesBelow(directory: string, seen = new Set<string>()): Promise<number> {
  let bytes = 0
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name)
    const found = await lstat(path).catch(() => undefined)
    if (found?.isDirectory()) bytes += await bytesBelow(path, seen)
    else if (found?.isFile()) {
      const key = `${found.dev}:${found.ino}`
      if (found.nlink === 1 || !seen.has(key)) bytes += found.size
      if (found.nlink > 1) seen.add(key)
    }
  }
  return bytes
}
