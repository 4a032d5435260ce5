/** `drydock run`, by an engine: what is typed most, in a bundle of its own (scripts/bundles.cjs). The less there is in it, the sooner it begins. */
import { run } from './client/run.js'
import { sessionOf } from './client/session.js'
import { parseGlobals } from './globals.js'
import { forgiveReader } from './reader.js'

/** As main.ts has it, for a call whose verb is `run`. */
export async function main(argv: readonly string[]): Promise<number> {
  forgiveReader()
  const globals = parseGlobals(argv)
  if ('status' in globals) return globals.status
  return run.run(globals.words.slice(1), sessionOf(globals), 'drydock run')
}
