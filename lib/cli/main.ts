/** `drydock`: one verb, one file. What a usual run needs is loaded at once, since each module more costs a millisecond; images
 * and the tutor are not. */
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { VERSION } from '../kernel/version.js'
import { attach } from './attach.js'
import type { Action } from './group.js'
import { IMAGE_VERBS, image } from './image.js'
import { network } from './network.js'
import { ps } from './ps.js'
import { rm } from './rm.js'
import { run } from './run.js'

const VERBS: Readonly<Record<string, Action>> = {
  run: { text: 'make a container and run a program in it', run },
  ps: { text: 'list containers', run: ps },
  attach: { text: 'go back to a running container', run: attach },
  rm: { text: 'remove containers', run: rm },
  diff: { text: 'what a container has changed', run: (argv) => import('./diff.js').then(({ diff }) => diff(argv)) },
  commit: { text: 'make an image of a container', run: (argv) => import('./commit.js').then(({ commit }) => commit(argv)) },
  export: {
    text: 'write a container’s files into an archive',
    run: (argv) => import('./export.js').then((module) => module.exportTree(argv)),
  },
  inspect: {
    text: 'all about containers, images and so on, as JSON',
    run: (argv) => import('./inspect.js').then(({ inspect }) => inspect(argv)),
  },
  ...IMAGE_VERBS,
  image: { text: 'the same by longer names; inspect, prune', run: image },
  login: { text: 'log in to a registry', run: (argv) => import('./login.js').then(({ login }) => login(argv)) },
  logout: { text: 'log out from a registry', run: (argv) => import('./logout.js').then(({ logout }) => logout(argv)) },
  tls: { text: 'make certificates for an engine and its clients', run: (argv) => import('./tls.js').then((module) => module.tls(argv)) },
  network: { text: 'create, list, inspect and remove networks', run: network },
  daemon: {
    text: 'run the engine, for docker’s command line too',
    run: (argv) => import('./daemon.js').then((module) => module.daemon(argv)),
  },
}

/** Docker's exit codes: 125 for what is wrong with the call itself where a container's own code could be meant, 1 elsewhere. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help())
    return name === undefined ? 1 : 0
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`drydock version ${VERSION}\n`)
    return 0
  }
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (!verb) {
    process.stderr.write(`drydock: '${name}' is no drydock command.\nSee 'drydock --help'\n`)
    return 1
  }
  try {
    return await verb.run(rest)
  } catch (error) {
    if (!(error instanceof DrydockError)) throw error
    process.stderr.write(`drydock: ${sentenceOf(error)}\n`)
    const { exitCode } = error as { exitCode?: number }
    if (name !== 'run') return exitCode ?? 1
    process.stderr.write("See 'drydock run --help'.\n")
    return exitCode ?? 125
  }
}

function help(): string {
  const rows = Object.entries(VERBS).map(([name, { text }]) => `  ${name.padEnd(10)} ${text}`)
  return `Usage: drydock COMMAND\n\n${rows.join('\n')}\n\nRun 'drydock COMMAND --help' for more of one.\n`
}
