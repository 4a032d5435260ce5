/** `drydock inspect`: all about containers, images, networks and volumes, as docker's JSON or by a template. */
import { Command } from 'commander'
import { findContainer } from '../container/index.js'
import { imageDocument } from '../engine/documents/index.js'
import { Store } from '../image/store/index.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { dataRoot } from '../kernel/places.js'
import { compile, goJson } from './format/index.js'
import { documentOf, volumeDocumentOf } from './inspect-documents.js'
import { withMaps } from './maps.js'
import { documentOf as networkDocumentOf } from './network.js'
import { parseVerb } from './verb.js'

interface Options {
  readonly format?: string
  readonly size: boolean
  readonly type?: string
}

/** Throws, with status 404, when there is none of that name. */
type Finder = (word: string, options: { readonly root: string; readonly size: boolean }) => Promise<object>

/** In the order in which docker looks. */
const FINDERS: Readonly<Record<string, Finder>> = {
  container: async (word, { root, size }) => documentOf(findContainer(root, word), root, size),
  image: async (word, { root }) => imageDocument(await new Store(root).find(word)),
  network: async (word, { root }) => networkDocumentOf(word, root),
  volume: async (word, { root }) => volumeDocumentOf(word, root),
}

export async function inspect(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock inspect')
    .description('Show all about containers, images, networks and volumes.')
    .argument('<name...>', 'names or ids')
    .usage('[OPTIONS] NAME|ID [NAME|ID...]')
    .option('-f, --format <format>', 'json, or a Go template: {{json .Config}}')
    .option('-s, --size', 'of containers also how large they are', false)
    .option('--type <type>', `only ${Object.keys(FINDERS).join(', ')}`)
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const { format, size, type } = parsed.options
  if (type === undefined) return show(parsed.args, format, (word) => findAny(word, size))
  const finder = Object.hasOwn(FINDERS, type) ? FINDERS[type] : undefined
  if (!finder) {
    const known = Object.keys(FINDERS).map((name) => `"${name}"`)
    throw new DrydockError(`unknown type: "${type}": must be one of ${known.join(', ')}`, { status: 400 })
  }
  return show(parsed.args, format, (word) => finder(word, { root: dataRoot(), size }))
}

/** `drydock image inspect` */
export async function inspectImages(argv: readonly string[]): Promise<number> {
  const command = new Command('drydock image inspect')
    .description('Show all about images.')
    .argument('<image...>', 'names or ids')
    .usage('[OPTIONS] IMAGE [IMAGE...]')
    .option('-f, --format <format>', 'json, or a Go template: {{json .Config}}')
  const parsed = parseVerb<Options>(command, argv)
  if ('status' in parsed) return parsed.status
  const finder = FINDERS.image as Finder
  return show(parsed.args, parsed.options.format, (word) => finder(word, { root: dataRoot(), size: false }))
}

async function findAny(word: string, size: boolean): Promise<object> {
  for (const finder of Object.values(FINDERS)) {
    try {
      return await finder(word, { root: dataRoot(), size })
    } catch (error) {
      // What cannot be a name of one kind may be one of another.
      if (!(error instanceof DrydockError) || (error.status !== 404 && error.status !== 400)) throw error
    }
  }
  throw new DrydockError(`No such object: ${word}`, { status: 404 })
}

/** Those that there are, and then a sentence for each of the others. */
async function show(words: readonly string[], format: string | undefined, find: (word: string) => Promise<object>): Promise<number> {
  const fill = format === undefined || format === 'json' ? undefined : compile(format)
  const found: object[] = []
  const complaints: string[] = []
  for (const word of words) {
    try {
      found.push(withMaps(await find(word)))
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      complaints.push(`drydock: ${sentenceOf(error)}\n`)
    }
  }
  if (fill) process.stdout.write(found.map((one) => `${fill(one)}\n`).join(''))
  else process.stdout.write(`${format === 'json' ? goJson(found) : goJson(found, '    ')}\n`)
  process.stderr.write(complaints.join(''))
  return complaints.length > 0 ? 1 : 0
}
