/*
 * A command line as one file. It is a script and no module, since V8 keeps the code of scripts alone (compiled.cjs), and with kept code
 * what is not called costs nothing. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { BUNDLES, isFresh } = require('./bundles.cjs')

const ROOT = path.join(__dirname, '..')
const ABSENT = path.join(__dirname, 'absent.cjs')
const QUIET = path.join(__dirname, 'quiet.cjs')
/** Of what dockerode loads. Our own modules say node: in front of Node's. */
const UNUSED = ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs', 'uuid', 'tar-fs', '@balena/dockerignore', 'ssh2', 'https', 'debug']

/** Write the scripts, and lists of what each was made of, to `out`. Throws the file system's error when that cannot be written. */
function bundle(out, bundles = BUNDLES) {
  keep(
    out,
    'cjs',
    Object.keys(bundles).map((name) => ({ name, ...built(out, name, bundles[name]) })),
  )
}

function built(out, name, { entry, without = [] }) {
  const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  return require('esbuild').buildSync({
    absWorkingDir: ROOT,
    entryPoints: { [name]: entry },
    outdir: out,
    outExtension: { '.js': '.cjs' },
    write: false,
    bundle: true,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    // Packages that are large and imported when they are needed, which is seldom, stay where they are; and what has a bundle of its own.
    external: ['node-pty', 'execa', 'inquirer', ...['daemon', 'view-page', ...without].map((module) => `./lib/cli/${module}.ts`)],
    alias: { ...Object.fromEntries(UNUSED.map((name) => [name, ABSENT])), 'readable-stream': 'node:stream', util: QUIET },
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
}

const PAGE = path.join(ROOT, 'build', 'page')

/** The workshop's page: a script without imports, and its style sheet. Kept in build/ where that can be written. Throws esbuild's error when a source is wrong. */
function bundlePage(entry = 'lib/workshop/page/main.tsx', out = PAGE) {
  const read = (name) => fs.readFileSync(path.join(out, name), 'utf8')
  if (isFresh(out, 'page', 'js')) return { script: read('page.js'), style: read('page.css') }
  const { metafile, outputFiles } = require('esbuild').buildSync({
    absWorkingDir: ROOT,
    entryPoints: { page: entry },
    outdir: out,
    write: false,
    bundle: true,
    metafile: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  })
  const textOf = (name) => outputFiles.find((file) => path.basename(file.path) === name)?.text ?? ''
  const files = { script: textOf('page.js'), style: textOf('page.css') }
  const whole = outputFiles.some(({ path: file }) => file.endsWith('.css'))
    ? outputFiles
    : [...outputFiles, { path: 'page.css', contents: '' }]
  whereWritable(() => keep(out, 'js', [{ name: 'page', outputFiles: whole, metafile }]))
  return files
}

/** Write what esbuild has made, and lists of what it was made of. The file of that extension tells how old one is. */
function keep(out, extension, made) {
  // Not before it is needed: it costs a command's start milliseconds.
  const { randomBytes } = require('node:crypto')
  // Made beside it and renamed: whoever starts meanwhile finds the old ones or the new ones. In another pid namespace somebody else may have our pid.
  const place = `${out}.${process.pid}-${randomBytes(4).toString('hex')}`
  fs.mkdirSync(path.dirname(out), { recursive: true })
  // Not recursive: that tells ENOENT of every error that it does not expect.
  fs.mkdirSync(place)
  try {
    for (const { name, outputFiles, metafile } of made) {
      for (const { path: file, contents } of outputFiles) fs.writeFileSync(path.join(place, path.basename(file)), contents)
      const sources = Object.keys(metafile.inputs).filter((input) => !input.startsWith('node_modules/'))
      const more = ['scripts/bundle.cjs', 'scripts/bundles.cjs', 'scripts/absent.cjs', 'scripts/quiet.cjs', 'package-lock.json']
      fs.writeFileSync(path.join(place, `${name}.json`), JSON.stringify([...sources, ...more]))
    }
    replace(out, place, () => made.every(({ name }) => isFresh(out, name, extension)))
  } finally {
    fs.rmSync(place, { recursive: true, force: true })
  }
}

/** A bundle like that; false where none can be written: it runs from its sources then, a little slower. */
function bundleWhereWritable(out, bundles) {
  return whereWritable(() => bundle(out, bundles))
}

/** Was it done? False where nothing can be written: a checkout of somebody else's (which is EOVERFLOW on an ordinary user's overlay), a full disk. */
function whereWritable(write) {
  try {
    write()
    return true
  } catch (error) {
    // The file system's errors have a number.
    if (error.errno === undefined) throw error
    return false
  }
}

/** Of several who do so at once the first one's stays: it may be in use already. */
function replace(out, made, isDone) {
  const aside = `${made}.old`
  while (!isDone()) {
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

module.exports = { bundle, bundleWhereWritable, bundlePage }
