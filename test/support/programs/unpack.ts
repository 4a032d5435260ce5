/** Unpack a file into a directory, as whoever runs this: FILE DIRECTORY [MAP or '' [kept]]. Prints the outcome, or the sentence. */
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { unpackLayer } from '../../../lib/image/unpack/index.js'

const [file, directory, map = '', how] = process.argv.slice(2) as [string, string, string?, string?]
try {
  const idmap = map === '' ? {} : { idmap: JSON.parse(map) }
  const digest = `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}` as const
  const source = how === 'kept' ? { path: file, digest } : createReadStream(file)
  console.log(JSON.stringify(await unpackLayer(source, { directory, ...idmap })))
} catch (error) {
  console.log(JSON.stringify({ refused: (error as Error).message }))
}
