/**
 * What containers of `drydock run` leave on disk when their shim is killed or the power fails: directories of containers that were to go
 * with their process (--rm), names that lead nowhere, layers of no container. A container that was to be kept is never one of them.
 */
import { lstatSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { readContainer, shortId } from '../container/index.js'
import { remove_tree } from '../kernel/calls/files.js'
import { errnoOf } from '../kernel/constants.js'
import { withLoneShim } from '../kernel/lone.js'
import { dataRoot } from '../kernel/places.js'
import { readMountinfo } from '../kernel/proc/mountinfo.js'
import { namesIfReadable, textIfReadable } from '../kernel/readable.js'
import { host } from '../kernel/step.js'
import type { Leftover } from './leftovers.js'
import { findMakers, ID, isFresh, type Makers, ownRoot } from './makers.js'
import { unlinkUnlessGone } from './unlink.js'

interface Root {
  readonly path: string
  readonly top: Stats
  readonly makers: Makers
  readonly mountPoints: readonly string[]
}

export function inspectContainers(makers: Makers = findMakers(), path: string = dataRoot()): Leftover[] {
  const top = ownRoot(path)
  if (!top) return []
  const root = { path, top, makers, mountPoints: readMountinfo('self')?.map(({ mountPoint }) => mountPoint) ?? [] }
  return [...containers(root), ...names(root), ...layers(root)]
}

/** Ephemeral ones that do not run, and those of which there is no more than the beginning. */
function containers(root: Root): Leftover[] {
  return entries(root, 'containers').flatMap(({ id, path, stats }) => {
    const stored = readContainer(root.path, id)
    if (stored) {
      const { spec } = stored.record
      if (!spec.ephemeral) return []
      return [leftover(root, { kind: 'container', name: path, says: `${spec.name} was to be removed at its end, and does not run` }, stats)]
    }
    // The record of one that stays is there whole or not at all. One that cannot be read may be somebody's who knows how.
    const record = lstatSync(join(path, 'config.json'), { throwIfNoEntry: false })
    if (record !== undefined && record.size > 0) return []
    return [young(root, { kind: 'container', name: path, says: 'it was begun, and has no record of what it was to be' }, stats)]
  })
}

function names(root: Root): Leftover[] {
  return listed(join(root.path, 'names')).flatMap((name) => {
    const path = join(root.path, 'names', name)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    const holder = stats?.isFile() ? idIn(path) : undefined
    if (!stats || holder === undefined) return []
    if (holder === '') return [young(root, { kind: 'name', name: path, says: 'the name was taken, and for no container' }, stats)]
    if (!ID.test(holder) || exists(join(root.path, 'containers', holder)) || root.makers.running.has(holder)) return []
    return [young(root, { kind: 'name', name: path, says: `container ${shortId(holder)}, to which it leads, is gone` }, stats)]
  })
}

/** What a container's layer consists of; an image's has no `merged`. */
const PARTS = ['diff', 'work', 'merged']

function layers(root: Root): Leftover[] {
  return entries(root, 'overlay').flatMap(({ id, path, stats }) => {
    if (exists(join(root.path, 'containers', id))) return []
    const parts = listed(path)
    const ours = parts.every((part) => PARTS.includes(part)) && (parts.includes('merged') || !parts.includes('diff') || isEmpty(path))
    return ours ? [young(root, { kind: 'layer', name: path, says: `container ${shortId(id)}, whose it is, is gone` }, stats)] : []
  })
}

const isEmpty = (path: string): boolean => listed(join(path, 'diff')).length === 0

/** Directories with an id for a name whose container does not run. */
function entries(root: Root, kind: string): { id: string; path: string; stats: Stats }[] {
  return listed(join(root.path, kind)).flatMap((id) => {
    const path = join(root.path, kind, id)
    const stats = ID.test(id) && !root.makers.running.has(id) ? lstatSync(path, { throwIfNoEntry: false }) : undefined
    return stats?.isDirectory() ? [{ id, path, stats }] : []
  })
}

/** Of which nobody tells that it is whole. */
function young(root: Root, one: Leftover, stats: Stats): Leftover {
  return isFresh(stats.mtimeMs) ? { ...one, kept: 'it was changed just now, so it may be half of something' } : leftover(root, one, stats)
}

function leftover(root: Root, one: Leftover, stats: Stats): Leftover {
  const kept = reasonToKeep(root, one.name, stats)
  return kept === undefined ? one : { ...one, kept }
}

function reasonToKeep({ top, makers, mountPoints }: Root, path: string, stats: Stats): string | undefined {
  if (stats.uid !== top.uid) return `it belongs to user ${stats.uid}`
  const layer = path.replace(/\/containers\/([^/]+)$/, '/overlay/$1')
  const mounted = mountPoints.find((point) => [path, layer].some((one) => point === one || point.startsWith(`${one}/`)))
  if (mounted !== undefined) return `something is mounted at ${mounted}`
  if (stats.dev !== top.dev) return 'it is on another file system'
  return makers.reason(stats.mtimeMs)
}

/** Looked at again right before. What a tree holds goes by descriptors, through no link and across no mount (native/tree.c). */
export async function removeContainer({ kind, name: path }: Leftover): Promise<string | undefined> {
  const root = dataRoot()
  const again = inspectContainers(findMakers(), root).find((one) => one.kind === kind && one.name === path)
  if (!again) return undefined
  if (again.kept !== undefined) return again.kept
  if (kind === 'name') return unlinkName(path, [idIn(path) ?? ''])
  const id = path.slice(path.lastIndexOf('/') + 1)
  // The record last: as long as it is there, the rest is found again.
  const failure = await removeTrees(kind === 'container' ? [join(root, 'overlay', id), path] : [path])
  if (failure !== undefined) return failure
  for (const name of listed(join(root, 'names'))) {
    const reason = unlinkName(join(root, 'names', name), [id])
    if (reason !== undefined) return reason
  }
  return undefined
}

/** Only while it leads to where it did. */
function unlinkName(path: string, holders: readonly string[]): string | undefined {
  const holder = idIn(path)
  if (holder === undefined || !holders.includes(holder)) return undefined
  return unlinkUnlessGone(path)
}

async function removeTrees(paths: readonly string[]): Promise<string | undefined> {
  const results = await withLoneShim((shim) => shim.attempt(host(paths.map((path) => remove_tree(path)))))
  const failed = results.find(({ status }) => status === 'failed')
  return failed && `remove_tree: ${errnoOf(failed.errno).name}`
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/** What a name's file holds; undefined when it is gone, or not ours to read. */
const idIn = (path: string): string | undefined => textIfReadable(path)?.trim()

const listed = (path: string): string[] => namesIfReadable(path).sort()
