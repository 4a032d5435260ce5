/**
 * From directories to archives, and what differs between directories.
 *
 *     layer.ts      an upper directory as a layer, for commit; all layers as one archive, for export
 *     changes.ts    docker diff
 *     mount-points.ts   what is there because of a mount, and no change
 *     walk.ts       a tree from the top down, in an order that is always the same
 *     nodes.ts      what is behind each name; records.ts: as the kernel writes it
 *     entries.ts    what is found, as entries: overlayfs's form into that of layers
 *     contents.ts   headers and contents as a stream
 *     reader.ts     many calls a round trip; confine.ts: by a process that sees nothing but the tree
 *
 * Node reads no extended attributes, and cannot be in a user namespace: so a shim reads, and what it sees are the owners inside.
 */
export { type Change, type ChangeKind, changes } from './changes.js'
export { type PackOptions, packLayer, packTree } from './layer.js'
export { mountPointsOf, withoutMountPoints } from './mount-points.js'
export type { ReadOptions } from './reader.js'
