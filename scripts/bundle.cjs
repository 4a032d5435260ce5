/* The command line as one bundle, its verbs apart so that each is loaded when it is called. Plain JavaScript that Node 16 can parse. */
'use strict'

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')

/** Write `main.mjs`, its parts and the list of its sources to `out`. Throws the file system's error when that cannot be written. */
function bundle(out) {
  // Made beside it and renamed: whoever starts meanwhile finds the old one or the new one.
  const made = `${out}.${process.pid}`
  fs.mkdirSync(path.dirname(out), { recursive: true })
  fs.mkdirSync(made, { recursive: true })
  try {
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
    const { metafile } = require('esbuild').buildSync({
      absWorkingDir: ROOT,
      entryPoints: { main: 'lib/cli/main.ts' },
      outdir: made,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      metafile: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['node-pty', 'esbuild'],
      // Packages in the older module format ask for `require`, which a module has not got.
      banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
      define: { DRYDOCK_VERSION: JSON.stringify(version) },
      legalComments: 'none',
      logLevel: 'warning',
    })
    const sources = Object.keys(metafile.inputs).filter((input) => !input.startsWith('node_modules/'))
    fs.writeFileSync(path.join(made, 'inputs.json'), JSON.stringify([...sources, 'package-lock.json']))
    fs.rmSync(out, { recursive: true, force: true })
    fs.renameSync(made, out)
  } finally {
    fs.rmSync(made, { recursive: true, force: true })
  }
}

module.exports = { bundle }
