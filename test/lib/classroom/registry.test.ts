/** `npm run registry`: begins, fills, keeps, says what is missing, and leaves nothing running. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endHostSpawner } from '../../../lib/bottle.js'
import { ownDistribution, ownMirror } from '../../../lib/classroom/apt.js'
import { archiveTree, imageOf } from '../../../lib/classroom/layer.js'
import { publish } from '../../../lib/classroom/publish.js'
import { parseListen, startServer } from '../../../lib/classroom/server.js'
import { processIds } from '../../../lib/kernel/proc/processes.js'
import { findCommand } from '../../../lib/tutor/packages.js'
import { runAsOrdinaryUser } from '../../support/ordinary.js'
import { requires } from '../../support/requires.js'
import { TerminalSession } from '../../support/terminal.js'

const root = join(import.meta.dirname, '../../..')
const START = [join(root, 'scripts/start.cjs'), 'registry']
const CTRL_C = '\x03'

let home: string
let env: NodeJS.ProcessEnv
let port: number
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'drydock-classroom-'))
  env = { DRYDOCK_DATA_ROOT: join(home, 'data'), DRYDOCK_RUN_DIR: join(home, 'run'), NO_COLOR: '1' }
  port = await freePort()
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

const place = () => `127.0.0.1:${port}`
const run = (...args: string[]) => execa(process.execPath, [...START, '--listen', place(), ...args], { reject: false, env, cwd: root })

/** Processes of docker-registry that serve from this test’s directory. */
const left = () =>
  processIds().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(home, 'data'))
    } catch {
      return false
    }
  })

async function noneLeft(): Promise<void> {
  for (const end = Date.now() + 20_000; left().length > 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 25))
  expect(left()).toEqual([])
}

/** An image of one file, put where the real one would be: what is in it does not matter to who finds it there. */
async function putSmall(url: string, name: string, tag: string) {
  const tree = join(home, 'tree')
  mkdirSync(tree, { recursive: true })
  writeFileSync(join(tree, 'file'), name)
  await archiveTree(tree, join(home, 'small.tar'))
  const image = await imageOf(join(home, 'small.tar'), { Cmd: ['/file'] }, 'a test')
  await publish(url, name, tag, image)
  return image
}

/** A registry with a small image under this name, as an earlier start would have left it. */
async function filledBefore(name: string, tag: string): Promise<void> {
  const kept = { ...process.env }
  Object.assign(process.env, env)
  try {
    const server = await startServer(findCommand('docker-registry') as string, parseListen(place()))
    await putSmall(server.url, name, tag)
    await server.stop()
    await endHostSpawner()
  } finally {
    for (const variable of Object.keys(env)) delete process.env[variable]
    Object.assign(process.env, kept)
  }
  await noneLeft()
}

describe.skipIf(requires('command:docker-registry') !== test)('npm run registry', { timeout: 120_000 }, () => {
  test('keeps what it has: the second start makes nothing, and Ctrl-C leaves nothing running', async () => {
    await filledBefore('library/busybox', 'latest')
    const session = new TerminalSession(process.execPath, [...START, '--listen', place(), '--only', 'busybox'], {
      cwd: root,
      env: { ...process.env, ...env },
    })
    await session.see('busybox:latest       0.0 MB, was there already')
    await session.see('Ctrl-C stops it.')
    const answer = await fetch(`http://${place()}/v2/library/busybox/tags/list`)
    expect(await answer.json()).toEqual({ name: 'library/busybox', tags: ['latest'] })
    session.type(CTRL_C)
    await session.see('The registry has stopped.')
    expect(await session.ended()).toBe(0)
    await noneLeft()
  })

  test('--fill ends by itself', async () => {
    await filledBefore('library/busybox', 'latest')
    const { exitCode, stdout, stderr } = await run('--fill', '--only', 'busybox')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain(`drydock pull ${place()}/library/busybox`)
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([])
    await noneLeft()
  })

  test('killed at any moment, it takes the registry along', async () => {
    for (const wait of [300, 900, 1500]) {
      const child = execa(process.execPath, [...START, '--listen', place(), '--only', 'busybox'], { reject: false, env, cwd: root })
      await new Promise((resolve) => setTimeout(resolve, wait))
      child.kill('SIGKILL')
      await child
      await noneLeft()
    }
  })

  test('a port that is taken, an image that is not known, and a place that is none are said in a sentence', async () => {
    const server = createServer().listen(port, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const taken = await run('--fill', '--only', 'busybox')
    await new Promise((resolve) => server.close(resolve))
    expect(taken).toMatchObject({ exitCode: 1, stdout: '' })
    expect(taken.stderr).toBe(
      `drydock: the registry cannot begin: ${place()} is taken, perhaps by another registry; name another place with -- --listen ADDRESS:PORT`,
    )
    expect((await run('--only', 'windows')).stderr).toBe(
      "drydock: there is no image 'windows' to fill the registry with; there are: busybox, lifeboat, debian",
    )
    expect((await execa(process.execPath, [...START, '--listen', 'here'], { reject: false, env, cwd: root })).stderr).toMatch(
      /^drydock: 'here' is no place to listen/,
    )
    await noneLeft()
  })

  test('the same files are packed into the same bytes', async () => {
    const pack = async (name: string) => {
      const tree = join(home, name)
      mkdirSync(tree)
      for (const file of name === 'one' ? ['b', 'a'] : ['a', 'b']) writeFileSync(join(tree, file), file)
      await archiveTree(tree, join(home, `${name}.tar`))
      return (await imageOf(join(home, `${name}.tar`), {}, 'a test')).manifest.descriptor.digest
    }
    const first = await pack('one')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(await pack('two')).toBe(first)
  })
})

test('says what is missing, and the command that installs it', async () => {
  const { exitCode, stderr } = await execa(process.execPath, START, {
    reject: false,
    cwd: root,
    env: { ...env, PATH: '/nonexistent' },
    extendEnv: false,
  })
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^drydock: docker-registry is not installed: .*docker-registry$/)
})

/** Where apt can fetch nothing these say so: making an image takes packages. */
async function mirrorAnswers(): Promise<boolean> {
  const own = ownDistribution()
  if (!own) return false
  try {
    const url = `${(await ownMirror(own)).replace(/\/$/, '')}/dists/${own.codename}/InRelease`
    const file = join(tmpdir(), `drydock-mirror-${process.pid}`)
    const { exitCode } = await execa('/usr/lib/apt/apt-helper', ['-o', 'Acquire::Retries=0', 'download-file', url, file], {
      reject: false,
      timeout: 20_000,
    })
    rmSync(file, { force: true })
    return exitCode === 0
  } catch {
    return false
  }
}

const reachable = requires('command:docker-registry', 'command:apt-get', 'command:dpkg-deb') === test && (await mirrorAnswers())
if (!reachable) console.warn('skipped: images from Debian’s packages: docker-registry, apt and a mirror that answers are needed')

describe.skipIf(!reachable)('images from the distribution’s packages', { timeout: 300_000 }, () => {
  /** Everything in the one layer of an image, in a directory. */
  async function unpacked(name: string, tag: string): Promise<string> {
    const repositories = join(home, 'data/registry/storage/docker/registry/v2')
    const blob = (digest: string) => join(repositories, 'blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data')
    const link = readFileSync(join(repositories, 'repositories', name, '_manifests/tags', tag, 'current/link'), 'utf8')
    const manifest = JSON.parse(readFileSync(blob(link), 'utf8')) as { layers: { digest: string }[] }
    const tree = join(home, 'unpacked')
    rmSync(tree, { recursive: true, force: true })
    mkdirSync(tree)
    await execa('tar', ['-xz', '--no-same-owner', '-f', blob(manifest.layers[0]?.digest ?? ''), '-C', tree])
    return tree
  }

  test('busybox and lifeboat run, and the second has rpm', async () => {
    const { exitCode, stdout } = await run('--fill', '--only', 'busybox', 'lifeboat')
    expect(exitCode, stdout).toBe(0)
    const isRoot = process.geteuid?.() === 0
    const inside = async (tree: string, script: string) =>
      (
        await execa('unshare', [...(isRoot ? [] : ['-r']), 'chroot', tree, '/bin/sh', '-c', script], {
          env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        })
      ).stdout
    expect(
      await inside(await unpacked('library/busybox', 'latest'), '. /etc/os-release; echo $ID; [ -x /usr/bin/apt-get ] || echo none'),
    ).toBe('busybox\nnone')
    const lifeboat = await unpacked('library/lifeboat', 'latest')
    const script = '. /etc/os-release; echo $ID; command -v rpm apt-get dpkg; rpm --version; rpm -qa && echo empty'
    expect(await inside(lifeboat, script)).toMatch(/^lifeboat\n\/usr\/s?bin\/rpm\nRPM version .*\nempty$/)
    expect(readFileSync(join(lifeboat, 'etc/os-release'), 'utf8')).toContain('of Debian’s busybox and rpm')
    await noneLeft()
  })

  requires('command:mmdebstrap')('another release of Debian is another one', async () => {
    const { exitCode, stdout } = await run('--fill', '--only', 'debian')
    expect(exitCode, stdout).toBe(0)
    const tag = /debian:(\S+)/.exec(stdout)?.[1] ?? ''
    const text = readFileSync(join(await unpacked('library/debian', tag), 'etc/os-release'), 'utf8')
    expect(text).toContain(`VERSION_CODENAME=${tag}`)
    expect(tag).not.toBe(ownDistribution()?.codename)
  })

  requires(
    'root',
    'command:mmdebstrap',
    'command:unshare',
  )('Ctrl-C in the middle ends all of it at once', async () => {
    const session = new TerminalSession(process.execPath, [...START, '--listen', place(), '--only', 'debian'], {
      cwd: root,
      env: { ...process.env, ...env },
    })
    await session.see('is being made')
    await new Promise((resolve) => setTimeout(resolve, 4000))
    session.type(CTRL_C)
    await session.see('The registry has stopped.')
    expect(await session.ended()).toBe(0)
    expect(session.text, 'it was not made to its end first').not.toContain('made in')
    await noneLeft()
    expect(readdirSync(join(home, 'data/registry/work')).filter((name) => name !== 'packages')).toEqual([])
  })

  requires('command:setpriv', 'user-namespaces')('an ordinary user has busybox too', async () => {
    const { exitCode, stdout, stderr } = await runAsOrdinaryUser(
      ['node', join(root, 'scripts/start.cjs'), 'registry', '--listen', place(), '--fill', '--only', 'busybox'],
      { cwd: root, env: { NO_COLOR: '1' } },
    )
    expect(exitCode, `${stderr}${stdout}`).toBe(0)
    expect(stdout).toMatch(/busybox:latest +\d\.\d MB, made in/)
  })
})
