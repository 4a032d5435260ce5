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
}

/** The arguments; or, for `--help` and mistakes, the exit status after commander has said what there is to say. */
export function parseArguments(argv: readonly string[]): TutorArguments | { readonly status: number } {
  const command = new Command('npm run lesson --')
    .description('Learn what a container is made of, one system call at a time.')
    .argument('[lesson]', 'its number or its name')
    .option('--auto', 'play it through without questions')
    .option('--reset', 'start it over, with a fresh exercise file')
    .option('--yes', 'do not ask before starting over')
    .option('--list', 'list the lessons and leave')
    .option('--plain', 'for screen readers: no colour, no drawn lines, no moving cursor')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run lesson            the list\n  npm run lesson 1          open lesson 1, or go on with it\n  npm run lesson 2 -- --auto',
    )
  const parsed = parseCommandLine<Partial<TutorArguments>>(command, argv)
  if ('status' in parsed) return parsed
  const { auto = false, reset = false, list = false, plain = false, yes = false } = parsed.options
  return { auto, reset, list, plain, yes, lesson: parsed.args[0] }
}
