/**
 * Containers of an engine come and go as one: what is half made or half removed has a name of its own, and the next engine finishes it.
 *
 *     containers/.making-ID      → containers/ID             the last step of making one
 *     containers/ID              → containers/.removing-ID   the first step of removing it
 *
 * Only one engine at a time uses a data root, so whatever bears such a name when it begins is nobody's.
 */
import { closeSync, fsync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { remove_tree, unlink } from '../kernel/calls/files.js'
import { namesIfReadable, textIfReadable } from '../kernel/readable.js'
import { host, type Step } from '../kernel/step.js'
import { type Layout, layoutOf, makeOverlay } from './layout.js'
import type { ContainerSpec } from './spec.js'
import { type ContainerRecord, takeName } from './state.js'

const MAKING = '.making-'
const REMOVING = '.removing-'

const staged = (mark: string, { directory }: Pick<Layout, 'directory'>): string => join(dirname(directory), `${mark}${basename(directory)}`)

/**
 * Make a container that does not run yet. Throws in Docker's words when its name is taken. `durable`: it is there also when the power fails
 * right afterwards, which takes as long as the disk does.
 */
export async function makeContainer(
  dataRoot: string,
  record: ContainerRecord,
  { durable }: { readonly durable: boolean },
): Promise<Layout> {
  const { id, name } = record.spec
  const layout = layoutOf(dataRoot, id, name)
  const making = staged(MAKING, layout)
  let named = false
  try {
    mkdirSync(making, { mode: 0o710 })
    // From here on what a crash leaves is known; while the disk writes, the rest goes on.
    const written = writeConfig(join(making, 'config.json'), record, durable)
    try {
      mkdirSync(layout.overlay, { mode: 0o710 })
      makeOverlay(layout)
    } finally {
      await written
    }
    takeName(dataRoot, layout, id)
    named = true
    renameSync(making, layout.directory)
    return layout
  } catch (error) {
    if (named) rmSync(layout.name, { force: true })
    rmSync(layout.overlay, { recursive: true, force: true })
    rmSync(making, { recursive: true, force: true })
    throw error
  }
}

async function writeConfig(path: string, record: ContainerRecord, durable: boolean): Promise<void> {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, JSON.stringify(record))
    if (durable && isInMemory(dirname(path))) fsyncSync(file)
    else if (durable) await new Promise<void>((resolve, reject) => fsync(file, (error) => (error ? reject(error) : resolve())))
  } finally {
    closeSync(file)
  }
}

/** TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h. */
const IN_MEMORY = [0x01021994, 0x858458f6]

/** There the sync of a file waits for nothing, and to have another thread do it would be what takes long. statfs(2). */
const isInMemory = (directory: string): boolean => IN_MEMORY.includes(statfsSync(directory).type)

/** From here on it is none, though its files are there; the answer are the steps of the host's that remove them. Its volumes too, if they are named. */
export function unmakeContainer(layout: Layout, volumes: readonly string[]): Step[] {
  const removing = staged(REMOVING, layout)
  renameSync(layout.directory, removing)
  return removalSteps(layout, removing, volumes)
}

const removalSteps = (layout: Layout, directory: string, volumes: readonly string[]): Step[] =>
  host([
    ...volumes.map((volume) => remove_tree(volume, { allow: ['ENOENT'] })),
    remove_tree(layout.overlay, { allow: ['ENOENT'] }),
    unlink(layout.name, { allow: ['ENOENT'] }),
    // Last: as long as it is there, somebody knows that the rest is to be removed.
    remove_tree(directory, { allow: ['ENOENT'] }),
  ])

/** What removes everything that an engine which was killed has left half done. */
export function sweepSteps(dataRoot: string): Step[] {
  const containers = join(dataRoot, 'containers')
  return namesIfReadable(containers).flatMap((name) => {
    const mark = [MAKING, REMOVING].find((one) => name.startsWith(one))
    if (!mark) return []
    const id = name.slice(mark.length)
    const spec = specIn(join(containers, name))
    const layout = layoutOf(dataRoot, id, spec?.name ?? '.')
    // Without content when the engine was killed between making the name's file and writing to it.
    const named = spec && [id, ''].includes(textIfReadable(layout.name) ?? 'nobody')
    const own = named ? layout : { ...layout, name: join(containers, name, 'no-name') }
    // Of one that was being removed only who asked for it knew whether its volumes go; of one that was not made yet nobody has seen them.
    return removalSteps(own, join(containers, name), mark === MAKING ? (spec?.ownVolumes ?? []) : [])
  })
}

function specIn(directory: string): ContainerSpec | undefined {
  try {
    return (JSON.parse(textIfReadable(join(directory, 'config.json')) ?? '') as ContainerRecord).spec
  } catch {
    return undefined
  }
}
