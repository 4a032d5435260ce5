/**
 * Builds, as the classic builder of docker makes them: a loop of run and commit.
 *
 *     index.ts       a build from its request to the names of its image        types.ts   what it is asked for
 *     context.ts     what a client has sent, unpacked; web.ts what is fetched; scratch.ts where both are meanwhile
 *     builder.ts     one build: run, commit, remove; commit.ts a step's image; cache.ts one that is there already
 *     dispatch.ts    what each instruction does: stage.ts what it changes, arguments.ts build arguments, quote.ts its words in the history
 *     files.ts       COPY, ADD, WORKDIR: items.ts what is copied, checksum.ts known by what, copying.ts by which rules (copy-rules.ts)
 *     source.ts place.ts   the processes that read from a tree and write into a layer, confined to it
 *
 * Dockerfiles themselves are read in lib/image/dockerfile.
 */
import { type Dockerfile, expand, parseDockerfile, type Stage, variablesOf, wrong } from '../../image/dockerfile/index.js'
import { parsePlatform } from '../../image/platform.js'
import { canonical, familiar, parseReference, type Reference, withDefaultTag } from '../../image/reference.js'
import { shortDigest } from '../../image/store/index.js'
import { tagImage } from '../../image/tag.js'
import type { Digest } from '../../image/types.js'
import { sentenceOf } from '../../kernel/errors.js'
import type { EngineContext } from '../context.js'
import { publishImage } from '../image/events.js'
import { BuildArguments } from './arguments.js'
import { type Found, findImage } from './base.js'
import { Builder, type BuilderNouns } from './builder.js'
import { Cache } from './cache.js'
import { receive, USUAL_NAME } from './context.js'
import { dispatch, dispatchTriggers } from './dispatch.js'
import { withRemote } from './remote.js'
import { inScratch } from './scratch.js'
import { StageState } from './stage.js'
import { stageByName } from './stages.js'
import type { BuildOutput, BuildRequest, BuildsNoun } from './types.js'

export type { BuildOutput, BuildRequest, BuildsNoun } from './types.js'

export function buildsOf(context: EngineContext, nouns: BuilderNouns): BuildsNoun {
  return {
    build: (request, archive, output) => build(context, nouns, request, archive, output),
    async prune() {
      context.events.publish({ Type: 'builder', Action: 'prune', ID: '', Attributes: { reclaimed: '0' } })
      return { CachesDeleted: null, SpaceReclaimed: 0 }
    },
  }
}

async function build(
  context: EngineContext,
  nouns: BuilderNouns,
  request: BuildRequest,
  archive: AsyncIterable<Uint8Array>,
  output: BuildOutput,
): Promise<string> {
  const tags = tagsOf(request.tags)
  if (request.platform) parsePlatform(request.platform)
  const images = new Set<Digest>()
  context.building.add(images)
  try {
    const image = await imageOf({ context, nouns, request, output, images }, archive)
    output.say(`Successfully built ${shortDigest(image)}\n`)
    for (const tag of tags) {
      await tagImage(context.store, image, canonical(tag))
      await publishImage(context, 'tag', image, { name: familiar(tag) })
      output.say(`Successfully tagged ${familiar(tag)}\n`)
    }
    return image
  } finally {
    context.building.delete(images)
  }
}

interface Build {
  readonly context: EngineContext
  readonly nouns: BuilderNouns
  readonly request: BuildRequest
  readonly output: BuildOutput
  /** Those that it goes on with. */
  readonly images: Set<Digest>
}

function imageOf(one: Build, archive: AsyncIterable<Uint8Array>): Promise<Digest> {
  const { context, request, output } = one
  const asked = { dockerfile: request.dockerfile || USUAL_NAME, signal: output.signal }
  return inScratch(context.dataRoot, async (layout) =>
    withRemote(request.remote, archive, output, async ({ dockerfile, context: sent }) => {
      if (dockerfile !== undefined) return inContext(one, { dockerfile, name: USUAL_NAME })
      const given = await receive(context, layout, sent, asked)
      try {
        return await inContext(one, given)
      } finally {
        await given.source.close()
      }
    }),
  )
}

/** Each once. */
function tagsOf(words: readonly string[]): Reference[] {
  const tags = words.map((word) => {
    const reference = parseReference(word)
    if (reference.digest !== undefined) throw wrong('build tag cannot contain a digest')
    return withDefaultTag(reference)
  })
  return [...new Map(tags.map((tag) => [canonical(tag), tag])).values()]
}

interface Given {
  readonly source?: Builder['source']
  readonly dockerfile: string
  readonly name: string
}

async function inContext({ context, nouns, request, output, images }: Build, { source, dockerfile, name }: Given): Promise<Digest> {
  const parsed = parseDockerfile(dockerfile, name)
  const stages = stagesFor(parsed, request)
  if (parsed.warnings.length > 0) output.complain(`${parsed.warnings.join('\n')}\n`)
  const cache = await Cache.open(context.store, request.cacheFrom, request.noCache)
  const builder = new Builder(context, nouns, request, output, cache, source, images)
  const state = await allStages(builder, parsed, stages)
  if (state?.image === undefined) throw wrong('No image was generated. Is your Dockerfile empty?')
  return state.image
}

/** Up to the one that is wanted; the last one has the labels that were asked for. */
function stagesFor({ stages }: Dockerfile, { target = '', labels }: BuildRequest): readonly Stage[] {
  const index = target === '' ? stages.length - 1 : stages.findIndex(({ name }) => name !== '' && name === target.toLowerCase())
  if (index < 0 && target !== '') throw wrong(`failed to reach build target ${target} in Dockerfile`)
  const wanted = stages.slice(0, index + 1)
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  const commands = pairs.map(
    ([name, value]) => ({ kind: 'label', code: `LABEL ${name}=${value}`, pairs: [{ name, value }], literally: true }) as const,
  )
  return wanted.map((stage, at) => (at === index ? { ...stage, commands: [...stage.commands, ...commands] } : stage))
}

async function allStages(builder: Builder, { meta, token }: Dockerfile, stages: readonly Stage[]): Promise<StageState | undefined> {
  const { output, request } = builder
  const all = meta.length + stages.reduce((sum, { commands }) => sum + 1 + commands.length, 0)
  let step = 0
  // In two pieces, as docker tells it.
  const tell = (code: string) => {
    output.say(`Step ${++step}/${all} : ${code}`)
    output.say('\n')
  }
  const args = new BuildArguments(request.buildArgs)
  for (const { code, args: pairs } of meta) {
    tell(code)
    const variables = variablesOf(args.allowed([]))
    for (const { name, value } of pairs) args.allowMeta(name, value === undefined ? undefined : expand(value, token, variables))
  }
  let state: StageState | undefined
  for (const stage of stages) {
    if (stage.name !== '' && stageByName(builder.done, stage.name)) throw wrong(`${stage.name} stage name already used`)
    builder.cache.reset()
    tell(stage.code)
    state = await beginStage(builder, stage, args, token)
    builder.tellImage(state)
    for (const command of stage.commands) {
      output.signal.throwIfAborted()
      tell(command.code)
      await dispatch(builder, state, command, token)
      builder.tellImage(state)
    }
    if (state.image !== undefined) output.tell({ ID: state.image })
    builder.done.push({ name: stage.name, image: state.image })
  }
  const unused = args.unused()
  if (unused.length > 0) output.say(`[Warning] One or more build-args [${unused.join(' ')}] were not consumed\n`)
  return state
}

async function beginStage(builder: Builder, stage: Stage, args: BuildArguments, token: string): Promise<StageState> {
  const variables = variablesOf(args.meta())
  const platform = platformOf(expand(stage.platform, token, variables))
  const word = expand(stage.base, token, variables)
  if (word === '') throw wrong(`base name (${stage.base}) should not be blank`)
  const state = new StageState(await baseOf(builder, word, platform), args.nextStage())
  await dispatchTriggers(builder, state)
  return state
}

function platformOf(word: string): string {
  if (word === '') return ''
  try {
    parsePlatform(word)
    return word
  } catch (error) {
    throw wrong(`failed to parse platform ${word}: ${sentenceOf(error)}`)
  }
}

const NOTHING = 'scratch'

async function baseOf(builder: Builder, word: string, platform: string): Promise<Found | undefined> {
  const stage = stageByName(builder.done, word)
  if (word === NOTHING || (stage && stage.image === undefined)) return undefined
  const found = () => findImage(builder.finding, stage?.image ?? word, stage ? { own: true } : { platform })
  const first = await found()
  if (builder.hold(first.id)) return first
  // Taken away in this very moment: then what is to be had now.
  const second = await found()
  builder.hold(second.id)
  return second
}
