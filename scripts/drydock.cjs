#!/usr/bin/env node
/*
 * The `drydock` command. What it does is in lib/cli; here it is only found, bundled, and started quickly: a bundle whose code is kept loads in a
 * tenth of the time that the sources take. It is made anew when a source is newer. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { bundleOf, findVerb, isFresh } = require('./bundles.cjs')

const ROOT = path.join(__dirname, '..')
/** Two folders deep, as the sources are: paths relative to a module stay right in the bundle. */
const OUT = path.join(ROOT, 'build', 'cli')

/** Set up what a fresh clone lacks, and make the bundle. Returns a sentence when that cannot be. */
function prepare() {
  const { checkPlatform, setUp } = require('./setup.cjs')
  const problem = checkPlatform() || setUp({ yes: process.env.CI === 'true', command: 'drydock' })
  if (problem) return problem
  require('./bundle.cjs').bundleWhereWritable(OUT)
  return undefined
}

/** Run the bundle, and keep what was compiled of it for this verb; only of a call that went well and did more than print its help. */
async function startBundle(argv, { name, alone }) {
  const load = (use) => require('./compiled.cjs').load(path.join(OUT, `${name}.cjs`), use)
  if (name === 'daemon') {
    const { at } = findVerb(argv)
    const { exports, keep } = load('daemon')
    // What stands before it too, as lib/cli/main.ts has it.
    return exports.daemon([...argv.slice(0, at).filter((word) => word !== '--no-engine'), ...argv.slice(at + 1)], keep)
  }
  if (name === 'view') return load('view').exports.view(argv.slice(findVerb(argv).at + 1))
  const verb = argv.find((word) => /^[a-z]+$/.test(word)) || 'main'
  // With an engine other code runs than without; and the quickest call of all is not to carry the code that fetches images.
  const use = !alone ? verb : verb === 'run' && argv.includes('host') ? 'alone-run-host' : `alone-${verb}`
  const { exports, keep } = load(use)
  const status = await exports.main(argv)
  if (status === 0 && !argv.includes('--help')) keep()
  return status
}

async function start() {
  const argv = process.argv.slice(2)
  const wanted = bundleOf(argv)
  // Found out once: it looks at some hundred files.
  if (isFresh(OUT, wanted.name)) return startBundle(argv, wanted)
  const problem = prepare()
  if (problem) {
    console.error(problem)
    return 125
  }
  if (isFresh(OUT, wanted.name)) return startBundle(argv, wanted)
  const { register } = await import('tsx/esm/api')
  register()
  return (await import(pathToFileURL(path.join(ROOT, 'lib/cli/main.ts')).href)).main(argv)
}

start().then(
  (status) => {
    // What still holds the event loop (a terminal, an idle socket) must not hold the user; what was printed must be out first.
    process.stdout.write('', () => process.exit(status || 0))
  },
  (error) => {
    console.error(error)
    process.exit(125)
  },
)
