/** `npm run workshop`. */
import { Command } from 'commander'
import { parseCommandLine } from '../tutor/command-line.js'
import { type ServeOptions, serve, told, withServeOptions } from './command.js'

/** Exit status: 0 when a person has ended it; 1 when it cannot begin; commander's for wrong arguments. */
export async function main(argv: readonly string[]): Promise<number> {
  const command = withServeOptions(
    new Command('npm run workshop --').description(
      'A page with a live picture of this machine’s kernel, beside whatever is stepped through on it. With --listen, learners can join. It changes nothing here.',
    ),
  )
  const parsed = parseCommandLine<ServeOptions>(command, argv)
  return 'status' in parsed ? parsed.status : told(() => serve(parsed.options))
}
