/**
 * Tar archives, of which images' layers are made.
 *
 *     types.ts              an entry
 *     reader.ts             a stream into entries
 *     header.ts pax.ts sparse.ts   the formats, a piece each
 *     writer.ts             an entry into its header
 *
 * Why not a package: the known ones decode names and PAX values as UTF-8, which breaks names that are not and binary attributes (a file's
 * capabilities are one), and know no sparse files.
 */
export { showName } from './damage.js'
export { TarReader, type TarSink } from './reader.js'
export { BLOCK, type EntryType, type SparsePart, type TarEntry, type Timestamp } from './types.js'
export { TAR_END, type TarInput, tarHeader, tarPadding } from './writer.js'
