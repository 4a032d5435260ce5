/** `left [WORD…]`: what doctor finds, as JSON; with words, what became of removing those leftovers in whose kind or name one of them is. */
import { findLeftovers, removeLeftovers } from '../../../lib/doctor/leftovers.js'

const words = process.argv.slice(2)
const found = await findLeftovers()
const wanted = found.filter(({ kind, name }) => words.some((word) => `${kind} ${name}`.includes(word)))
process.stdout.write(`${JSON.stringify(words.length === 0 ? found : await removeLeftovers(wanted))}\n`)
