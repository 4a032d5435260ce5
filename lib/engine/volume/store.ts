/**
 * Volumes on disk, whoever makes them:
 *
 *     volumes/NAME/_data           what is in it; of a volume that stands for a directory of the host, a link to that
 *     volumes/NAME/volume.json     what it was asked to be; of before there was an engine, none
 *     volumes/.making-WHO, .removing-WHO     half of one (owner.ts says whose)
 */
import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { checkName, ensureDataRoot, writeDurably } from '../../container/index.js'
import { isInHand, ownerName } from '../../image/owner.js'
import { removeTrees } from '../../image/store/tree.js'
import { DrydockError } from '../../kernel/errors.js'
import { newId } from '../../kernel/random.js'
import { namesIfReadable, textIfReadable } from '../../kernel/readable.js'
import { makeForRoot } from '../../primitives/own-ids.js'
import { localOptions } from './options.js'

/** What volume.json holds. */
interface StoredVolume {
  readonly version: 1
  /** RFC 3339. */
  readonly created: string
  readonly labels: Readonly<Record<string, string>> | null
  readonly options: Readonly<Record<string, string>> | null
}

export interface Volume {
  readonly name: string
  /** `_data`. */
  readonly directory: string
  /** RFC 3339. */
  readonly created: string
  readonly labels: Readonly<Record<string, string>> | null
  readonly options: Readonly<Record<string, string>> | null
  /** Made for one container, without a name of somebody's choice. */
  readonly anonymous: boolean
  /** It stands for a directory of the host. */
  readonly isBind: boolean
  /** It lives in memory, as long as a container has it: options of its file system. */
  readonly memory?: readonly string[]
  /** Nobody may write to it, as its options have it. */
  readonly readOnly: boolean
}

/** By which Docker tells those without a name from others. */
const ANONYMOUS = 'com.docker.volume.anonymous'

const MAKING = '.making-'
const REMOVING = '.removing-'

const volumesDirectory = (dataRoot: string): string => join(dataRoot, 'volumes')

/** Where a volume's files are. */
export const volumeDirectory = (dataRoot: string, name: string): string => join(volumesDirectory(dataRoot), name, '_data')

export interface NewVolume {
  /** One of its own when there is none. */
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>> | null
  /** `type`, `o` and `device`, as mount(8) takes them. */
  readonly options?: Readonly<Record<string, string>> | null
  /** Nobody has chosen the name. */
  readonly anonymous?: boolean
}

/** The one of that name, made when it is new. Somebody else may have been quicker: then it is that one's. */
export function createVolume(dataRoot: string, request: NewVolume): { readonly volume: Volume; readonly made: boolean } {
  const { name = newId(), anonymous = request.name === undefined } = request
  checkName(name, 'volume')
  const known = readVolume(dataRoot, name)
  if (known) return { volume: known, made: false }
  const { options = null } = request
  const place = localOptions(name, options ?? {})
  const labels = anonymous ? { ...request.labels, [ANONYMOUS]: '' } : (request.labels ?? null)
  ensureDataRoot(dataRoot)
  const making = join(volumesDirectory(dataRoot), `${MAKING}${ownerName()}`)
  mkdirSync(making, { mode: 0o711 })
  try {
    if (place?.kind === 'bind') symlinkSync(place.path, join(making, '_data'))
    else makeForRoot(join(making, '_data'), 0o755)
    const stored: StoredVolume = { version: 1, created: new Date().toISOString(), labels, options }
    writeDurably(join(making, 'volume.json'), JSON.stringify(stored))
    renameSync(making, join(volumesDirectory(dataRoot), name))
  } catch (error) {
    rmSync(making, { recursive: true, force: true })
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
  return { volume: volumeOf(dataRoot, name), made: true }
}

export function readVolume(dataRoot: string, name: string): Volume | undefined {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return undefined
  const directory = volumeDirectory(dataRoot, name)
  const found = lstatSync(directory, { throwIfNoEntry: false })
  if (!found) return undefined
  const stored = storedAt(join(directory, '..', 'volume.json'))
  const labels = stored?.labels ?? null
  const place = localOptions(name, stored?.options ?? {})
  return {
    name,
    directory,
    created: stored?.created ?? found.birthtime.toISOString(),
    labels,
    options: stored?.options ?? null,
    anonymous: stored ? Object.hasOwn(labels ?? {}, ANONYMOUS) : /^[0-9a-f]{64}$/.test(name),
    isBind: place?.kind === 'bind',
    ...(place?.kind === 'memory' && { memory: place.options }),
    readOnly: place?.readOnly ?? false,
  }
}

function storedAt(path: string): StoredVolume | undefined {
  const text = textIfReadable(path)
  if (text === undefined) return undefined
  try {
    const found = JSON.parse(text) as StoredVolume
    return found.version === 1 ? found : undefined
  } catch (cause) {
    throw new DrydockError(`${path} is no JSON: ${(cause as Error).message}`, { cause })
  }
}

/** Throws `get NAME: no such volume` (404). */
export function volumeOf(dataRoot: string, name: string): Volume {
  const found = readVolume(dataRoot, name)
  if (!found) throw new DrydockError(`get ${name}: no such volume`, { status: 404 })
  return found
}

/** By name. */
export const listVolumes = (dataRoot: string): Volume[] =>
  namesIfReadable(volumesDirectory(dataRoot))
    .sort()
    .flatMap((name) => readVolume(dataRoot, name) ?? [])

/** Take one away: its name at once, its files by the time this resolves. */
export async function deleteVolume(dataRoot: string, name: string): Promise<void> {
  const away = join(volumesDirectory(dataRoot), `${REMOVING}${ownerName()}`)
  try {
    renameSync(join(volumesDirectory(dataRoot), name), away)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return
  }
  await removeTrees([away])
}

/** What programs that are no more have left half made or half removed. */
export const abandonedVolumes = (dataRoot: string): string[] =>
  namesIfReadable(volumesDirectory(dataRoot))
    .filter((name) => name.startsWith(MAKING) || name.startsWith(REMOVING))
    .map((name) => join(volumesDirectory(dataRoot), name))
    .filter((path) => !isInHand(path))

const held = new Map<string, number>()

/**
 * Keep a volume for a container whose record is not written yet: nobody of this process removes it until the answer is called. By `_data`, so that it may be
 * called before the volume is made.
 */
export function holdVolume(directory: string): () => void {
  held.set(directory, (held.get(directory) ?? 0) + 1)
  let done = false
  return () => {
    if (done) return
    done = true
    const left = (held.get(directory) ?? 1) - 1
    if (left > 0) held.set(directory, left)
    else held.delete(directory)
  }
}

export const isHeld = (directory: string): boolean => held.has(directory)
