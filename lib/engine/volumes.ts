/** `-v` and `--tmpfs` as Docker's command line takes them, into mounts. docker-run(1), "Volumes". */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { isAbsolute, posix, resolve } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import type { MountSpec } from '../primitives/rootfs/index.js'
import { createVolume, type Volume as StoredVolume } from './volume/store.js'

export const PROPAGATIONS = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave'] as const
export type Propagation = (typeof PROPAGATIONS)[number]

/** Options that concern SELinux or other platforms: accepted, as Docker accepts them here. */
const WITHOUT_EFFECT = new Set(['z', 'Z', 'consistent', 'cached', 'delegated'])

/** What was asked for, and what the mount is of. */
export interface Volume {
  readonly mount: MountSpec
  /** `own`: a volume without a name, made for this container. */
  readonly source: 'path' | 'named' | 'own'
  /** Docker's word for how: what was said behind the second colon, and `z` of a volume of which nothing was said. */
  readonly mode: string
  /** A volume that lives in memory: options of its file system. */
  readonly memory?: readonly string[]
  /** A new volume gets what the image has in its place, unless `nocopy` was said. */
  readonly copies: boolean
  /** Name of the volume that was made for it; absent: it was there, or is none. */
  readonly made?: string
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

export interface VolumeOptions {
  /** A directory of the host that is not there is made, as Docker does for `-v` (and not for `--mount`). */
  readonly makePath?: boolean
}

/** A new volume without a name of somebody's choice, which `anonymous` names. The target is a path and nothing else: an image chooses it, and may have colons in it. */
export function ownVolume(target: string, dataRoot: string, anonymous: () => string): Volume {
  const { volume, made } = createVolume(dataRoot, { name: anonymous(), anonymous: true })
  return {
    mount: { kind: 'bind', source: volume.directory, sourceKind: 'directory', target, recursive: true },
    source: 'own',
    mode: '',
    copies: true,
    ...(made && { made: volume.name }),
  }
}

/** `[SOURCE:]TARGET[:OPTIONS]`: a host's path, a named volume, or (without a source) a new one without a name. */
export function parseVolume(text: string, dataRoot: string, anonymous: () => string, { makePath = false }: VolumeOptions = {}): Volume {
  const parts = text.split(':')
  if (parts.length > 3 || parts.some((part) => part === '')) return refuse(`invalid volume specification: '${text}'`)
  const [source, target, options = ''] = parts.length === 1 ? ['', parts[0] as string] : (parts as [string, string, string?])
  const kind = source !== '' && isPath(source) ? 'path' : 'named'
  const type = kind === 'path' ? 'bind' : 'volume'
  const place = checkedTarget(target, (why) =>
    refuse(`invalid volume specification: '${text}': invalid mount config for type "${type}": ${why}`),
  )
  if (source === '') return ownVolume(place, dataRoot, anonymous)
  const { readOnly, propagation, copies } = parseOptions(options, kind, text)
  const { volume, made = false } = kind === 'path' ? {} : createVolume(dataRoot, { name: source })
  const path = volume?.directory ?? resolve(source)
  if (kind === 'path' && makePath && !existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o755 })
  const mount: MountSpec = {
    kind: 'bind',
    source: path,
    sourceKind: volume ? kindOfVolume(volume) : kindOf(path),
    target: place,
    recursive: true,
    ...((readOnly || volume?.readOnly) && { readOnly: true }),
    ...(propagation && { propagation }),
  }
  return {
    mount,
    source: kind,
    mode: kind === 'named' && options === '' ? 'z' : options,
    // One that stands for something else is filled by nobody.
    copies: copies && volume !== undefined && !volume.isBind && !volume.memory,
    ...(volume?.memory && { memory: volume.memory }),
    ...(made && { made: source }),
  }
}

/** In its shortest form, without a slash at its end: by that it is the same place however it was typed. */
export function checkedTarget(target: string, refused: (why: string) => never): string {
  if (!isAbsolute(target)) return refused(`invalid mount path: '${target}' mount path must be absolute`)
  const place = posix.resolve('/', target)
  return place === '/' ? refused("invalid specification: destination can't be '/'") : place
}

interface Options {
  readonly readOnly: boolean
  readonly propagation?: Propagation
  readonly copies: boolean
}

/** One word of each kind at most, as Docker has it. */
function parseOptions(text: string, kind: Volume['source'], whole: string): Options {
  const words = text.split(',').filter((word) => word !== '')
  const kinds = words.map((word) => {
    if (word === 'ro' || word === 'rw') return 'mode'
    if ((PROPAGATIONS as readonly string[]).includes(word)) return 'propagation'
    if (word === 'nocopy') return 'copy'
    if (WITHOUT_EFFECT.has(word)) return word.length === 1 ? 'label' : 'consistency'
    return refuse(`invalid mode: ${text}`)
  })
  if (new Set(kinds).size !== kinds.length) refuse(`invalid mode: ${text}`)
  const [type, foreign, member] =
    kind === 'path' ? (['bind', 'copy', 'VolumeOptions'] as const) : (['volume', 'propagation', 'BindOptions'] as const)
  if (kinds.includes(foreign))
    refuse(`invalid volume specification: '${whole}': invalid mount config for type "${type}": field ${member} must not be specified`)
  const propagation = PROPAGATIONS.find((one) => words.includes(one))
  return { readOnly: words.includes('ro'), copies: !words.includes('nocopy'), ...(propagation && { propagation }) }
}

/** A source with a slash or a dot in front is a path (also a relative one, since Docker 23); anything else is the name of a volume. */
const isPath = (source: string): boolean =>
  isAbsolute(source) || source.startsWith('./') || source.startsWith('../') || source === '.' || source === '..'

export function kindOf(path: string): 'file' | 'directory' {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) return refuse(`invalid mount config for type "bind": bind source path does not exist: ${path}`)
  return found.isDirectory() ? 'directory' : 'file'
}

/** One that stands for a directory of the host is as that is. */
export function kindOfVolume({ directory, isBind, options }: StoredVolume): 'file' | 'directory' {
  if (isBind && !existsSync(directory))
    refuse(
      `error while mounting volume '${directory}': failed to mount local volume: mount ${options?.device}:${directory}: no such file or directory`,
    )
  return kindOf(directory)
}

/** `TARGET[:OPTIONS]`, options of tmpfs(5) and mount(8). */
export function parseTmpfs(text: string): MountSpec {
  const at = text.indexOf(':')
  const target = at < 0 ? text : text.slice(0, at)
  const options = at < 0 ? [] : text.slice(at + 1).split(',')
  return { kind: 'tmpfs', target: checkedTarget(target, refuse), options }
}
