/** `-v` and `--tmpfs` as Docker's command line takes them, into mounts. docker-run(1), "Volumes". */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { isAbsolute, normalize, resolve } from 'node:path'
import { DrydockError } from '../kernel/errors.js'
import type { MountSpec } from '../primitives/rootfs/index.js'
import { createVolume } from './volume/store.js'

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

/** `[SOURCE:]TARGET[:OPTIONS]`: a host's path, a named volume, or (without a source) a new anonymous one, which `anonymous` names. */
export function parseVolume(text: string, dataRoot: string, anonymous: () => string, { makePath = false }: VolumeOptions = {}): Volume {
  const parts = text.split(':')
  if (parts.length > 3 || parts.some((part) => part === '')) return refuse(`invalid volume specification: '${text}'`)
  if (parts.length === 1) return ownVolume(text, dataRoot, anonymous)
  const [source, target, options = ''] = parts as [string, string, string?]
  checkTarget(target, text)
  const kind = isPath(source) ? 'path' : 'named'
  const { readOnly, propagation, copies } = parseOptions(options, kind, text)
  const { volume, made = false } = kind === 'path' ? {} : createVolume(dataRoot, { name: source })
  const path = volume?.directory ?? resolve(source)
  if (kind === 'path' && makePath && !existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o755 })
  const mount: MountSpec = {
    kind: 'bind',
    source: path,
    sourceKind: kindOf(path),
    target: normalize(target),
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

/** A new volume without a name at a path. That is all that the path is, whatever is in it: it may be an image's word, which is to name nothing of the host's. */
export function ownVolume(target: string, dataRoot: string, anonymous: () => string): Volume {
  checkTarget(target, target)
  const { volume } = createVolume(dataRoot, { name: anonymous(), anonymous: true })
  const mount = { kind: 'bind', source: volume.directory, sourceKind: 'directory', target: normalize(target), recursive: true } as const
  return { mount, source: 'own', mode: '', copies: true, made: volume.name }
}

export function checkTarget(target: string, text: string): void {
  if (!isAbsolute(target)) refuse(`invalid volume specification: '${text}': the path inside the container, '${target}', must be absolute`)
  if (normalize(target) === '/') refuse(`invalid volume specification: '${text}': the destination can't be '/'`)
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

/** `TARGET[:OPTIONS]`, options of tmpfs(5) and mount(8). */
export function parseTmpfs(text: string): MountSpec {
  const at = text.indexOf(':')
  const target = at < 0 ? text : text.slice(0, at)
  const options = at < 0 ? [] : text.slice(at + 1).split(',')
  checkTarget(target, text)
  return { kind: 'tmpfs', target: normalize(target), options }
}
