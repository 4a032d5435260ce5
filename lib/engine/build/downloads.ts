/** A file of the web for ADD: readable for root alone, and as old as its server says. */
import { createWriteStream, mkdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DrydockError } from '../../kernel/errors.js'
import { counted } from '../download.js'
import type { Builder } from './builder.js'
import { bytes } from './copy-rules.js'
import { type Item, itemsOf } from './items.js'
import { Source } from './source.js'
import { fetched } from './web.js'

/** What a file is called here that nobody has named; it is called otherwise where it goes. */
const NAMELESS = '__unnamed__'

/** `directory`: of its own, to be made. */
export async function downloaded(
  { context, output, signal }: Builder,
  url: string,
  destination: string,
  directory: string,
): Promise<{ readonly item: Item; readonly source: Source }> {
  const name = await fetched(url, signal, async (found) => {
    mkdirSync(directory, { mode: 0o755 })
    if (found.name === '' && destination.endsWith('/'))
      throw new DrydockError(`cannot determine filename for source ${url}`, { status: 400 })
    const file = found.name === '' ? NAMELESS : checked(found.name)
    const path = join(directory, file)
    const tell = (current: number) =>
      output.onProgress({ status: 'Downloading', progressDetail: { current, ...(found.length !== undefined && { total: found.length }) } })
    const told = limited(tell, found.length)
    await pipeline(Readable.from(counted(found.body, told)), createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal })
    output.say('\n')
    if (found.name === '' && destination.endsWith('/'))
      throw new DrydockError(`cannot determine filename for source ${url}`, { status: 400 })
    utimesSync(path, found.modified, found.modified)
    return file
  })
  const source = await Source.open(context, { directory }, signal)
  try {
    const [item] = await itemsOf(source, `./${name.replace(/[\\*?[]/g, '\\$&')}`, { image: false })
    return { item: { ...(item as Item), path: bytes(name), whole: true }, source }
  } catch (error) {
    await source.close()
    throw error
  }
}

/** Bytes between two lines of progress. */
const STRIDE = 512 * 1024

/** Now and then, and at the end. */
function limited(tell: (current: number) => void, total: number | undefined): (current: number) => void {
  let last = 0
  return (current) => {
    if (current - last < STRIDE && current !== total) return
    last = current
    tell(current)
  }
}

/** A name that a server has given is one name. */
function checked(name: string): string {
  if (name === '.' || name === '..' || name.includes('/') || name.includes('\0') || Buffer.byteLength(name) > 255) {
    throw new DrydockError(`${JSON.stringify(name)} is no name for a file`, { status: 400 })
  }
  return name
}
