/** `npm run repl`: a prompt for system calls, in a bottle. */
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { Bottle } from '../bottle.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { isToBeRecorded, Recorder, type Witness } from '../trace/index.js'
import { parseCommandLine } from '../tutor/command-line.js'
import { Display } from '../tutor/display.js'
import { Prompt } from './interactive.js'
import { Repl } from './repl.js'
import { pipedStage, terminalStage } from './stage.js'
import { Workbench } from './workbench.js'

/** Exit status: 0; 1 when a script stopped at an error or no bottle can be made; commander's for wrong arguments. */
export async function main(argv: string[]): Promise<number> {
  const options = parseArguments(argv)
  if ('status' in options) return options.status
  const display = new Display({ plain: options.plain })
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    return await recorded(options.record, display)
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    return 1
  }
}

interface Options {
  readonly plain: boolean
  /** True: to the run directory; a name: to this file too. */
  readonly record: string | boolean
}

async function recorded(record: Options['record'], display: Display): Promise<number> {
  const auto = !(display.isTerminal && process.stdin.isTTY)
  const file = typeof record === 'string' ? record : undefined
  const recorder = (await isToBeRecorded({ auto, asked: record !== false }))
    ? new Recorder(
        { session: 'prompt', title: 'The prompt of system calls', auto },
        { file, complain: (sentence) => display.note(sentence) },
      )
    : undefined
  let status = 1
  try {
    status = auto ? await script(display, recorder) : await interactive(display, recorder)
    return status
  } finally {
    await recorder?.end(status)
  }
}

function parseArguments(argv: readonly string[]): Options | { readonly status: number } {
  const command = new Command('npm run repl --')
    .description(
      'A prompt for system calls. They are really made, in a private host that is gone when you leave.\nWithout a terminal, lines are read from the input, and the first that fails ends it (unless it begins with -).',
    )
    .option('--plain', 'for screen readers: no colour, no drawn lines', false)
    .option(
      '--record [file]',
      'keep a record for the workshop’s page, and in a file; with a person it is kept anyway, in the run directory',
      false,
    )
    .addHelpText('after', "\nExamples:\n  npm run repl\n  printf 'clone uts\\nsethostname box\\nuname\\n' | npm run repl")
  const parsed = parseCommandLine<Options>(command, argv)
  return 'status' in parsed ? parsed : parsed.options
}

const openBottle = () => Bottle.open({ name: 'repl' })

async function interactive(display: Display, witness: Witness | undefined): Promise<number> {
  const prompt = new Prompt()
  const workbench = new Workbench(openBottle, (bottle) => terminalStage(bottle, prompt, process.stdout), witness)
  await workbench.start()
  try {
    display.text(
      'A prompt for system calls, made in a private host where you are root. help tells what can be typed, ? mount explains a call, ' +
        'Tab completes; quit or Ctrl-D leaves, and nothing stays changed.',
    )
    await prompt.run(new Repl(workbench, display))
    return 0
  } finally {
    await workbench.close()
  }
}

async function script(display: Display, witness: Witness | undefined): Promise<number> {
  const workbench = new Workbench(openBottle, (bottle) => pipedStage(bottle, process.stdout), witness)
  await workbench.start()
  try {
    const repl = new Repl(workbench, display)
    let number = 0
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      if (line.trim() === '' || /^\s*#/.test(line)) continue
      display.line(`${repl.prompt}${line.trim()}`)
      const outcome = await repl.line(line)
      if (outcome === 'quit') break
      if (outcome === 'failed') {
        process.stderr.write(`drydock: stopped at line ${number}: ${line.trim()}\n`)
        return 1
      }
    }
    return 0
  } finally {
    await workbench.close()
  }
}
