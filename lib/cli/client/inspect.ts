/** `drydock inspect`, and the same of each group: all about something, as docker's JSON or by a template. */
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import type { Engine } from '../engine/client.js'
import { GoCommand } from '../flags.js'
import { goJson } from '../format/index.js'
import { withMaps } from '../maps.js'
import { templateOf } from './template.js'
import { type ClientVerb, verb } from './verb.js'

interface Flags {
  readonly format?: string
  readonly size?: boolean
  readonly type?: string
  readonly verbose?: boolean
}

/** Fails with status 404 when there is none of that name. */
type Find = (engine: Engine, word: string, flags: Flags) => Promise<object>

const FINDERS: Readonly<Record<string, Find>> = {
  container: (engine, word, { size }) => engine.ask(engine.container(word).inspect((size ? { size: true } : {}) as object)),
  image: (engine, word) => engine.ask(engine.image(word).inspect()),
  network: (engine, word, { verbose }) =>
    engine.ask(engine.network(word).inspect((verbose ? { verbose: true } : {}) as never) as unknown as Promise<object>),
  volume: (engine, word) => engine.ask(engine.volume(word).inspect()),
}

const FORMAT = ['-f, --format <format>', 'json, or a Go template: {{json .Config}}'] as const

export const inspect = verb<Flags>(
  (path) =>
    new GoCommand(path)
      .description('Show all about containers, images, networks and volumes.')
      .usage('[OPTIONS] NAME|ID [NAME|ID...]')
      .argument('<object...>', 'names or ids')
      .option(...FORMAT)
      .option('-s, --size', 'of containers also how large they are')
      .option('--type <type>', `only ${Object.keys(FINDERS).join(', ')}`),
  async ({ options, args, engine }) => {
    const { type } = options
    if (type === undefined) return show(await engine(), args, options, findAny)
    const find = Object.hasOwn(FINDERS, type) ? FINDERS[type] : undefined
    if (!find) {
      const known = Object.keys(FINDERS).map((kind) => `"${kind}"`)
      throw new DrydockError(`unknown type: "${type}": must be one of ${known.join(', ')}`, { status: 400 })
    }
    return show(await engine(), args, options, find)
  },
)

const ofGroup = (kind: string, more: (command: GoCommand) => GoCommand = (command) => command): ClientVerb =>
  verb<Flags>(
    (path) =>
      more(
        new GoCommand(path)
          .description(`Show all about ${kind}s.`)
          .usage(`[OPTIONS] ${kind.toUpperCase()} [${kind.toUpperCase()}...]`)
          .argument(`<${kind}...>`, 'names or ids')
          .option(...FORMAT),
      ),
    async ({ options, args, engine }) => show(await engine(), args, options, FINDERS[kind] as Find),
  )

export const inspectContainers = ofGroup('container', (command) => command.option('-s, --size', 'also how large they are'))
export const inspectImages = ofGroup('image')
export const inspectNetworks = ofGroup('network', (command) => command.option('-v, --verbose', 'for finding faults'))
export const inspectVolumes = ofGroup('volume')

/** In the order in which docker looks. */
async function findAny(engine: Engine, word: string, flags: Flags): Promise<object> {
  for (const find of Object.values(FINDERS)) {
    try {
      return await find(engine, word, flags)
    } catch (error) {
      // What cannot be a name of one kind may be one of another.
      if (!(error instanceof DrydockError) || (error.status !== 404 && error.status !== 400)) throw error
    }
  }
  throw new DrydockError(`Error: No such object: ${word}`, { status: 404 })
}

/** Those that there are, and then a sentence for each of the others. */
async function show(engine: Engine, words: readonly string[], flags: Flags, find: Find): Promise<number> {
  const { format } = flags
  const fill = format === undefined || format === 'json' ? undefined : templateOf(format)
  const found: object[] = []
  const complaints: string[] = []
  for (const word of words) {
    try {
      found.push(withMaps(await find(engine, word, flags)))
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      complaints.push(`${sentenceOf(error)}\n`)
    }
  }
  if (fill) process.stdout.write(found.length > 0 ? found.map((one) => `${fill(one)}\n`).join('') : '\n')
  else process.stdout.write(`${format === 'json' ? goJson(found) : goJson(found, '    ')}\n`)
  process.stderr.write(complaints.join(''))
  return complaints.length > 0 ? 1 : 0
}
