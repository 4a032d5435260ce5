/**
 * A container on disk: its directories, its record, its name. An ephemeral one (`--rm`) is made by steps of its plan, each with its undo, so
 * that nothing is left even when this program is killed; the record of one that stays is written here, synced and renamed.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chown, close, mkdir, open, remove_tree, unlink, write } from '../kernel/calls/files.js'
import { DrydockError } from '../kernel/errors.js'
import { replaceFile } from '../kernel/new-file.js'
import { namesIfReadable, textIfReadable } from '../kernel/readable.js'
import { StepError } from '../kernel/result.js'
import { type Fragment, inPhase, ref, type Step } from '../kernel/step.js'
import type { Owner } from '../primitives/own-ids.js'
import { type Layout, layoutOf, makeOverlay } from './layout.js'
import { type ContainerSpec, shortId } from './spec.js'

/** What config.json holds. */
export interface ContainerRecord {
  readonly version: 1
  /** RFC 3339. */
  readonly created: string
  readonly spec: ContainerSpec
  /** What belongs to it beside its spec; absent in one that the command line has made by itself. */
  readonly more?: RecordedMore
}

export interface RecordedMore {
  /** Docker's Config and HostConfig, whole, as inspect tells them. */
  readonly config: Readonly<Record<string, unknown>>
  readonly hostConfig: Readonly<Record<string, unknown>>
  /** By network. */
  readonly endpoints: Readonly<Record<string, EndpointRequest>>
  /** Hardware address that was asked for without a network: of the one that is its mode, also when it comes back to that. */
  readonly mac?: string
  /** Containers of the default network that it is linked to; absent: none. */
  readonly links?: readonly LinkRequest[]
  /** Lines for /etc/hosts, and what resolv.conf is to say in place of the host's. */
  readonly extraHosts: readonly string[]
  readonly dns: DnsSettings
  readonly log: LogRequest
  readonly restart: RestartRequest
  /** Absent: it is not asked how well it is. */
  readonly health?: HealthRequest
  readonly autoRemove: boolean
  /** Docker's Mode of mounts, by their targets; others were asked for in another way. */
  readonly mountModes?: Readonly<Record<string, string>>
  /** An end of input does not close the program's stdin (not StdinOnce). */
  readonly keepStdin: boolean
  /** In seconds, between the stop signal and SIGKILL; -1: for ever. */
  readonly stopTimeout?: number
}

/** What was asked for of one network. */
export interface EndpointRequest {
  readonly ip?: string
  readonly ip6?: string
  readonly mac?: string
  readonly aliases: readonly string[]
  /** `NAME:ALIAS`: what others are called here, for this container alone. */
  readonly links?: readonly string[]
  /** Of several networks the one with the highest is the way out; absent: 0. */
  readonly priority?: number
  /** It was connected by a request of its own, and not as it was made. */
  readonly connected?: true
}

/** Docker's links of old, on the default network: what the other one is called and where it is, in /etc/hosts and in the environment. */
export interface LinkRequest {
  /** Id of the other one. */
  readonly of: string
  /** What that was called when the link was made. */
  readonly name: string
  readonly alias: string
}

export interface DnsSettings {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** Absent members: without limit. */
export interface LogRequest {
  readonly driver: 'json-file' | 'local' | 'none'
  /** Bytes of one file. */
  readonly maxSize?: number
  readonly maxFiles?: number
  /** What stands in each entry beside the line: labels and variables by name and by pattern, and a tag, which is a template. */
  readonly labels?: readonly string[]
  readonly labelsPattern?: string
  readonly env?: readonly string[]
  readonly envPattern?: string
  readonly tag?: string
}

export interface RestartRequest {
  readonly policy: 'no' | 'always' | 'on-failure' | 'unless-stopped'
  /** on-failure: how often at most; 0: any. */
  readonly most: number
}

/** A program that is run inside now and then, and says by its exit code whether the container is well. Times in milliseconds. */
export interface HealthRequest {
  readonly argv: readonly string[]
  /** From the end of one to the beginning of the next. */
  readonly interval: number
  readonly timeout: number
  /** As long as it has not been well once, failures within so long after its start do not count, and it is asked in this other interval. */
  readonly startPeriod: number
  readonly startInterval: number
  /** So many failures one behind the other, and it is unhealthy. */
  readonly retries: number
}

/** How it ended, as its shim wrote it (native/PROTOCOL.md, the exit file). */
export interface ExitRecord {
  readonly exitCode: number
  readonly signal: number
  readonly oomKilled: boolean
  readonly startedAt: string
  readonly finishedAt: string
  /** How often an entry of the log was lost, or the log could not be rotated; absent when it never happened. */
  readonly logErrors?: number
}

/** A file of a container that is written before each start. */
export interface GeneratedFile {
  readonly path: string
  readonly content: string
}

const FILE = ref('state.file')

/** The steps that make what an ephemeral container needs on disk, and take it away again when it has ended. */
export function ephemeralState(layout: Layout, record: ContainerRecord): Fragment {
  const { spec } = record
  const steps: Step[] = [
    open(layout.name, ['creat', 'excl', 'wronly'], {
      mode: 0o600,
      keep: 'state.file',
      undo: [unlink(layout.name, { allow: ['ENOENT'] })],
      why: 'The name is taken by making a file of it: of two who try at once the kernel lets one succeed.',
    }),
    write(FILE, spec.id),
    close(FILE),
    mkdir(layout.directory, 0o710, {
      undo: [remove_tree(layout.directory)],
      why: 'The container’s own directory; its undo removes all that is in it by then.',
    }),
    mkdir(layout.overlay, 0o710, {
      undo: [remove_tree(layout.overlay)],
      why: 'Its layer on top of the image’s, which goes with it too.',
    }),
    ...layers(layout),
    ...fileSteps({ path: layout.config, content: JSON.stringify(record) }, 'What it was asked to be, for whoever lists containers.'),
  ]
  return { primitive: 'state', title: `Directories of ${shortId(spec.id)}`, steps: inPhase('prepare', 'host', steps) }
}

const VOLUME = ref('state.volume')

/** Volumes that were made for an ephemeral container go when it goes. They are there already, with what the image has in them. */
export function ownVolumes({ ownVolumes: directories = [] }: ContainerSpec): Fragment[] {
  if (directories.length === 0) return []
  const steps = directories.flatMap((directory) => [
    open(directory, ['rdonly', 'directory'], {
      keep: VOLUME.ref,
      undo: [remove_tree(directory)],
      why: 'A volume without a name belongs to this container alone; from here on the undo of this step removes it.',
    }),
    close(VOLUME),
  ])
  return [{ primitive: 'state', title: 'Volumes of its own', steps: inPhase('prepare', 'host', steps) }]
}

const layers = ({ upper, work, merged }: Layout): Step[] => [
  mkdir(upper, 0o755, { why: 'What the container changes lands here: `diff` is the upper layer.' }),
  mkdir(work, 0o700, {
    why: 'overlayfs prepares files here before it renames them into the upper layer; same file system, so same directory.',
  }),
  mkdir(merged, 0o700, { why: 'Where the layers are joined; only the container’s own mount namespace will ever see something in it.' }),
]

/** hosts, hostname and resolv.conf, written anew at every start. `owner`: who root inside is, where that is not the caller. */
export function generatedFiles(files: readonly GeneratedFile[], owner?: Owner): Fragment {
  const steps = files.flatMap((file) => [
    ...fileSteps(file, 'A file that is different for every container is no file of the image: it is written here and mounted over.'),
    ...(owner ? [chown(file.path, owner.uid, owner.gid, { why: 'Root inside, who may change it, is this user outside.' })] : []),
  ])
  return { primitive: 'state', title: 'hosts, hostname, resolv.conf', steps: inPhase('prepare', 'host', steps) }
}

function fileSteps({ path, content }: GeneratedFile, why: string): Step[] {
  return [open(path, ['creat', 'trunc', 'wronly'], { mode: 0o644, keep: 'state.file', why }), write(FILE, content), close(FILE)]
}

/** Make a container that stays. Throws in Docker's words when the name is taken. */
export function createState(dataRoot: string, record: ContainerRecord): Layout {
  const { id, name } = record.spec
  const layout = layoutOf(dataRoot, id, name)
  takeName(dataRoot, layout, id)
  try {
    mkdirSync(layout.directory, { mode: 0o710 })
    mkdirSync(layout.overlay, { mode: 0o710 })
    makeOverlay(layout)
    writeDurably(layout.config, JSON.stringify(record))
    return layout
  } catch (cause) {
    removeState(layout)
    throw new DrydockError(`the container's directory ${layout.directory} cannot be made: ${(cause as Error).message}`, { cause })
  }
}

/** Throws in Docker's words when somebody has it. */
export function takeName(dataRoot: string, layout: Pick<Layout, 'name'>, id: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      return writeFileSync(layout.name, id, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (attempt > 1 || !forgetName(dataRoot, layout.name)) throw nameTaken(layout.name)
    }
  }
}

/** Remove a name whose container is gone: a crash came between the two. False when the container is there. */
export function forgetName(dataRoot: string, path: string): boolean {
  const holder = textIfReadable(path)
  // Without content somebody is taking it just now.
  if (holder === undefined || holder === '' || textIfReadable(join(dataRoot, 'containers', holder, 'config.json')) !== undefined)
    return false
  rmSync(path, { force: true })
  return true
}

/** The error for a name that somebody has, in Docker's words. */
export function nameTaken(path: string): DrydockError {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return new DrydockError(
    `Conflict. The container name "/${name}" is already in use by container "${textIfReadable(path) ?? ''}". You have to remove (or rename) that container to be able to reuse that name.`,
    { status: 409 },
  )
}

/** Did a plan fail because the name was taken? */
export const isNameTaken = (error: Error | undefined, layout: Layout): boolean =>
  error instanceof StepError &&
  error.errno === 'EEXIST' &&
  error.step.args.some((arg) => arg.kind === 'text' && arg.parts[0] === layout.name)

/** Everything of a container that has ended; its volumes too, if they are its own and `volumes` says so. */
export function removeState(layout: Layout, volumes: readonly string[] = []): void {
  for (const directory of volumes) rmSync(directory, { recursive: true, force: true })
  rmSync(layout.overlay, { recursive: true, force: true })
  // Its shim may be writing down its end at this moment.
  rmSync(layout.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
  rmSync(layout.name, { force: true })
}

export interface StoredContainer {
  readonly record: ContainerRecord
  readonly layout: Layout
  /** Absent while it runs, and when it was never started. */
  readonly exit?: ExitRecord
}

/** All containers, the newest first. A directory whose record is not written yet is not one. */
export function listContainers(dataRoot: string): StoredContainer[] {
  const found = containerIds(dataRoot).flatMap((id) => readContainer(dataRoot, id) ?? [])
  return found.sort((a, b) => (a.record.created < b.record.created ? 1 : -1))
}

/** What begins with a dot is being made or removed (staged.ts). */
const containerIds = (dataRoot: string): string[] => namesIfReadable(join(dataRoot, 'containers')).filter((name) => !name.startsWith('.'))

export function readContainer(dataRoot: string, id: string): StoredContainer | undefined {
  const record = parsed<ContainerRecord>(textIfReadable(join(dataRoot, 'containers', id, 'config.json')))
  if (record?.version !== 1) return undefined
  const layout = layoutOf(dataRoot, id, record.spec.name)
  const exit = parsed<ExitRecord>(textIfReadable(layout.exit))
  return { record, layout, ...(exit && { exit }) }
}

/** By name, by id, or by the beginning of an id, as Docker finds it. Throws `No such container`. */
export function findContainer(dataRoot: string, word: string): StoredContainer {
  const named = /^[\w.-]+$/.test(word) ? textIfReadable(join(dataRoot, 'names', word)) : undefined
  const direct = named && readContainer(dataRoot, named)
  if (direct) return direct
  const ids = /^[0-9a-f]+$/.test(word) ? containerIds(dataRoot).filter((id) => id.startsWith(word)) : []
  if (ids.length > 1) throw new DrydockError(`Multiple IDs found with provided prefix: ${word}`, { status: 400 })
  const found = ids[0] && readContainer(dataRoot, ids[0])
  if (!found) throw new DrydockError(`No such container: ${word}`, { status: 404 })
  return found
}

/** Whole or not at all, also when the power fails. */
export function writeDurably(path: string, content: string): void {
  replaceFile(path, content, { temporary: `${path}.new`, flag: 'w' })
}

function parsed<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T)
  } catch {
    return undefined
  }
}
