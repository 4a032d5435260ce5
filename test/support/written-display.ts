/** A display whose words are kept instead of shown: without colour, as wide as a file's. */
import { Writable } from 'node:stream'
import { Display } from '../../lib/tutor/display.js'

export function writtenDisplay(): { readonly display: Display; written(): string } {
  let written = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk
      done()
    },
  })
  return { display: new Display({ stream, colour: 0 }), written: () => written }
}
