/*
 * The one door: every `npm run` command of a user comes through here. It sees to it that this machine can run drydock at all,
 * sets up what a fresh clone lacks, and hands over. Plain JavaScript that Node 16 can parse, so that an old Node gets a sentence
 * and not a stack trace.
 */
'use strict'

const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { isFresh } = require('./bundles.cjs')
const { checkPlatform, setUp } = require('./setup.cjs')

const COMMANDS = {
  lesson: 'lib/tutor/main.ts',
  repl: 'lib/repl/main.ts',
  doctor: 'lib/doctor/main.ts',
  test: 'test/main.ts',
  lint: 'scripts/lint.ts',
  registry: 'lib/classroom/main.ts',
  bench: 'bench/main.ts',
  'test:v2': 'test/guest/main.ts',
  'test:vm': 'test/vm/main.ts',
  'test:soak': 'test/soak/main.ts',
  'test:stops': 'test/stops/main.ts',
  hosts: 'lib/hosts/main.ts',
  workshop: 'lib/workshop/main.ts',
}

/** Short commands that one types often: bundled, they load in a tenth of the time. And what runs for a day: bundled, it takes half the memory. */
const BUNDLED = ['hosts', 'workshop']

/** Bundles of other commands that are made along with one: what is typed in a host finds this checkout read-only, and could make none. */
const ALONG = { hosts: ['cli'] }

async function start(command, args) {
  const entry = COMMANDS[command]
  if (!entry) {
    console.error(`drydock: '${command}' is no command; there are: ${Object.keys(COMMANDS).join(', ')}`)
    return 2
  }
  const problem = checkPlatform() || setUp({ yes: process.env.CI === 'true' || args.includes('--yes'), command })
  if (problem) {
    console.error(problem)
    return 1
  }
  const root = path.join(__dirname, '..')
  if (BUNDLED.includes(command)) {
    for (const name of ALONG[command] || []) refresh(path.join(root, 'build', name))
    const started = startBundle(path.join(root, 'build', command), entry, args)
    if (started) return started
  }
  const { register } = await import('tsx/esm/api')
  register()
  const { main } = await import(pathToFileURL(path.join(root, entry)).href)
  return main(args)
}

/** A bundle that is made anew when a source is newer; false where none can be written. */
function refresh(out, bundles) {
  return isFresh(out) || require('./bundle.cjs').bundleWhereWritable(out, bundles)
}

/** The entry's main, from its bundle; undefined where there can be none. */
function startBundle(out, entry, args) {
  if (!refresh(out, { main: { entry } })) return undefined
  const use = /^[a-z]+$/.test(args[0] || '') ? args[0] : 'main'
  const { exports, keep } = require('./compiled.cjs').load(path.join(out, 'main.cjs'), use)
  return exports.main(args).then((status) => {
    if (status === 0) keep()
    return status
  })
}

start(process.argv[2], process.argv.slice(3)).then(
  (status) => {
    // What still holds the event loop (an idle shim's socket) must not hold the user; what was printed must be out first.
    process.stdout.write('', () => process.exit(status || 0))
  },
  (error) => {
    const known =
      error &&
      typeof error.message === 'string' &&
      /Error$/.test(error.name) &&
      error.constructor.name !== 'Error' &&
      !(error instanceof TypeError) &&
      !(error instanceof RangeError) &&
      !(error instanceof ReferenceError) &&
      !(error instanceof SyntaxError)
    console.error(known ? `drydock: ${error.message}` : error)
    process.exit(1)
  },
)
