/** `npm run doctor`: what this host can and cannot do, what helps, and what a crash left. */
import { Command } from 'commander'
import { endHostSpawner } from '../bottle.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { confirm } from '../tutor/ask.js'
import { parseCommandLine } from '../tutor/command-line.js'
import { Display } from '../tutor/display.js'
import { Quit } from '../tutor/guide.js'
import type { Chapter } from './finding.js'
import { isolation, limits } from './isolation.js'
import { findLeftovers, type Leftover, type Removal, removeLeftovers } from './leftovers.js'
import { lessons } from './lessons.js'
import { machine, tools } from './machine.js'
import { showChapter, showLeftovers, showRemovals } from './report.js'

interface Options {
  readonly json?: boolean
  readonly fix?: boolean
  readonly plain?: boolean
}

/** Exit status: 0 when lessons can be played here, if with limits; 1 when none can, or a leftover could not be removed. */
export async function main(argv: readonly string[]): Promise<number> {
  const options = parseArguments(argv)
  if ('status' in options) return options.status
  const display = new Display({ plain: options.plain === true })
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    return options.json ? await asJson(options) : await asText(options, display)
  } catch (error) {
    if (error instanceof Quit) return error.status
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    return 1
  }
}

function parseArguments(argv: readonly string[]): Options | { readonly status: number } {
  const command = new Command('npm run doctor --')
    .description('What this host can and cannot do, with what helps; and what a crash of drydock left here.')
    .option('--fix', 'remove the leftovers without asking')
    .option('--json', 'for programs: everything as one JSON object')
    .option('--plain', 'for screen readers: no colour, no moving cursor')
  const parsed = parseCommandLine<Options>(command, argv)
  return 'status' in parsed ? parsed : parsed.options
}

/** The chapters in the order in which they are read, each as soon as it is known. */
async function* examine(): AsyncGenerator<Chapter> {
  yield await machine()
  yield await isolation()
  yield limits()
  yield tools()
  yield await lessons()
}

async function asText(options: Options, display: Display): Promise<number> {
  let playable = false
  for await (const chapter of examine()) {
    showChapter(display, chapter)
    playable ||= isPlayable(chapter)
  }
  await endHostSpawner()
  const leftovers = await findLeftovers()
  showLeftovers(display, leftovers)
  const removals = (await isWanted(options, display, leftovers)) ? await removeLeftovers(leftovers) : []
  showRemovals(display, removals)
  return statusOf(playable, removals)
}

async function asJson({ fix }: Options): Promise<number> {
  const chapters: Chapter[] = []
  for await (const chapter of examine()) chapters.push(chapter)
  await endHostSpawner()
  const leftovers = await findLeftovers()
  const removals = fix ? await removeLeftovers(leftovers) : []
  const status = statusOf(chapters.some(isPlayable), removals)
  process.stdout.write(`${JSON.stringify({ chapters, leftovers, removals, status }, null, 2)}\n`)
  return status
}

const isPlayable = ({ title, findings }: Chapter) => title === 'Lessons' && findings.some(({ word }) => word !== 'missing')

const statusOf = (playable: boolean, removals: readonly Removal[]) =>
  playable && removals.every(({ failure }) => failure === undefined) ? 0 : 1

/** Nothing is removed unasked: by --fix, or by a person's yes. */
async function isWanted({ fix }: Options, display: Display, leftovers: readonly Leftover[]): Promise<boolean> {
  const removable = leftovers.filter(({ kept }) => kept === undefined)
  if (removable.length === 0) return false
  if (fix) return true
  if (display.isTerminal && process.stdin.isTTY)
    return confirm(display, `Remove ${removable.length === 1 ? 'it' : `these ${removable.length}`}?`)
  display.text('npm run doctor -- --fix removes them.')
  return false
}
