/*
 * The bundles of the command, and which of them a call needs. Whoever calls it waits until the bundle is read and all that it was made of has been looked
 * at: the calls that are typed most have bundles that are no larger than they need. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const CONTAINERS = ['attach', 'network', 'ps', 'rm', 'run']
const OTHERS = [
  'commit',
  'diff',
  'export',
  'history',
  'image-prune',
  'images',
  'import',
  'inspect',
  'load',
  'login',
  'logout',
  'pull',
  'push',
]

/** `without`: modules of lib/cli that it lacks; `except`: what needs one of them is asked for by such a word. */
const BUNDLES = {
  /** Every call but those of the daemon and of the page. */
  main: { entry: 'lib/cli/main.ts' },
  /** What asks an engine. */
  client: { entry: 'lib/cli/main.ts', without: ['alone', 'run'], except: /^--(explain|record|rootfs|step|trace)\b/ },
  /** Containers without an engine. */
  alone: {
    entry: 'lib/cli/main.ts',
    without: ['client/help', 'client/index', 'explain', 'step', ...OTHERS, 'rmi', 'save', 'tag', 'tls'],
    except: /^--(explain|step)\b/,
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
  const name = alone ? 'alone' : 'client'
  const quick =
    flags.every(isPlain) && (alone ? CONTAINERS.includes(verb) : verb !== 'tls') && !argv.some((word) => BUNDLES[name].except.test(word))
  return { name: quick ? name : 'main', alone }
}

module.exports = { BUNDLES, bundleOf, findVerb }
