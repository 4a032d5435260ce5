/** Unpack a file into a directory, as whoever runs this: FILE DIRECTORY [MAP or '' [kept]]. Prints the outcome, or the sentence. */
import { createReadStream, readFileSync } from 'node:fs'
import { sha256 } from '../../../lib/image/store/blobs.js'
import { unpackLayer } from '../../../lib/image/unpack/index.js'

const [file, directory, map = '', how] = process.argv.slice(2) as [string, string, string?, string?]
try {
  const idmap = map === '' ? {} : { idmap: JSON.parse(map) }
  const source = how === 'kept' ? { path: file, digest: sha256(readFileSync(file)) } : createReadStream(file)
  console.log(JSON.stringify(await unpackLayer(source, { directory, ...idmap })))
} catch (error) {
  console.log(JSON.stringify({ refused: (error as Error).message }))
}
