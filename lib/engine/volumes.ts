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
  const [source, target, options = ''] = parts.length === 1 ? [anonymous(), parts[0] as string] : (parts as [string, string, string?])
  checkTarget(target, text)
  const { readOnly, propagation, copies } = parseOptions(options, text)
  const kind = parts.length === 1 ? 'own' : isPath(source) ? 'path' : 'named'
  const { volume, made = false } = kind === 'path' ? {} : createVolume(dataRoot, { name: source, anonymous: kind === 'own' })
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
  // One that stands for a directory of the host is filled by nobody.
  return { mount, source: kind, copies: copies && volume?.isBind === false, ...(made && { made: source }) }
}

export function checkTarget(target: string, text: string): void {
  if (!isAbsolute(target)) refuse(`invalid volume specification: '${text}': the path inside the container, '${target}', must be absolute`)
  if (normalize(target) === '/') refuse(`invalid volume specification: '${text}': the destination can't be '/'`)
}

function parseOptions(text: string, whole: string): { readOnly: boolean; propagation?: Propagation; copies: boolean } {
  let readOnly = false
  let copies = true
  let propagation: Propagation | undefined
  for (const option of text.split(',').filter((one) => one !== '')) {
    if (option === 'ro' || option === 'rw') readOnly = option === 'ro'
    else if ((PROPAGATIONS as readonly string[]).includes(option)) propagation = option as Propagation
    else if (option === 'nocopy') copies = false
    else if (!WITHOUT_EFFECT.has(option))
      refuse(`invalid volume specification: '${whole}': there is no option '${option}'; there are ro, rw, ${PROPAGATIONS.join(', ')}`)
  }
  return { readOnly, copies, ...(propagation && { propagation }) }
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
