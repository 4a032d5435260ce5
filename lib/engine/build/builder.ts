/** One build: its images and containers, and what every instruction needs of them. dispatch.ts says what each does. */
import { StringDecoder } from 'node:string_decoder'
import { shortId } from '../../container/index.js'
import { shortDigest } from '../../image/store/index.js'
import type { ContainerConfig, Digest } from '../../image/types.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { unframe } from '../../kernel/unframe.js'
import type { EngineContext } from '../context.js'
import { layersOf } from '../request/image.js'
import type { ContainersNoun, CreateBody, Created, ImagesNoun } from '../types.js'
import type { Finding } from './base.js'
import type { Cache } from './cache.js'
import { commitStep } from './commit.js'
import { CommandFailed } from './failure.js'
import type { Source } from './source.js'
import type { StageState } from './stage.js'
import type { BuildOutput, BuildRequest } from './types.js'

export interface BuilderNouns {
  readonly containers: Pick<ContainersNoun, 'attach' | 'start' | 'wait' | 'kill' | 'remove'>
  readonly images: Pick<ImagesNoun, 'pull'>
  /** Without an image it is made of nothing. */
  create(body: CreateBody): Promise<Created>
}

/** A stage that is done: its name, and its image. */
export interface Done {
  readonly name: string
  readonly image: Digest | undefined
}

export class Builder {
  /** Stages that are done, in order. */
  readonly done: Done[] = []
  /** Ids of containers that are still to be removed. */
  readonly #containers = new Set<string>()

  constructor(
    readonly context: EngineContext,
    readonly nouns: BuilderNouns,
    readonly request: BuildRequest,
    readonly output: BuildOutput,
    readonly cache: Cache,
    /** Absent: the build has no context. */
    readonly source: Source | undefined,
    /** Its images, which nobody takes away while it lasts. */
    readonly images: Set<Digest>,
  ) {}

  get signal(): AbortSignal {
    return this.output.signal
  }

  /** What images that are named are looked for with. */
  get finding(): Finding {
    const { context, nouns, request, output } = this
    return { context, images: nouns.images, request, output }
  }

  /** Directories of the image at hand, the top one first. */
  layers(image: Digest | undefined): readonly string[] {
    const { store, dataRoot } = this.context
    const chains = image === undefined ? [] : (store.records.get(image)?.layers ?? [])
    return layersOf(chains.map(({ chainId }) => store.layers.directory(chainId)).reverse(), dataRoot)
  }

  /** It stays until the build ends. False: it was gone already. */
  hold(image: Digest): boolean {
    this.images.add(image)
    return this.context.store.records.get(image) !== undefined
  }

  /** Is the instruction's image there already? Then it is the stage's. */
  async hits(state: StageState, made: ContainerConfig): Promise<boolean> {
    const found = await this.cache.find(state.image, made)
    if (found === undefined || !this.hold(found)) return false
    this.output.say(' ---> Using cache\n')
    state.image = found
    return true
  }

  /** An instruction that runs nothing. It has a container all the same, in which `act` may change files. */
  async note(
    state: StageState,
    comment: string,
    { joined = false, act }: { readonly joined?: boolean; readonly act?: (container: string) => Promise<void> } = {},
  ): Promise<void> {
    const made = state.noting(comment, { joined })
    if (await this.hits(state, made)) return
    const id = await this.create(state, made)
    await act?.(id)
    const told = { ...made, Hostname: shortId(id), Labels: made.Labels ?? {} }
    await this.commit(state, id, told, { changed: act !== undefined })
  }

  async create(state: StageState, config: ContainerConfig): Promise<string> {
    this.signal.throwIfAborted()
    const { Id, Warnings } = await this.nouns.create({
      ...config,
      // Nobody asks how a container is that runs one command.
      Healthcheck: { Test: ['NONE'] },
      OnBuild: null,
      Image: state.image ?? '',
      HostConfig: { ...this.request.hostConfig, LogConfig: { Type: 'none' } },
    })
    this.#containers.add(Id)
    for (const warning of Warnings) this.output.say(` ---> [Warning] ${warning}\n`)
    this.output.say(` ---> Running in ${shortId(Id)}\n`)
    return Id
  }

  /** To its end. Throws for one that does not end well. */
  async run(id: string, command: readonly string[]): Promise<void> {
    const { containers } = this.nouns
    const { stream } = await containers.attach(id, { stdin: false, stdout: true, stderr: true, stream: true, logs: false })
    const kill = () => void containers.kill(id).catch(() => undefined)
    this.signal.addEventListener('abort', kill, { once: true })
    try {
      const told = this.#tell(stream)
      told.catch(() => undefined)
      await containers.start(id)
      if (this.signal.aborted) kill()
      await told
      const { end } = await containers.wait(id, 'not-running')
      const { StatusCode } = await end
      this.signal.throwIfAborted()
      if (StatusCode !== 0) throw new CommandFailed(command, StatusCode)
    } finally {
      this.signal.removeEventListener('abort', kill)
      stream.destroy()
    }
  }

  /** What a character is may come in two pieces. */
  #tell(stream: Parameters<typeof unframe>[0]): Promise<void> {
    const decoders = { out: new StringDecoder(), err: new StringDecoder() }
    const say = (text: string) => (text === '' ? undefined : this.output.say(text))
    const complain = (text: string) => (text === '' ? undefined : this.output.complain(text))
    return unframe(stream, {
      stdout: (bytes) => say(decoders.out.write(Buffer.from(bytes))),
      stderr: (bytes) => complain(decoders.err.write(Buffer.from(bytes))),
    })
  }

  /** What a container has become is the stage's image. */
  async commit(
    state: StageState,
    id: string,
    made: ContainerConfig,
    { changed = true }: { readonly changed?: boolean } = {},
  ): Promise<void> {
    const { layout, record } = this.context.containers.find(id)
    await this.makeImage(state, { ...(changed && { layout }), lowers: record.spec.image.layers, made, container: id })
  }

  /** A layer is the stage's image. */
  async makeImage(
    state: StageState,
    step: Omit<Parameters<typeof commitStep>[1], 'parent' | 'config' | 'author' | 'platform' | 'onImage'>,
  ): Promise<void> {
    const { platform } = this.request
    state.image = await commitStep(
      this.context,
      {
        ...step,
        made: { ...step.made, Image: state.image ?? '' },
        parent: state.image,
        config: { ...state.config, Image: state.image ?? '' },
        author: state.author,
        onImage: (id) => void this.images.add(id),
        ...(platform && { platform }),
      },
      this.signal,
    )
  }

  /** After an instruction: its container goes if it has done what it should, or if all are to go. */
  async clear({ failed }: { readonly failed: boolean }): Promise<void> {
    const { remove, forceRemove } = this.request
    const gone = this.signal.aborted
    if (!gone && !forceRemove && (failed || !remove)) {
      this.#containers.clear()
      return
    }
    for (const id of this.#containers) {
      this.#containers.delete(id)
      try {
        await this.nouns.containers.remove(id, { force: true, volumes: true })
        if (!gone) this.output.say(`Removing intermediate container ${shortId(id)}\n`)
      } catch (error) {
        // Somebody else may have taken it away.
        if (error instanceof DrydockError && error.status === 404) continue
        this.output.say(`Error removing intermediate container ${shortId(id)}: ${sentenceOf(error)}\n`)
      }
    }
  }

  /** ` ---> 3f2a9c1b77de`, and without an image nothing behind the arrow. */
  tellImage({ image }: StageState): void {
    this.output.say(` ---> ${image === undefined ? '' : shortDigest(image)}\n`)
  }
}
