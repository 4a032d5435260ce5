/** A verb's arguments by commander: parsed, or the exit status after it has said what there is to say, in docker's words. */
import { type Command, CommanderError, Option } from 'commander'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { FlagError, GoCommand } from './flags.js'

export interface Parsed<Options> {
  readonly options: Options
  readonly args: readonly string[]
}

/** What docker ends with when a flag is unknown, or lacks its value. */
const WRONG_FLAG = 125

/** `status`: what a wrong number of arguments ends with; --help ends with 0. */
export function parseVerb<Options>(command: Command, argv: readonly string[], status = 1): Parsed<Options> | { readonly status: number } {
  command.helpOption('--help', 'show this').allowExcessArguments(false).exitOverride()
  command.configureOutput({ outputError: () => undefined })
  try {
    read(command, argv)
  } catch (error) {
    if (!(error instanceof CommanderError) && !(error instanceof FlagError)) throw error
    if (error instanceof CommanderError && error.exitCode === 0) return { status: 0 }
    const { name, message, ends } = mistake(command, error, status)
    process.stderr.write(`${message}\n\nUsage:  ${name} ${command.usage()}\n\nRun '${name} --help' for more information\n`)
    return { status: ends }
  }
  return { options: command.opts() as Options, args: command.args }
}

function read(command: Command, argv: readonly string[]): void {
  const { argv: words, switches } = command instanceof GoCommand ? command.readFlags(argv) : { argv, switches: undefined }
  command.parse([...words], { from: 'user' })
  for (const [option, on] of switches ?? []) command.setOptionValueWithSource(option.attributeName(), on, 'cli')
}

function mistake(command: Command, error: CommanderError | FlagError, status: number) {
  const name = command.name()
  if (error instanceof FlagError) return { name, message: error.message, ends: WRONG_FLAG }
  const { code, message } = error
  const sentence = message.replace(/^error: /, '')
  if (code === 'commander.missingArgument' || code === 'commander.excessArguments') {
    return { name, message: `drydock: '${name}' ${requirement(command)}`, ends: status }
  }
  const [, flag, near] = /unknown option '(.*)'(?:\s*\((.*)\))?/.exec(sentence) ?? []
  const words = flag === undefined ? sentence : `unknown flag: ${flag}${near ? ` (${near})` : ''}`
  return { name, message: words, ends: WRONG_FLAG }
}

/** `requires at least 1 argument` */
function requirement(command: Command): string {
  const { registeredArguments: args } = command
  const needed = args.filter(({ required }) => required).length
  const most = args.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : args.length
  const words = (count: number) => `${count} argument${count === 1 ? '' : 's'}`
  if (most === 0) return 'accepts no arguments'
  if (needed === most) return `requires ${words(needed)}`
  if (needed === 0) return `requires at most ${words(most)}`
  return most === Number.POSITIVE_INFINITY ? `requires at least ${words(needed)}` : `requires at least ${needed} and at most ${words(most)}`
}

/** A flag that is on until `=false` is written behind it, as Go's flags are: commander knows none. The other words are left for it. */
export function switchOf(argv: readonly string[], ...names: readonly string[]): { readonly on: boolean; readonly rest: readonly string[] } {
  const end = argv.indexOf('--')
  const value = (word: string, at: number) =>
    (end < 0 || at < end) && new RegExp(`^(?:${names.join('|')})=(true|false|1|0|t|f)$`, 'i').exec(word)?.[1]
  const values = argv.flatMap((word, at) => value(word, at) || [])
  const last = values.at(-1)?.toLowerCase() ?? 'true'
  return { on: ['true', '1', 't'].includes(last), rest: argv.filter((word, at) => !value(word, at)) }
}

/** Do it to each, and print the word of each that it was done to. One that cannot be has its sentence, and the others are done all the same. */
export async function toEach(
  words: readonly string[],
  act: (word: string) => Promise<void>,
  done: (word: string) => string = (word) => `${word}\n`,
): Promise<number> {
  let status = 0
  for (const word of words) {
    try {
      await act(word)
      process.stdout.write(done(word))
    } catch (error) {
      if (!(error instanceof DrydockError)) throw error
      process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
      status = 1
    }
  }
  return status
}

/** What a filter looks like in a usage line. */
export const FILTER = 'KEY=VALUE'

/** An option that may be given more than once. */
export const repeated = (flags: string, text: string): Option =>
  new Option(flags, text).argParser((value: string, before: string[]) => [...before, value]).default([] as string[], 'none')
