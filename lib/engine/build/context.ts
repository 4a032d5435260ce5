/** What a build is given: its context unpacked, and its Dockerfile. */

import type { Layout } from '../../container/index.js'
import { Ignore, readIgnore } from '../../image/dockerfile/index.js'
import { DrydockError } from '../../kernel/errors.js'
import type { EngineContext } from '../context.js'
import { layersOf } from '../request/image.js'
import { sourcePath } from './copy-rules.js'
import { Place } from './place.js'
import { Source } from './source.js'

export const USUAL_NAME = 'Dockerfile'

/** Bytes. A Dockerfile is written by hand. */
const LONGEST = 8 * 1024 * 1024

export interface Given {
  readonly source: Source
  /** The text. */
  readonly dockerfile: string
  /** Where it is, as it is said of what is wrong with it. */
  readonly name: string
}

/** The archive's files, in a layout of the build's own. What .dockerignore says of itself and of the Dockerfile is done here: whoever sends them needs them. */
export async function receive(
  context: EngineContext,
  layout: Layout,
  archive: AsyncIterable<Uint8Array>,
  { dockerfile, signal }: { readonly dockerfile: string; readonly signal: AbortSignal },
): Promise<Given> {
  const place = await Place.open(context, layout, layersOf([], context.dataRoot))
  try {
    await place.unpack(archive)
  } finally {
    await place.close()
  }
  const source = await Source.open(context, { directory: layout.upper }, signal)
  try {
    const { text, name } = await dockerfileIn(source, dockerfile)
    const unwanted = await ignored(source, name)
    if (unwanted.length === 0) return { source, dockerfile: text, name }
    await source.close()
    await take(context, layout, unwanted)
    return { source: await Source.open(context, { directory: layout.upper }, signal), dockerfile: text, name }
  } catch (error) {
    await source.close()
    throw error
  }
}

async function dockerfileIn(source: Source, asked: string): Promise<{ readonly text: string; readonly name: string }> {
  const names = asked === USUAL_NAME ? [asked, asked.toLowerCase()] : [asked]
  for (const name of names) {
    const text = await textOf(source, name)
    if (text !== undefined) return { text, name }
  }
  throw new DrydockError(`Cannot locate specified Dockerfile: ${asked}`, { status: 400 })
}

/** Undefined: nothing is there. */
async function textOf(source: Source, name: string): Promise<string | undefined> {
  const node = await source.find(sourcePath(name))
  if (!node) return undefined
  if (node.kind !== 'file') throw new DrydockError(`${name} is no file`, { status: 400 })
  if (node.size > LONGEST) throw new DrydockError(`${name} has more than ${LONGEST} bytes`, { status: 400 })
  const parts: Buffer[] = []
  for await (const bytes of source.read(node)) parts.push(Buffer.from(bytes))
  return Buffer.concat(parts).toString()
}

const IGNORE_FILE = '.dockerignore'

async function ignored(source: Source, dockerfile: string): Promise<string[]> {
  const text = await textOf(source, IGNORE_FILE)
  if (text === undefined) return []
  const ignore = new Ignore(readIgnore(text))
  return [IGNORE_FILE, dockerfile].filter((name) => ignore.ignores(sourcePath(name)))
}

async function take(context: EngineContext, layout: Layout, names: readonly string[]): Promise<void> {
  const place = await Place.open(context, layout, layersOf([], context.dataRoot))
  try {
    for (const name of names) await place.remove(`/${sourcePath(name)}`)
  } finally {
    await place.close()
  }
}
