/** Directories that are there for one act of a build: a context, or a layer that is being made. What an engine that was killed has left is swept with half layers. */
import { mkdirSync } from 'node:fs'
import type { Layout } from '../../container/index.js'
import { layoutOf, makeOverlay } from '../../container/layout.js'
import { keepYoung, ownerName } from '../../image/owner.js'
import { BUILDING } from '../../image/store/layers.js'
import { removeTrees } from '../../image/store/tree.js'

/** The directories of a container that is none: nobody lists it, and it has no files of its own in /etc. */
export async function inScratch<T>(dataRoot: string, use: (layout: Layout) => Promise<T>): Promise<T> {
  const layout = layoutOf(dataRoot, `${BUILDING}${ownerName()}`, '.')
  mkdirSync(layout.overlay, { mode: 0o710 })
  const rest = keepYoung(layout.overlay)
  try {
    makeOverlay(layout)
    return await use(layout)
  } finally {
    rest()
    await removeTrees([layout.overlay])
  }
}
