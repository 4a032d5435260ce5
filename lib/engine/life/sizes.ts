/** How many bytes a container has changed, and how many it sees. */
import type { Core } from '../core.js'
import { bytesBelow } from '../disk.js'
import type { Container } from './container.js'

export async function sizesOf({ store }: Core, { record, layout }: Container): Promise<{ own: number; all: number }> {
  const own = await bytesBelow(layout.upper)
  const { id } = record.spec.image
  const image = id === undefined ? undefined : store.records.get(id as `sha256:${string}`)
  return { own, all: own + (image?.size ?? 0) }
}
