/** The same program again, as root, for the person who is here: progress and files stay theirs. */
import { spawn } from 'node:child_process'
import { stateDirectory } from '../kernel/places.js'
import { confirm } from './ask.js'
import type { Display } from './display.js'

/** What of the environment the program listens to. sudo keeps none of it by itself. */
const KEPT = /^(DRYDOCK_(?!RUN_DIR|STATE_DIR)\w+|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|LANG|LC_\w+|EDITOR)$/

/** `sudo env NAME=value … node script arguments…`: by env(1), since sudo's own way needs a permission of its own. */
export function sudoCommand(argv: readonly string[] = process.argv, env: NodeJS.ProcessEnv = process.env): string[] {
  const settings = Object.entries(env).flatMap(([name, value]) => (KEPT.test(name) && value !== undefined ? [`${name}=${value}`] : []))
  // Root would look for the progress in its own home; the run directory must be root's own.
  const state = `DRYDOCK_STATE_DIR=${stateDirectory()}`
  return ['sudo', 'env', ...settings, state, process.execPath, ...process.execArgv, ...argv.slice(1)]
}

/** Its exit status when it was wanted and could be started; undefined to go on without. */
export async function offerSudo(display: Display): Promise<number | undefined> {
  display.line()
  if (!(await confirm(display, 'Run the lesson again with sudo?'))) return undefined
  const [command = 'sudo', ...args] = sudoCommand()
  const child = spawn(command, args, { stdio: 'inherit' })
  // Ctrl-C goes to both; the one in front answers it.
  const ignore = () => {}
  process.on('SIGINT', ignore)
  try {
    return await new Promise<number | undefined>((resolve) => {
      child.once('error', ({ message }) => {
        display.text(`sudo cannot be started (${message}); become root in another way, and run the same command.`)
        resolve(undefined)
      })
      child.once('exit', (code) => resolve(code ?? 1))
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}
