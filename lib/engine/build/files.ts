/** The instructions that change files without a program: COPY, ADD, WORKDIR. */
import { wrong } from '../../image/dockerfile/index.js'
import type { ContainerConfig } from '../../image/types.js'
import { DrydockError, sentenceOf } from '../../kernel/errors.js'
import { findImage } from './base.js'
import type { Builder } from './builder.js'
import { bytes, destinationOf, idIn, ownerWords, upTo } from './copy-rules.js'
import { copyItems, directoryArchive, type Owner } from './copying.js'
import { needsBuildKit, type Turn } from './dispatch.js'
import { downloaded } from './downloads.js'
import { type Item, itemsOf, sumOf } from './items.js'
import { Place } from './place.js'
import { inScratch } from './scratch.js'
import { Source } from './source.js'
import { stageNamed } from './stages.js'
import { isUrl } from './web.js'

/** COPY: from the context, or from another image. */
export async function copyFiles(turn: Turn<'copy'>): Promise<void> {
  const { builder, command } = turn
  const { from } = command
  if (from === '') return perform('COPY', turn, { source: builder.source, image: false, keep: false })
  if (command.copying.chmod !== '') throw needsBuildKit('chmod')
  await withImage(builder, from, (source) => perform('COPY', turn, { source, image: true, keep: true }))
}

/** ADD: from the context or the web, and archives taken apart. */
export const addFiles = (turn: Turn<'add'>): Promise<void> =>
  perform('ADD', turn, { source: turn.builder.source, image: false, keep: false })

interface From {
  readonly source: Source | undefined
  /** It is another image, and no context. */
  readonly image: boolean
  /** What is not given to somebody keeps its owner. */
  readonly keep: boolean
}

async function perform(name: 'ADD' | 'COPY', turn: Turn<'add'> | Turn<'copy'>, from: From): Promise<void> {
  const { builder, state, command, replaced } = turn
  const { chmod, ...copying } = command.copying
  if (chmod !== '') throw needsBuildKit('chmod')
  const [sources, word, chown] = [copying.sources.map(replaced), replaced(copying.destination), replaced(copying.chown)]
  await inScratch(builder.context.dataRoot, (downloads) =>
    collecting(builder, downloads.upper, async (web) => {
      const items = await found(name, sources, word, from, web)
      if (items.length > 1 && !word.endsWith('/')) {
        throw wrong(`When using ${name} with more than one source file, the destination must be a directory and end with a /`)
      }
      const owner = chown === '' ? '' : `--chown=${chown}`
      const made = state.noting(`${name} ${owner}${sumOf(items)} in ${word} `, { joined: true })
      if (await builder.hits(state, made)) return
      await intoLayer(builder, turn, { name, items, word, chown, keep: from.keep, made })
    }),
  )
}

type Web = (url: string, destination: string) => Promise<Item>

/** Files of the web are kept in a directory of their own until they are copied. */
async function collecting(builder: Builder, directory: string, use: (web: Web) => Promise<void>): Promise<void> {
  const open: Source[] = []
  try {
    await use(async (url, destination) => {
      const { item, source } = await downloaded(builder, url, destination, `${directory}/${open.length}`)
      open.push(source)
      return item
    })
  } finally {
    for (const source of open) await source.close()
  }
}

async function found(
  name: 'ADD' | 'COPY',
  sources: readonly string[],
  destination: string,
  { source, image }: From,
  web: Web,
): Promise<Item[]> {
  try {
    const items: Item[] = []
    for (const word of sources) {
      if (isUrl(word)) {
        if (name === 'COPY') throw wrong("source can't be a URL for COPY")
        items.push(await web(word, destination))
      } else {
        if (!source) throw wrong('missing build context')
        items.push(...(await itemsOf(source, word, { image })))
      }
    }
    if (items.length === 0) throw wrong('no source files were specified')
    return items
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    throw new DrydockError(`${name} failed: ${sentenceOf(error)}`, { cause: error, status: error.status ?? 500 })
  }
}

interface Copy {
  readonly name: 'ADD' | 'COPY'
  readonly items: readonly Item[]
  readonly word: string
  readonly chown: string
  readonly keep: boolean
  readonly made: ContainerConfig
}

async function intoLayer(
  builder: Builder,
  { state }: Pick<Turn<'add'>, 'state'>,
  { name, items, word, chown, keep, made }: Copy,
): Promise<void> {
  const { context } = builder
  const lowers = builder.layers(state.image)
  const hold = state.image === undefined ? undefined : await context.store.hold(state.image)
  try {
    await inScratch(context.dataRoot, async (layout) => {
      const place = await Place.open(context, layout, lowers)
      try {
        const owner = chown === '' ? (keep ? undefined : { uid: 0, gid: 0 }) : await ownerOf(place, chown)
        const warn = (sentence: string) => context.log('warn', `build: ${name}: ${sentence}`)
        const destination = destinationOf(state.config.WorkingDir ?? '', word)
        await copyItems(place, items, { destination, ...(owner && { owner }), extract: name === 'ADD', warn })
      } finally {
        await place.close()
      }
      await builder.makeImage(state, { layout, lowers, made })
    })
  } finally {
    hold?.lease.release()
  }
}

async function ownerOf(place: Place, chown: string): Promise<Owner> {
  const [user, group] = ownerWords(chown)
  const { passwd, group: groups } = await place.users()
  return { uid: idIn(passwd, user, 'user'), gid: idIn(groups, group, 'group') }
}

/** Of a stage that is done, or of any other image, which is fetched when it is not here. */
async function withImage(builder: Builder, word: string, use: (source: Source) => Promise<void>): Promise<void> {
  const { context, signal } = builder
  let image: string | undefined
  try {
    const stage = stageNamed(builder.done, word)
    image = stage ? stage.image : (await findImage(builder.finding, word)).id
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    throw new DrydockError(`invalid from flag value ${word}: ${sentenceOf(error)}`, { cause: error, status: error.status ?? 500 })
  }
  const hold = image === undefined ? undefined : await context.store.hold(image)
  const source = await Source.open(context, { layers: builder.layers(hold?.image.id) }, signal).catch((error) => {
    hold?.lease.release()
    throw error
  })
  try {
    await use(source)
  } finally {
    await source.close()
    hold?.lease.release()
  }
}

/** WORKDIR: it and all above it, as root's. */
export async function makeDirectory(builder: Builder, container: string, directory: string): Promise<void> {
  const { context } = builder
  const { layout, record } = context.containers.find(container)
  const place = await Place.open(context, layout, record.spec.image.layers)
  try {
    const target = await place.follow(bytes(directory))
    const paths = upTo(target)
    const kinds = await place.kinds(paths)
    const wrongly = kinds.find((kind) => kind !== undefined && kind !== 'directory')
    if (wrongly !== undefined) throw wrong(`Cannot mkdir: ${directory} is not a directory`)
    await place.unpack(directoryArchive(paths.filter((_, index) => kinds[index] === undefined)))
  } finally {
    await place.close()
  }
}
