/** Unpack a file into a directory, as whoever runs this. Prints the outcome, or the sentence. */
import { createReadStream } from 'node:fs'
import { unpackLayer } from '../../../lib/image/unpack/index.js'

const [file, directory, map] = process.argv.slice(2) as [string, string, string?]
try {
  const idmap = map === undefined ? {} : { idmap: JSON.parse(map) }
  console.log(JSON.stringify(await unpackLayer(createReadStream(file), { directory, ...idmap })))
} catch (error) {
  console.log(JSON.stringify({ refused: (error as Error).message }))
}
