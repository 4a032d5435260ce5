/** What a build is asked for, and whom it tells what it does. */
import type { OnProgress } from '../../image/progress.js'
import type { Document, RegistryAuth } from '../types.js'
import type { GivenArguments } from './arguments.js'

/** Engine API 1.47, ImageBuild. */
export interface BuildRequest {
  /** Names for the image, as they were given. */
  readonly tags: readonly string[]
  /** Its path in the context; `Dockerfile` when nothing is said. */
  readonly dockerfile?: string
  /** An address where the context is, in place of the body. */
  readonly remote?: string
  readonly target?: string
  readonly platform?: string
  readonly buildArgs: GivenArguments
  readonly labels: Readonly<Record<string, string>>
  readonly cacheFrom: readonly string[]
  readonly noCache: boolean
  readonly pull: boolean
  /** Remove the containers of instructions that went well; with `forceRemove` those of others too. */
  readonly remove: boolean
  readonly forceRemove: boolean
  /** HostConfig of each container. */
  readonly hostConfig: Document
  /** By the registry's name, decoded from X-Registry-Config. Absent: what is known here. */
  readonly auths?: Readonly<Record<string, RegistryAuth>>
}

/** The lines that a build is known by; who shows them decides how. */
export interface BuildOutput {
  /** Resolves when more can be taken. */
  say(text: string): Promise<void> | undefined
  /** What a program has said on its standard error, and warnings. */
  complain(text: string): Promise<void> | undefined
  onProgress: OnProgress
  /** An id of a stage's image. */
  tell(aux: Document): void
  readonly signal: AbortSignal
}

export interface BuildsNoun {
  /** The id of the image. `context`: an archive, in any compression that docker knows. */
  build(request: BuildRequest, context: AsyncIterable<Uint8Array>, output: BuildOutput): Promise<string>
  /** There is no cache beside the images. */
  prune(): Promise<{ readonly CachesDeleted: readonly string[] | null; readonly SpaceReclaimed: number }>
}
