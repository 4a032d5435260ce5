/** Where the classroom's registry keeps what is its own: `registry/` below the data root. */
import { join } from 'node:path'
import { dataRoot } from '../kernel/places.js'

export const homeDirectory = (): string => join(dataRoot(), 'registry')

/** What docker-registry calls its root directory: blobs, and which repository has which. */
export const storageDirectory = (): string => join(homeDirectory(), 'storage')

/** What was fetched and made on the way to the images, so that the next start needs no network. */
export const workDirectory = (): string => join(homeDirectory(), 'work')
