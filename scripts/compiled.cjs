/*
 * A script (all of it ASCII) with its code kept on disk. V8 compiles a function when it is first called, which takes longer than a short command runs for;
 * what it has compiled can be kept beside the script and is read back in a millisecond. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const vm = require('node:vm')

/**
 * Of Node's own modules those that take a part of a millisecond to load, or a few; most calls use few of them. They are loaded when something of theirs is first
 * used. No more than that is ever asked of them: `import { createHash } from 'node:crypto'` is `require('node:crypto').createHash` here, where it is called.
 */
const LATE = [
  'child_process',
  'crypto',
  'dns',
  'dns/promises',
  'fs/promises',
  'http',
  'https',
  'readline',
  'tls',
  'v8',
  'worker_threads',
  'zlib',
]

/** Seconds after which V8 may have thrown away code that is not in use. */
const FORGETS = 5

/**
 * Run a script that is a function of `exports`, `require`, `module` and `importMeta` (a module's `import.meta`) and in CommonJS format
 * otherwise. `use` names what it is run for: each has code of its own. Returns its exports, and `keep`, which keeps the code that was
 * compiled until then, when there was none yet.
 */
function load(file, use) {
  // V8 itself refuses the code of another version of its own, and of a source of another length; not that of another source as long.
  const { mtimeMs } = fs.statSync(file)
  const source = fs.readFileSync(file, 'latin1')
  const kept = path.join(path.dirname(file), `${path.basename(file, '.cjs')}-${use}-${process.version}-${mtimeMs}.code`)
  const cachedData = read(kept)
  const script = new vm.Script(source, {
    filename: file,
    cachedData,
    importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  const module = { exports: {} }
  script.runInThisContext()(module.exports, lateRequire(createRequire(file)), module, {
    get url() {
      return pathToFileURL(file).href
    },
  })
  const keep = () => {
    if ((cachedData && !script.cachedDataRejected) || process.uptime() > FORGETS) return
    write(kept, script.createCachedData())
  }
  return { exports: module.exports, keep }
}

function lateRequire(require) {
  return (name) => (LATE.includes(name.replace('node:', '')) ? new Proxy({}, { get: (_, key) => require(name)[key] }) : require(name))
}

function read(file) {
  try {
    return fs.readFileSync(file)
  } catch {
    return undefined
  }
}

/** Whole or not at all; and where it cannot be written, it is compiled each time. */
function write(file, bytes) {
  const made = `${file}.${process.pid}`
  try {
    fs.writeFileSync(made, bytes)
    fs.renameSync(made, file)
  } catch {
    fs.rmSync(made, { force: true })
  }
}

module.exports = { load }
