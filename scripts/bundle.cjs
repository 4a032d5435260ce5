/*
 * A command line as one file, and what it seldom needs and is large (the daemon) as another. It is a script and no module, since V8 keeps the code of scripts alone (compiled.cjs), and with kept code
 * what is not called costs nothing. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const { randomBytes } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..')
const ABSENT = path.join(__dirname, 'absent.cjs')
/** Of what dockerode loads. Our own modules say node: in front of Node's. */
const UNUSED = ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs', 'uuid', 'tar-fs', '@balena/dockerignore', 'ssh2', 'https', 'debug']

/** Is there a bundle in `out`, and is nothing that it was made of newer, the native part included? */
function isFresh(out) {
  try {
    const { mtimeMs } = fs.statSync(path.join(out, 'main.cjs'))
    for (const input of JSON.parse(fs.readFileSync(path.join(out, 'inputs.json'), 'utf8'))) {
      const found = fs.statSync(`${ROOT}/${input}`, { throwIfNoEntry: false })
      if (!found || found.mtimeMs > mtimeMs) return false
    }
    return fs.existsSync(path.join(ROOT, 'native/build/shim'))
  } catch {
    return false
  }
}

/** Write `main.cjs` and further scripts, made of `entries`, and the list of their sources to `out`. Throws the file system's error when that cannot be written. */
function bundle(out, entries = { main: 'lib/cli/main.ts', daemon: 'lib/cli/daemon.ts' }) {
  // Made beside it and renamed: whoever starts meanwhile finds the old one or the new one. In another pid namespace somebody else may have our pid.
  const made = `${out}.${process.pid}-${randomBytes(4).toString('hex')}`
  fs.mkdirSync(path.dirname(out), { recursive: true })
  // Not recursive: that tells ENOENT of every error that it does not expect.
  fs.mkdirSync(made)
  try {
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
    const { metafile } = require('esbuild').buildSync({
      absWorkingDir: ROOT,
      entryPoints: entries,
      outdir: made,
      outExtension: { '.js': '.cjs' },
      bundle: true,
      metafile: true,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      // Packages that are large and imported when they are needed, which is seldom, stay where they are.
      external: ['node-pty', 'execa', 'inquirer', './daemon.js'],
      alias: { ...Object.fromEntries(UNUSED.map((name) => [name, ABSENT])), 'readable-stream': 'node:stream' },
      charset: 'ascii',
      // One function expression, as compiled.cjs has it.
      banner: { js: '(function (exports, require, module, importMeta) {' },
      footer: { js: '})' },
      minifySyntax: true,
      minifyWhitespace: true,
      define: { DRYDOCK_VERSION: JSON.stringify(version), 'import.meta': 'importMeta' },
      legalComments: 'none',
      logLevel: 'warning',
    })
    const sources = Object.keys(metafile.inputs).filter((input) => !input.startsWith('node_modules/'))
    fs.writeFileSync(
      path.join(made, 'inputs.json'),
      JSON.stringify([...sources, 'scripts/bundle.cjs', 'scripts/absent.cjs', 'package-lock.json']),
    )
    replace(out, made)
  } finally {
    fs.rmSync(made, { recursive: true, force: true })
  }
}

/**
 * The same; false where nothing can be written: a checkout of somebody else's (which is EOVERFLOW on an ordinary user's overlay), a full disk. It runs from its
 * sources then, a little slower.
 */
function bundleWhereWritable(out, entries) {
  try {
    bundle(out, entries)
    return true
  } catch (error) {
    // The file system's errors have a number.
    if (error.errno === undefined) throw error
    return false
  }
}

/** Of several who do so at once the first one's stays: it may be in use already. */
function replace(out, made) {
  const aside = `${made}.old`
  while (!isFresh(out)) {
    try {
      fs.renameSync(out, aside)
    } catch (error) {
      // On an overlay a directory of a lower layer cannot be renamed.
      if (error.code === 'EXDEV') fs.rmSync(out, { recursive: true, force: true })
      else if (error.code !== 'ENOENT') throw error
    }
    fs.rmSync(aside, { recursive: true, force: true })
    try {
      return fs.renameSync(made, out)
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    }
  }
}

module.exports = { bundle, bundleWhereWritable, isFresh }
