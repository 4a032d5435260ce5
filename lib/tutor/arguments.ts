/** What is typed after `npm run lesson --`. */
import { Command } from 'commander'
import { parseCommandLine } from './command-line.js'

export interface TutorArguments {
  readonly lesson: string | undefined
  readonly auto: boolean
  readonly reset: boolean
  readonly list: boolean
  readonly plain: boolean
  readonly yes: boolean
  /** True: to the run directory; a name: to this file too. */
  readonly record: string | boolean
  /** Address of an instructor's page. */
  readonly join: string | undefined
  readonly name: string | undefined
}

const EXAMPLES = `
Examples:
  npm run lesson            the list
  npm run lesson 1          open lesson 1, or go on with it
  npm run lesson 2 -- --auto
  npm run lesson 2 -- --auto --record=lesson-2.jsonl
  npm run lesson 1 -- --join http://instructor:8080`

/** The arguments; or, for `--help` and mistakes, the exit status after commander has said what there is to say. */
export function parseArguments(argv: readonly string[]): TutorArguments | { readonly status: number } {
  const command = new Command('npm run lesson --')
    .description('Learn what a container is made of, one system call at a time.')
    .argument('[lesson]', 'its number or its name')
    .option('--auto', 'play it through without questions')
    .option('--reset', 'start it over, with a fresh exercise file')
    .option('--yes', 'do not ask before starting over, and before joining')
    .option('--list', 'list the lessons and leave')
    .option('--plain', 'for screen readers: no colour, no drawn lines, no moving cursor')
    .option(
      '--record [file]',
      'keep a record of every step for the workshop’s page, and in a file. With a person it is kept anyway, in the run directory; the newest 20 are kept',
    )
    .option('--join <url>', 'let an instructor see where you are; what would be sent is shown first')
    .option('--name <name>', 'with --join: what you want to be called')
    .addHelpText('after', EXAMPLES)
  const parsed = parseCommandLine<Partial<TutorArguments>>(command, argv)
  if ('status' in parsed) return parsed
  const { auto = false, reset = false, list = false, plain = false, yes = false, record = false, join, name } = parsed.options
  const [lesson] = parsed.args
  // A lesson's number behind `--record` is a lesson.
  if (lesson === undefined && typeof record === 'string' && /^\d+$/.test(record)) {
    return { auto, reset, list, plain, yes, record: true, join, name, lesson: record }
  }
  return { auto, reset, list, plain, yes, record, join, name, lesson }
}
