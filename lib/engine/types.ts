/**
 * What an engine can do, noun by noun, in the Engine API's own documents: lib/api turns requests into these calls and adds nothing but HTTP.
 * Each noun has a file of its own beside this one. Methods fail with a DrydockError whose status is the API's and whose sentence is docker's.
 */
import type { Duplex, Readable } from 'node:stream'
import type { OnProgress } from '../image/progress.js'
import type { BuildsNoun } from './build/types.js'
import type { Filters } from './filters.js'

/** A document of the Engine API, member by member as Docker has it. */
export type Document = Readonly<Record<string, unknown>>

export interface EngineNouns {
  readonly containers: ContainersNoun
  readonly execs: ExecsNoun
  readonly images: ImagesNoun
  readonly builds: BuildsNoun
  readonly networks: NetworksNoun
  readonly volumes: VolumesNoun
  readonly events: EventsNoun
  readonly system: SystemNoun
}

/** The body of POST /containers/create: Config with HostConfig and NetworkingConfig in it. */
export type CreateBody = Document

export interface ContainersNoun {
  /** 404 only for an image that is not there: clients then pull it and try again. */
  create(body: CreateBody, options: { readonly name?: string; readonly platform?: string }): Promise<Created>
  list(options: ListOptions): Promise<Document[]>
  inspect(word: string, options?: { readonly size?: boolean }): Promise<Document>
  /** False: it ran already (304). `detachKeys` replace those of the configuration. */
  start(word: string): Promise<boolean>
  /** Seconds to wait before SIGKILL (-1: for ever); false: it did not run (304). */
  stop(word: string, options?: StopOptions): Promise<boolean>
  restart(word: string, options?: StopOptions): Promise<void>
  /** By name or number, SIGKILL by default. 409 when it does not run. */
  kill(word: string, signal?: string): Promise<void>
  pause(word: string): Promise<void>
  unpause(word: string): Promise<void>
  rename(word: string, name: string): Promise<void>
  update(word: string, body: Document): Promise<{ readonly Warnings: readonly string[] | null }>
  /** Resolves when the waiting is registered, so that nothing which happens from then on is missed; `end` when it is over. */
  wait(word: string, condition: WaitCondition, signal?: AbortSignal): Promise<{ readonly end: Promise<Waited> }>
  attach(word: string, options: AttachOptions): Promise<Attached>
  /** Rows, columns. 409 when it does not run. */
  resize(word: string, rows: number, columns: number): Promise<void>
  remove(word: string, options?: { readonly force?: boolean; readonly volumes?: boolean; readonly link?: boolean }): Promise<void>
  prune(filters: Filters): Promise<{ readonly ContainersDeleted: readonly string[] | null; readonly SpaceReclaimed: number }>
  top(
    word: string,
    psArguments?: string,
  ): Promise<{ readonly Titles: readonly string[]; readonly Processes: readonly (readonly string[])[] }>
  /** One document a second, or one alone; a stopped container has zeros. Ends when the container is removed, or with the signal. */
  stats(
    word: string,
    options: { readonly stream: boolean; readonly oneShot: boolean; readonly signal?: AbortSignal },
  ): AsyncIterable<Document>
  logs(word: string, options: LogOptions): Promise<Logs>
  /** Kind: 0 changed, 1 added, 2 deleted. Null when nothing is. */
  changes(word: string): Promise<readonly { readonly Path: string; readonly Kind: 0 | 1 | 2 }[] | null>
  /** A tar archive of all its files. */
  export(word: string): Promise<Readable>
  /** What is at a path of the container (docker cp). 404 when nothing is. */
  stat(word: string, path: string): Promise<PathStat>
  /** A tar archive of it, whose entries begin with its last name. */
  read(word: string, path: string): Promise<{ readonly stat: PathStat; readonly archive: Readable }>
  /** Unpack an archive (also compressed) into a directory of the container. */
  write(
    word: string,
    path: string,
    archive: Readable,
    options: { readonly noOverwriteDirNonDir: boolean; readonly copyUidGid: boolean },
  ): Promise<void>
}

export interface Created {
  readonly Id: string
  readonly Warnings: readonly string[]
}

export interface ListOptions {
  readonly all: boolean
  /** The last so many, in any state; undefined or less than 1: no limit. */
  readonly limit?: number
  readonly size: boolean
  readonly filters: Filters
}

export interface StopOptions {
  readonly timeout?: number
  readonly signal?: string
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed'

export interface Waited {
  readonly StatusCode: number
  readonly Error?: { readonly Message: string }
}

export interface AttachOptions {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** What is to come; without it only the past (`logs`). */
  readonly stream: boolean
  /** What was printed already comes first. */
  readonly logs: boolean
  /** Docker's words for the keys that leave; '' or absent: those of the engine. They count with a terminal and stdin alone. */
  readonly detachKeys?: string
}

/**
 * The streams of a container or of an exec. What is read from it is what goes to the client: raw with a terminal, else in Docker's framing. What is written is the
 * program's stdin, and its end the end of stdin. The readable side ends after all output; destroying it lets go, and ends nothing.
 */
export interface Attached {
  readonly tty: boolean
  readonly stream: Duplex
  /**
   * Before anything is read of the stream: its output goes into the socket that this process has at this descriptor, past this process, and what is
   * read is only its end. Where that cannot be, all is read as ever. To that socket nothing else may be written until then.
   */
  readonly deliverTo?: (fd: number) => void
}

export interface LogOptions {
  readonly stdout: boolean
  readonly stderr: boolean
  readonly follow: boolean
  /** Moments in nanoseconds since 1970. */
  readonly since?: bigint
  readonly until?: bigint
  readonly timestamps: boolean
  /** Lines from the end; undefined: all. */
  readonly tail?: number
  readonly details: boolean
  readonly signal?: AbortSignal
}

/** Framed as Attached's stream is. */
export interface Logs {
  readonly tty: boolean
  readonly stream: Readable
}

/** What X-Docker-Container-Path-Stat tells; `mode` in the bits of Go's FileMode. */
export interface PathStat {
  readonly name: string
  readonly size: number
  readonly mode: number
  /** RFC 3339. */
  readonly mtime: string
  readonly linkTarget: string
}

export interface ExecsNoun {
  /** 409 when the container does not run, or is paused. */
  create(container: string, body: Document): Promise<{ readonly Id: string }>
  /** Its streams; undefined when it goes on alone (`Detach`). 409 when it was started before. Failures to execute are as those of a container's start. */
  start(
    id: string,
    body: { readonly Detach?: boolean; readonly Tty?: boolean; readonly ConsoleSize?: readonly [number, number] | null },
  ): Promise<Attached | undefined>
  /** Held until the program runs. */
  resize(id: string, rows: number, columns: number): Promise<void>
  /** `ExitCode` is final before the stream of start ends. */
  inspect(id: string): Promise<Document>
}

/** Tells progress by `onProgress`; a failure before the first line is a status, one after it is an error in the stream: that is the API's affair. */
export interface Transfer {
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
  /** Decoded from X-Registry-Auth; absent: what is known here. */
  readonly auth?: RegistryAuth
}

export interface RegistryAuth {
  readonly username?: string
  readonly password?: string
  readonly identitytoken?: string
  readonly registrytoken?: string
  readonly serveraddress?: string
}

export interface ImagesNoun {
  list(options: {
    readonly all: boolean
    readonly digests: boolean
    readonly sharedSize: boolean
    readonly filters: Filters
  }): Promise<Document[]>
  inspect(name: string): Promise<Document>
  history(name: string): Promise<Document[]>
  pull(
    request: { readonly image: string; readonly tag?: string; readonly platform?: string; readonly all?: boolean },
    transfer: Transfer,
  ): Promise<void>
  /** Resolves with what the last line's `aux` tells. */
  push(name: string, request: { readonly tag?: string; readonly all?: boolean }, transfer: Transfer): Promise<Document | undefined>
  /** The id of what was made. `source`: `-` is the body, else a URL. */
  import(
    source: string,
    body: Readable,
    request: {
      readonly repo?: string
      readonly tag?: string
      readonly message?: string
      readonly changes: readonly string[]
      readonly platform?: string
    },
    transfer: Transfer,
  ): Promise<string>
  tag(name: string, repo: string, tag: string): Promise<void>
  remove(
    name: string,
    options: { readonly force: boolean; readonly prune: boolean },
  ): Promise<readonly ({ readonly Untagged: string } | { readonly Deleted: string })[]>
  /** A tar archive of images; all that are named share their layers in it. */
  save(names: readonly string[]): Promise<Readable>
  /** `say` gets docker's lines: `Loaded image: …`. */
  load(
    archive: Readable,
    options: {
      readonly quiet: boolean
      readonly say: (line: string) => void
      readonly onProgress: OnProgress
      readonly signal: AbortSignal
    },
  ): Promise<void>
  prune(filters: Filters): Promise<{ readonly ImagesDeleted: readonly Document[] | null; readonly SpaceReclaimed: number }>
  commit(request: CommitRequest): Promise<{ readonly Id: string }>
  search(term: string, options: { readonly limit?: number; readonly filters: Filters; readonly auth?: RegistryAuth }): Promise<Document[]>
  /** GET /distribution/NAME/json. */
  distribution(name: string, auth?: RegistryAuth): Promise<Document>
}

export interface CommitRequest {
  readonly container: string
  readonly repo?: string
  readonly tag?: string
  readonly comment?: string
  readonly author?: string
  readonly pause: boolean
  readonly changes: readonly string[]
  /** A Config that replaces members of the container's. */
  readonly config?: Document
}

export interface NetworksNoun {
  list(filters: Filters): Promise<Document[]>
  inspect(word: string, options?: { readonly verbose?: boolean; readonly scope?: string }): Promise<Document>
  create(body: Document): Promise<{ readonly Id: string; readonly Warning: string }>
  remove(word: string): Promise<void>
  connect(word: string, body: Document): Promise<void>
  disconnect(word: string, body: Document): Promise<void>
  prune(filters: Filters): Promise<{ readonly NetworksDeleted: readonly string[] | null }>
}

export interface VolumesNoun {
  list(filters: Filters): Promise<{ readonly Volumes: readonly Document[]; readonly Warnings: readonly string[] | null }>
  inspect(name: string): Promise<Document>
  create(body: Document): Promise<Document>
  remove(name: string, options: { readonly force: boolean }): Promise<void>
  /** `all`: named ones too (before API 1.42). */
  prune(
    filters: Filters,
    options: { readonly all: boolean },
  ): Promise<{ readonly VolumesDeleted: readonly string[] | null; readonly SpaceReclaimed: number }>
}

/** One thing that happened; Engine API 1.47, EventMessage. Container events carry the old `status`, `id` and `from` too. */
export interface EngineEvent {
  readonly Type: 'container' | 'image' | 'network' | 'volume' | 'daemon' | 'builder'
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> }
  readonly scope: 'local'
  readonly time: number
  readonly timeNano: number
  readonly status?: string
  readonly id?: string
  readonly from?: string
}

export interface EventsNoun {
  /** Those of the past since `since` (nanoseconds since 1970) that are still known, then those to come; ends at `until` or with the signal. */
  stream(options: {
    readonly since?: bigint
    readonly until?: bigint
    readonly filters: Filters
    readonly signal: AbortSignal
  }): AsyncIterable<EngineEvent>
}

export interface SystemNoun {
  version(): Promise<Document>
  info(): Promise<Document>
  /** `types`: container, image, volume, build-cache; empty: all. */
  diskUsage(types: readonly string[]): Promise<Document>
  /** POST /auth. */
  login(auth: RegistryAuth): Promise<{ readonly Status: string; readonly IdentityToken: string }>
}
