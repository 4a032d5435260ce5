/*
 * The bundles of the command, and which of them a call needs; bundle.cjs makes them. Whoever calls it waits until the bundle is read and all that it was made of has been looked
 * at: the calls that are typed most have bundles that are no larger than they need. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')

/** `without`: modules of lib/cli that it lacks. */
const BUNDLES = {
  /** Every call but those of the daemon and of the page. */
  main: { entry: 'lib/cli/main.ts' },
  /** What asks an engine. */
  client: { entry: 'lib/cli/main.ts', without: ['alone', 'run'] },
  /** Of that `run` alone, and not the image `host`. */
  run: { entry: 'lib/cli/quick-run.ts', without: ['run', 'client/host-image'] },
  /** Containers without an engine. */
  alone: {
    entry: 'lib/cli/main.ts',
    without: [
      ['client/help', 'client/index', 'commit', 'diff', 'explain', 'export', 'history', 'image-prune', 'images', 'import', 'inspect'],
      ['load', 'login', 'logout', 'pull', 'push', 'rmi', 'save', 'step', 'tag', 'tls'],
    ].flat(),
  },
  daemon: { entry: 'lib/cli/daemon.ts' },
  view: { entry: 'lib/cli/view-page.ts' },
}

/** Flags before the verb (lib/cli/globals.ts): those with a word behind them, and those without. */
const WITH_WORD = ['-H', '--host', '-c', '--context', '-l', '--log-level', '--config', '--tlscacert', '--tlscert', '--tlskey']
const SINGLE = ['-D', '--debug', '--no-engine', '--tls', '--tlsverify']

/** Where the verb stands, behind the flags before it; and what those are. */
function findVerb(argv) {
  const flags = []
  let at = 0
  while (at < argv.length && argv[at].startsWith('-')) {
    flags.push(argv[at])
    at += WITH_WORD.includes(argv[at]) ? 2 : 1
  }
  return { at, flags }
}

const isPlain = (flag) => WITH_WORD.includes(flag) || SINGLE.includes(flag) || (/^--[a-z]+=/.test(flag) && !flag.startsWith('--no-'))

/** The name of the bundle, and whether the call is to ask no engine. What is written in a way that is not known here has one with everything. */
function bundleOf(argv, environment = process.env) {
  const { at, flags } = findVerb(argv)
  const verb = argv[at]
  const alone = environment.DRYDOCK_ENGINE === 'none' || flags.includes('--no-engine')
  if (verb === 'daemon' || verb === 'view') return { name: verb, alone }
  const known = flags.every(isPlain) && verb !== 'tls'
  return { name: known ? (alone ? nameAlone(verb, argv) : nameAsked(verb, argv)) : 'main', alone }
}

function nameAlone(verb, argv) {
  const quick = ['attach', 'network', 'ps', 'rm', 'run'].includes(verb) && !argv.some((word) => /^--(explain|step)\b/.test(word))
  return quick ? 'alone' : 'main'
}

function nameAsked(verb, argv) {
  // What shows the calls asks no engine.
  if (argv.some((word) => /^--(explain|record|rootfs|step|trace)\b/.test(word))) return 'main'
  return verb === 'run' && !argv.some((word) => /(^|\/)host(:latest)?$/.test(word)) ? 'run' : 'client'
}

/** Is there a bundle of that name in `out`, and is nothing that it was made of newer, the native part included? */
function isFresh(out, name = 'main', extension = 'cjs') {
  try {
    const { mtimeMs } = fs.statSync(path.join(out, `${name}.${extension}`))
    for (const input of JSON.parse(fs.readFileSync(path.join(out, `${name}.json`), 'utf8'))) {
      const found = fs.statSync(`${ROOT}/${input}`, { throwIfNoEntry: false })
      if (!found || found.mtimeMs > mtimeMs) return false
    }
    return fs.existsSync(path.join(ROOT, 'native/build/shim'))
  } catch {
    return false
  }
}

module.exports = { BUNDLES, bundleOf, findVerb, isFresh }
