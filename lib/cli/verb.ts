/** A verb's arguments by commander: parsed, or the exit status after it has said what there is to say. */
import { type Command, CommanderError } from 'commander'
import { DrydockError, sentenceOf } from '../kernel/errors.js'

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

/** Do it to each, and print the word of each that it was done to. One that cannot be has its sentence, and the others are done all the same. */
export async function toEach(words: readonly string[], act: (word: string) => Promise<void>): Promise<number> {
  let status = 0
  for (const word of words) {
    try {
      await act(word)
      process.stdout.write(`${word}\n`)
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
      status = 1
    }
  }
  return status
}
