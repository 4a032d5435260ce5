/*
 * What a fresh clone lacks: dependencies, the native part, and before them a system that can have both. Nothing is done when
 * nothing is missing, and finding that out costs a few file stats. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { findCommand, installHint, installPackages } = require('./packages.cjs')

const ROOT = path.join(__dirname, '..')
const OLDEST = [20, 17]
const STAMP = path.join(ROOT, 'node_modules', '.drydock-lock')

/** Two lines for who cannot go on here, or undefined. */
function checkPlatform() {
  if (process.platform === 'darwin' || process.platform === 'win32') {
    const name = process.platform === 'darwin' ? 'macOS' : 'Windows'
    const ways =
      process.platform === 'darwin'
        ? 'a virtual machine (see vm/README.md) or a dev container'
        : 'WSL2, a virtual machine (see vm/README.md) or a dev container'
    return `drydock makes containers with the Linux kernel, and ${name} has none.\nUse ${ways}, and run the same command there.`
  }
  if (process.platform !== 'linux')
    return `drydock makes containers with the Linux kernel; this is ${process.platform}.\nUse a Linux machine or a virtual machine (see vm/README.md).`
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return `drydock needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).\nInstall a newer one, for example with nvm (\`nvm install 22\`) or from https://nodejs.org/en/download.`
  }
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    return `drydock knows x86-64 and arm64 machines; this is ${process.arch}.\nUse a machine or a virtual machine of one of these kinds.`
  return undefined
}

/** Set up what is missing. A sentence when that fails, undefined when all is there. */
function setUp({ yes, command }) {
  const lock = hashOf(path.join(ROOT, 'package-lock.json'))
  const dependencies = read(STAMP) === lock
  const native = nativeIsBuilt()
  if (dependencies && native) return undefined

  const needed = ['make', 'cc'].concat(dependencies ? [] : ['c++', 'python3'])
  const missing = needed.filter((name) => !findCommand(name))
  if (missing.length > 0) {
    if (!yes || !installPackages(missing)) {
      return `drydock builds a small C program${dependencies ? '' : ' and a terminal module'} and lacks: ${missing.join(', ')}.\nInstall ${missing.length > 1 ? 'them' : 'it'} with: ${installHint(missing)}`
    }
  }
  if (!dependencies) {
    const failure = run('dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
    if (failure) return failure
    fs.writeFileSync(STAMP, lock)
    own(STAMP)
  }
  if (!nativeIsBuilt()) {
    const failure = run('native part', 'make', ['-s', '-C', 'native'])
    if (failure) return failure
  }
  if (command !== 'test' && process.stderr.isTTY) process.stderr.write('drydock: ready\n\n')
  return undefined
}

/** The shim is there and no source is newer. */
function nativeIsBuilt() {
  const folder = path.join(ROOT, 'native')
  try {
    const built = Math.min(
      fs.statSync(path.join(folder, 'build/shim')).mtimeMs,
      fs.statSync(path.join(folder, 'build/constants.json')).mtimeMs,
    )
    return fs
      .readdirSync(folder)
      .filter((name) => /\.([ch]|def)$|^Makefile$/.test(name))
      .every((name) => fs.statSync(path.join(folder, name)).mtimeMs <= built)
  } catch {
    return false
  }
}

/** Run one part of the set-up behind a progress line; its own words are shown only when it fails. */
function run(what, command, args) {
  const began = Date.now()
  process.stderr.write(`drydock: setting up, ${what} …`)
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...invoker(),
  })
  const seconds = ((Date.now() - began) / 1000).toFixed(0)
  if (result.error) {
    process.stderr.write(' failed\n')
    return `drydock: ${command} cannot be run: ${result.error.message}`
  }
  if (result.status !== 0) {
    process.stderr.write(' failed\n')
    const said = `${result.stdout}${result.stderr}`.trim().split('\n').slice(-20).join('\n')
    return `drydock: \`${command} ${args.join(' ')}\` failed${said ? `:\n${said}` : ''}\nMend that and run the same command again; what is set up already is kept.`
  }
  process.stderr.write(` done (${seconds} s)\n`)
  return undefined
}

/** Under sudo the checkout is the invoking user's: what is made in it must be too. */
function invoker() {
  const uid = Number(process.env.SUDO_UID)
  const gid = Number(process.env.SUDO_GID)
  if (process.geteuid() !== 0 || !uid || !gid || fs.statSync(ROOT).uid !== uid) return {}
  return { uid, gid, env: { ...process.env, HOME: path.dirname(ROOT), npm_config_cache: path.join(ROOT, 'node_modules', '.cache', 'npm') } }
}

function own(file) {
  const { uid, gid } = invoker()
  if (uid) fs.chownSync(file, uid, gid)
}

function hashOf(file) {
  return crypto.createHash('sha256').update(fs.readFileSync(file)).update(process.versions.modules).digest('hex')
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

module.exports = { checkPlatform, setUp }
