/** `drydock`: one verb, one file. The verbs ask an engine (client/), or work on the data root themselves (alone.ts) when none is wanted. */
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { VERSION } from '../kernel/version.js'
import { type Globals, parseGlobals } from './globals.js'
import { unknownCommand } from './group.js'
import { forgiveReader } from './reader.js'

/** The engine itself is no client of one, certificates are made before there is one, and the page asks the kernel. */
const NO_CLIENTS: readonly string[] = ['daemon', 'tls', 'view']

/** Docker's exit codes: 125 for what is wrong with the call itself where a container's own code could be meant, 1 elsewhere. */
export async function main(argv: readonly string[]): Promise<number> {
  forgiveReader()
  // The help of a verb is its own affair; that of all of them names those that there are.
  const [first] = argv
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    process.stdout.write(await help())
    return first === undefined ? 1 : 0
  }
  const globals = parseGlobals(argv)
  if ('status' in globals) return globals.status
  const [name, ...rest] = globals.words
  if (globals.flags.version) {
    process.stdout.write(`drydock version ${VERSION}\n`)
    return 0
  }
  if (name === undefined) {
    process.stdout.write(await help())
    return 1
  }
  // What stands before it is meant for it: -D, -H and the like are words of an engine too.
  if (name === 'daemon')
    return withoutEngine(name, [...argv.slice(0, -globals.words.length).filter((word) => word !== '--no-engine'), ...rest])
  return globals.alone || NO_CLIENTS.includes(name) ? withoutEngine(name, rest) : withEngine(name, rest, globals)
}

async function withoutEngine(name: string, rest: readonly string[]): Promise<number> {
  const { runAlone } = await import('./alone.js')
  return told(name, async () => (await runAlone(name, rest)) ?? unknownCommand('drydock', name))
}

async function withEngine(name: string, rest: readonly string[], globals: Globals): Promise<number> {
  const { runVerb } = await import('./client/index.js')
  return runVerb([name, ...rest], globals)
}

/** The status, after what went wrong has been said. */
async function told(name: string, act: () => Promise<number>): Promise<number> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    const { exitCode } = error as { exitCode?: number }
    if (name !== 'run') return exitCode ?? 1
    process.stderr.write("See 'drydock run --help'.\n")
    return exitCode ?? 125
  }
}

async function help(): Promise<string> {
  if (process.env.DRYDOCK_ENGINE !== 'none') return (await import('./client/help.js')).help()
  const { ALONE } = await import('./alone.js')
  const rows = Object.entries(ALONE).map(([name, { text }]) => `  ${name.padEnd(10)} ${text}`)
  return `Usage: drydock COMMAND\n\n${rows.join('\n')}\n\nRun 'drydock COMMAND --help' for more of one.\n`
}
