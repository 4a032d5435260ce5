/** `npm run hosts`: two machines on your machine, vm-1 and vm-2, that see each other and nobody else. */
import { Command } from 'commander'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { parseCommandLine } from '../tutor/command-line.js'
import { attend } from './attend.js'
import { SHELL } from './house.js'
import { KEEP, keep, startKeeper, stopKeeper } from './keeper.js'
import { showStatus, showUp } from './show.js'
import { hostOf, hostsUp, readState } from './state.js'

const NAME = 'npm run hosts --'

const HELP = `Usage: npm run hosts                        bring up vm-1 and vm-2
       npm run hosts -- --internet          … and a third that plays the internet (8.8.8.8)
       npm run hosts -- shell vm-1          a terminal in one; as many as you like
       npm run hosts -- exec vm-1 -- ls /   one command in one; its output and exit status are this one's
       npm run hosts -- status              what is up
       npm run hosts -- down                end all of it

Each is a private host: hostname, network, processes, cgroups, /run and data root of its own, and the files of this
machine below a layer of its own. What is done in one is gone when it goes down, and never reaches this machine.
`

/** Exit status: 0 when it is done; of exec and shell the command's; 1 when it cannot be; 125 and the like are never ours. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    return await dispatch(argv)
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    return (error as { exitCode?: number }).exitCode ?? 1
  }
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const [word = 'up', ...rest] = argv
  if (word.startsWith('-') && word !== '-h' && word !== '--help') return up(argv)
  switch (word) {
    case 'up':
      return up(rest)
    case KEEP:
      return keep({ internet: rest.includes('--internet') })
    case 'shell':
      return enter(word, rest)
    case 'exec':
      return enter(word, rest)
    case 'status':
      return status(rest)
    case 'down':
      return down(rest)
    case 'help':
    case '-h':
    case '--help':
      process.stdout.write(HELP)
      return 0
    default:
      throw new DrydockError(`'${word}' is nothing that can be done with hosts; there are: up, shell, exec, status, down`)
  }
}

async function up(argv: readonly string[]): Promise<number> {
  const command = new Command(`${NAME} up`)
    .description('Bring up vm-1 and vm-2.')
    .option('--internet', 'a third host, which has the address 8.8.8.8 and knows the way between all of them')
  const parsed = parseCommandLine<{ internet?: boolean }>(command, argv)
  if ('status' in parsed) return parsed.status
  const { internet = false } = parsed.options
  const there = readState()
  if (there && there.hosts.length > 0) {
    if (internet && !there.hosts.some(({ name }) => name === 'internet')) {
      throw new DrydockError('the hosts are up without the internet: npm run hosts -- down, and then bring them up with it')
    }
    process.stdout.write(`The hosts are up already.\n\n${showStatus(there)}`)
    return 0
  }
  process.stdout.write(showUp(await startKeeper({ internet })))
  return 0
}

function status(argv: readonly string[]): number {
  const command = new Command(`${NAME} status`).description('Which hosts are up.').option('--json', 'for programs')
  const parsed = parseCommandLine<{ json?: boolean }>(command, argv)
  if ('status' in parsed) return parsed.status
  const state = readState()
  if (parsed.options.json) process.stdout.write(`${JSON.stringify(state ?? { hosts: [] }, undefined, 2)}\n`)
  else process.stdout.write(state ? showStatus(state) : 'No host is up. To bring them up: npm run hosts\n')
  return 0
}

async function down(argv: readonly string[]): Promise<number> {
  const parsed = parseCommandLine(new Command(`${NAME} down`).description('End the hosts, and all that runs in them.'), argv)
  if ('status' in parsed) return parsed.status
  process.stdout.write((await stopKeeper()) ? 'The hosts are down; nothing of them is left.\n' : 'No host is up.\n')
  return 0
}

/** `shell NAME`, `exec [-T] NAME [--] COMMAND…`: what follows the name is the command's, options of its own included. */
async function enter(word: 'shell' | 'exec', argv: readonly string[]): Promise<number> {
  const command = new Command(`${NAME} ${word}`)
    .description(word === 'shell' ? 'A terminal in a host.' : 'A command in a host.')
    .argument('<name>', 'vm-1, vm-2 or internet')
    .passThroughOptions()
    .enablePositionalOptions()
  if (word === 'exec') {
    command.argument('<command...>', 'and its arguments').option('-T, --no-tty', 'pipes, also where this is a terminal')
  }
  const parsed = parseCommandLine<{ tty?: boolean }>(command, argv)
  if ('status' in parsed) return parsed.status
  const [name = '', ...given] = parsed.args
  const program = given[0] === '--' ? given.slice(1) : given
  const record = hostOf(hostsUp(), name)
  if (word === 'shell') return attend(record, SHELL, true)
  if (program.length === 0) throw new DrydockError(`exec needs a command: npm run hosts -- exec ${name} -- hostname`)
  return attend(record, program, parsed.options.tty !== false && process.stdin.isTTY === true && process.stdout.isTTY === true)
}
