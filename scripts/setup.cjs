/*
 * What a fresh clone lacks: dependencies, the native part, and before them a system that can have both. Nothing is done when
 * nothing is missing, and finding that out costs a few file stats. Plain JavaScript that Node 16 can parse.
 */
'use strict'

const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { stripVTControlCharacters } = require('node:util')
const { findCommand, installHint, installPackages } = require('./packages.cjs')

const ROOT = path.join(__dirname, '..')
const OLDEST = [20, 17]
const STAMP = path.join(ROOT, 'node_modules', '.drydock-lock')
const LOCK = path.join(ROOT, '.setup-lock')
const TERMINAL_MODULE = path.join(ROOT, 'node_modules/node-pty/build/Release/pty.node')

/** Two lines for who cannot go on here, or undefined. `machine` has what is read of `process`. */
function checkPlatform(machine = process) {
  const { platform, arch, execPath } = machine
  if (platform === 'darwin' || platform === 'win32') {
    const name = platform === 'darwin' ? 'macOS' : 'Windows'
    const ways =
      platform === 'darwin'
        ? 'a virtual machine (see vm/README.md) or a dev container'
        : 'WSL2, a virtual machine (see vm/README.md) or a dev container'
    return `drydock makes containers with the Linux kernel, and ${name} has none.\nUse ${ways}, and run the same command there.`
  }
  if (platform !== 'linux')
    return `drydock makes containers with the Linux kernel; this is ${platform}.\nUse a Linux machine or a virtual machine (see vm/README.md).`
  const [major, minor] = machine.versions.node.split('.').map(Number)
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return `drydock needs Node ${OLDEST.join('.')} or newer; this is ${machine.versions.node} (${execPath}).\nInstall a newer one, for example with nvm (\`nvm install 22\`) or from https://nodejs.org/en/download.`
  }
  if (arch !== 'x64' && arch !== 'arm64')
    return `drydock knows x86-64 and arm64 machines; this is ${arch}.\nUse a machine or a virtual machine of one of these kinds.`
  return undefined
}

/** Set up what is missing. A sentence when that fails, undefined when all is there. */
function setUp({ yes, command }) {
  if (isSetUp()) return undefined
  const release = waitForTurn()
  try {
    // Another terminal may have done it meanwhile.
    return isSetUp() ? undefined : setUpMissing({ yes, command })
  } finally {
    release()
  }
}

const isSetUp = () => read(STAMP) === hashOf(path.join(ROOT, 'package-lock.json')) && nativeIsBuilt()

/** Two set-ups at once would take the packages away under each other. Returns what ends this one's turn. */
function waitForTurn() {
  const release = () => fs.rmSync(LOCK, { force: true })
  for (let told = false; ; ) {
    try {
      const file = fs.openSync(LOCK, 'wx')
      try {
        fs.writeSync(file, String(process.pid))
      } catch (error) {
        release()
        throw error
      } finally {
        fs.closeSync(file)
      }
      return release
    } catch (error) {
      // A directory that cannot be written, or a full disk, is for npm and make to complain about, who say more.
      if (error.code !== 'EEXIST') return () => {}
    }
    const holder = read(LOCK)
    if (isLeft(holder)) breakLock(holder)
    else if (!told) {
      process.stderr.write('drydock: another terminal is setting up; waiting for it …\n')
      told = true
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  }
}

/** Seconds that nobody needs between making the lock and writing his number into it. */
const EMPTY = 5

/** No process: whoever it was has been killed. No number: it is being written just now, or never was (a full disk, a machine that went down). */
function isLeft(holder) {
  if (holder === undefined) return false
  if (Number(holder) > 0) return !fs.existsSync(`/proc/${Number(holder)}`)
  const found = fs.statSync(LOCK, { throwIfNoEntry: false })
  return found !== undefined && Math.abs(Date.now() - found.mtimeMs) > EMPTY * 1000
}

/** Of several who find the same dead holder one breaks its lock, and then only if it is still that one's. */
function breakLock(holder) {
  const guard = `${LOCK}.${Number(holder)}`
  try {
    fs.writeFileSync(guard, '', { flag: 'wx' })
  } catch {
    return
  }
  if (read(LOCK) === holder) fs.rmSync(LOCK, { force: true })
  fs.rmSync(guard, { force: true })
}

function setUpMissing({ yes, command }) {
  const lock = hashOf(path.join(ROOT, 'package-lock.json'))
  const dependencies = read(STAMP) === lock
  const needed = ['make', 'cc'].concat(dependencies ? [] : ['c++', 'python3'])
  const missing = needed.filter((name) => !findCommand(name))
  if (missing.length > 0) {
    if (!yes || !installPackages(missing)) {
      return `drydock builds a small C program${dependencies ? '' : ' and a terminal module'} and lacks: ${missing.join(', ')}.\nInstall ${missing.length > 1 ? 'them' : 'it'} with: ${installHint(missing)}`
    }
  }
  if (!dependencies) {
    const failure = npm('dependencies', ['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'])
    if (failure) return failure
    if (!fs.existsSync(TERMINAL_MODULE)) {
      return `drydock: npm left out the install scripts of packages (\`ignore-scripts\` is set), so the terminal module is not built.\nBuild it with: npm rebuild node-pty --ignore-scripts=false`
    }
    fs.writeFileSync(STAMP, lock)
    own(STAMP)
  }
  if (!nativeIsBuilt()) {
    const failure = run('native part', ['make', '-s', '-C', 'native'])
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

/** The npm that came with this Node: sudo's PATH may find another one, or none. */
function npm(what, args) {
  const own = process.env.npm_execpath
  return run(what, own?.endsWith('npm-cli.js') ? [process.execPath, own, ...args] : ['npm', ...args], `npm ${args[0]}`)
}

/** Run one part of the set-up behind a progress line; its own words are shown only when it fails. */
function run(what, [command, ...args], name = `${command} ${args.join(' ')}`) {
  const began = Date.now()
  process.stderr.write(`drydock: setting up, ${what} …`)
  const user = invoker()
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...user,
    env: environment(user),
  })
  if (!error && status === 0) {
    process.stderr.write(` done (${((Date.now() - began) / 1000).toFixed(0)} s)\n`)
    return undefined
  }
  process.stderr.write(' failed\n')
  if (error) return `drydock: ${command} cannot be run: ${error.message}`
  const said = gist(`${stdout}${stderr}`)
  return `drydock: \`${name}\` failed${said ? `:\n${said}` : ''}\nMend that and run the same command again; what is set up already is kept.`
}

/** Programs that this one starts find the same Node; with another user's rights, not the first user's cache and settings of npm. */
function environment(user) {
  const env = { ...process.env }
  const found = findCommand('node')
  if (!found || fs.realpathSync(found) !== fs.realpathSync(process.execPath)) env.PATH = `${path.dirname(process.execPath)}:${env.PATH}`
  const headers = ownHeaders()
  if (headers && !env.npm_config_nodedir) Object.assign(env, { npm_config_nodedir: headers, npm_package_config_node_gyp_nodedir: headers })
  if (user.uid) for (const name of ['cache', 'userconfig', 'init_module', 'logs_dir']) delete env[`npm_config_${name}`]
  return { ...env, ...user.env }
}

/** The directory that has this Node's own C headers, as its usual packages bring them; without it node-gyp downloads them. */
function ownHeaders() {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)))
  const header = read(path.join(prefix, 'include/node/node_version.h')) || ''
  const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) => (new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(header) || [])[1])
  return version.join('.') === process.versions.node ? prefix : undefined
}

const LONGEST_GIST = 16

/** Lines of npm, node-gyp and Node that are no reason. */
const NOISE =
  /^(npm (warn|notice)|> |\(node:|\(Use `node|gyp (info|http|verb)|gyp ERR! (cwd|node -v|node-gyp -v|System|command|not ok|\$npm|stack +at))/

/** What a person needs of what npm or make printed: its reason stands first, or last; usage, progress and empty lines go. */
function gist(text) {
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.replace(/^npm error ?/, '').trimEnd())
    .filter((line) => line && !NOISE.test(line))
  const usage = lines.findIndex((line) => /^(Usage:|Clean install a project)/.test(line))
  const kept = usage < 0 ? lines : lines.slice(0, usage).concat(lines.filter((line) => /complete log/.test(line)))
  if (kept.length <= LONGEST_GIST) return kept.join('\n')
  return [...kept.slice(0, LONGEST_GIST / 2), '…', ...kept.slice(-LONGEST_GIST / 2)].join('\n')
}

/** Under sudo the checkout is the invoking user's: what is made in it must be too. */
function invoker() {
  const uid = Number(process.env.SUDO_UID)
  const gid = Number(process.env.SUDO_GID)
  if (process.geteuid() !== 0 || !uid || !gid || fs.statSync(ROOT).uid !== uid) return {}
  return { uid, gid, env: { HOME: homeOf(uid) || path.dirname(ROOT) } }
}

/** As /etc/passwd has it; npm keeps its cache and settings there. */
function homeOf(uid) {
  const lines = (read('/etc/passwd') || '').split('\n').map((line) => line.split(':'))
  const found = lines.find((fields) => fields[2] === String(uid))
  return found?.[5]
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

module.exports = { checkPlatform, gist, setUp }
