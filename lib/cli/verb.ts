/** A verb's arguments by commander: parsed, or the exit status after it has said what there is to say. */
import { type Command, CommanderError } from 'commander'

export interface Parsed<Options> {
  readonly options: Options
  readonly args: readonly string[]
}

/** `status`: what mistakes end with; --help ends with 0. */
export function parseVerb<Options>(command: Command, argv: readonly string[], status = 1): Parsed<Options> | { readonly status: number } {
  command.helpOption('--help', 'show this').showSuggestionAfterError().exitOverride()
  try {
    command.parse([...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return { status: error.exitCode === 0 ? 0 : status }
    throw error
  }
  return { options: command.opts() as Options, args: command.args }
}
