/** What is typed after `npm run … --`. */
import { type Command, CommanderError } from 'commander'

/** The options and arguments; or, for `--help` and mistakes, the exit status after commander has said what there is to say. */
export function parseCommandLine<Options extends object>(
  command: Command,
  argv: readonly string[],
): { readonly options: Options; readonly args: readonly string[] } | { readonly status: number } {
  command.helpOption('-h, --help', 'show this').allowExcessArguments(false).exitOverride()
  try {
    command.parse([...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { status: error.exitCode }
    throw error
  }
  return { options: command.opts<Options>(), args: command.args }
}
