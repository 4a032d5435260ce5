/** The same container's files, told, read and written by a Docker daemon and by us. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Engine } from '../../lib/engine/index.js'
import type { PathStat } from '../../lib/engine/types.js'
import { importImage } from '../../lib/image/import.js'
import { parseReference } from '../../lib/image/reference.js'
import { Store } from '../../lib/image/store/index.js'
import { removeTrees } from '../../lib/image/store/tree.js'
import { collect, linesOf } from '../support/layers.js'
import { missing, type Requirement, requires } from '../support/requires.js'
import { tarOf } from '../support/tar-of.js'

const NEEDS: Requirement[] = ['root', 'command:dockerd', 'command:docker', 'command:curl']

const LOWER = `mkdir -p d/sub/deep tgt/dir etc; echo hi > d/f; chmod 4751 d/f; ln -s f d/l; ln -s /d dl; ln -s nowhere d/dang; ln -s ../../../../etc/passwd d/out
  ln -s /d/l d/chain; mkfifo d/p; mknod d/null c 1 3; chmod 1777 d/sub; ln d/f d/hard; ln -s loop2 d/loop1; ln -s loop1 d/loop2; ln -s /vol/x d/tovol; ln -s /tgt lk
  echo root:x:0:0::/:/bin/sh > etc/passwd; chown 5:6 d/sub/deep; touch -d '2020-01-02 03:04:05.5' d/f; echo old > tgt/old; echo in > tgt/dir/in
  mkdir -p vol rov; find . -exec touch -h -d '2021-02-03 04:05:06' {} +`

const PATHS =
  `/d /d/ /d/. /d/f /d/f/ /d/f/. /d/f/x /d/l /d/l/ /d/chain /d/dang /d/out /d/p /d/null /d/tovol /d/loop1 /d/loop1/x /d/sub /d/sub/deep /d/hard
  /dl /dl/ /dl/. /dl/f /lk/ ../../d d /nosuch /d/nosuch/x /tgt /tgt/. /vol /vol/. /etc/passwd`.split(/\s+/)

/** Archives, where they go, with which options. */
const PUTS = [
  [
    '/tgt',
    '',
    tarOf(
      { path: 'a/', mode: 0o2750, uid: 7 },
      { path: 'a/f', content: 'one', mode: 0o751, uid: 5, gid: 6 },
      { path: 'a/l', type: 'symlink', linkPath: 'f' },
      { path: 'a/h', type: 'hardlink', linkPath: 'a/f', mode: 0o751, uid: 5, gid: 6 },
      { path: 'a/p', type: 'fifo' },
      { path: '/abs', content: 'x' },
    ),
  ],
  ['/tgt', '', tarOf({ path: 'old', content: 'new' }, { path: 'dir/', mode: 0o700 })],
  ['/tgt', 'noOverwriteDirNonDir=true', tarOf({ path: 'dir', content: 'file' })],
  ['/tgt', 'noOverwriteDirNonDir=true', tarOf({ path: 'old/' })],
  ['/tgt', '', tarOf({ path: 'dir', content: 'file' })],
  ['/lk', '', tarOf({ path: 'linked', content: 'x' })],
  ['/', '', tarOf({ path: 'lk/through', content: 'x' })],
  ['/tgt', '', tarOf({ path: '../../evil', content: 'x' })],
  ['/tgt', '', tarOf({ path: '.wh.old', content: '' })],
  ['/nosuch', '', tarOf()],
  ['/d/f', '', tarOf()],
  ['/d/l', '', tarOf()],
  ['/rov', '', tarOf({ path: 'x', content: 'x' })],
  ['/vol', '', tarOf({ path: 'v', content: 'v' })],
  ['/tgt', '', Buffer.alloc(0)],
] as const

let place: string
let engine: Engine
let id: string

beforeAll(async () => {
  if (missing(NEEDS).length > 0) return
  place = mkdtempSync('/var/tmp/drydock-docker-')
  writeFileSync(join(place, 'paths'), `${PATHS.join('\n')}\n`)
  writeFileSync(join(place, 'puts'), PUTS.map(([path, options], at) => `${at} ${path} ${options}\n`).join(''))
  for (const [at, [, , archive]] of PUTS.entries()) writeFileSync(join(place, `${at}.tar`), archive)
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--net', '--propagation', 'private']
  const script = join(import.meta.dirname, '../support/docker-copies.sh')
  execFileSync('unshare', [...namespaces, 'sh', script, place, LOWER], { stdio: ['ignore', 'ignore', 'pipe'], timeout: 90_000 })

  const root = join(place, 'drydock')
  for (const name of ['volume', 'fixed']) mkdirSync(join(root, name), { recursive: true })
  const packed = execFileSync('tar', ['-C', join(place, 'lower'), '-cf', '-', '.'], { maxBuffer: 1e8 })
  await importImage(Readable.from([packed]), { store: new Store(root), reference: parseReference('base'), changes: [] })
  engine = await Engine.open({ dataRoot: root })
  const Binds = [`${root}/volume:/vol`, `${root}/fixed:/rov:ro`]
  id = (await engine.containers.create({ Image: 'base', Cmd: ['/none'], HostConfig: { NetworkMode: 'none', Binds } }, {})).Id
}, 120_000)

afterAll(async () => {
  await engine?.containers.remove(id, { force: true })
  await engine?.close()
  if (!place) return
  await removeTrees(['overlay', 'images', 'containers'].map((name) => join(place, 'drydock', name)))
  rmSync(place, { recursive: true, force: true })
})

/** What Docker answered: its stat, and the archive as lines; or its sentence. */
function docker(when: string, at: number) {
  const head = readFileSync(join(place, `${when}${at + 1}.head`), 'utf8')
  const file = join(place, `${when}${at + 1}`)
  const body = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
  const code = /^HTTP\/\S+ (\d+)/.exec(head)?.[1]
  if (code !== '200') return { message: sentence((JSON.parse(body.toString()) as { message: string }).message), found: code !== '404' }
  const encoded = /^X-Docker-Container-Path-Stat: (\S+)/im.exec(head)?.[1] as string
  const stat = JSON.parse(Buffer.from(encoded, 'base64').toString()) as PathStat
  return { stat: comparable(stat), lines: linesOf(body, { fraction: false }).map(undated) }
}

async function ours(path: string) {
  try {
    const { stat, archive } = await engine.containers.read(id, path)
    return { stat: comparable(stat), lines: linesOf(await collect(archive), { fraction: false }).map(undated) }
  } catch (error) {
    const { message, status } = error as Error & { status: number }
    return { message: sentence(message), found: status !== 404 }
  }
}

/** What was changed by the test itself was changed by the two at different moments. */
const undated = (line: string) => line.replace(/(?<= )\d{10}(?= )/, (seconds) => (Number(seconds) > FIXED ? 'now' : seconds))
/** Later than all times that the test has set, in seconds. */
const FIXED = 1_650_000_000

/** A directory's size and time are its file system's; Docker's are of another one. */
const comparable = ({ name, mode, linkTarget, size, mtime }: PathStat) =>
  mode >= 2 ** 31 ? { name, mode, linkTarget } : { name, mode, linkTarget, size, mtime }

/** Without the names by which the two call the container, and the places where its files are on the host. */
const sentence = (message: string) =>
  message
    .replace(/(in container )(?:box|[0-9a-f]{64})/, '$1…')
    .replace(/\S*\/merged(?=\/)/, '')
    .replace(/^Error processing tar file\(exit status 1\): /, '')

/** Ours and Docker's say it in different words: which of the names is no directory, that no link can be followed so often, what lies outside. */
const OWN_WORDS =
  /^lstat \S+: not a directory|^(?:evalSymlinksInScope: too many links|too many links in|lstat \S+: too many levels)|is outside of/

describe('docker cp', () => {
  const compare = (when: string) => async () => {
    for (const [at, path] of PATHS.entries()) {
      const [theirs, own] = [docker(when, at), await ours(path)]
      if ('message' in theirs && 'message' in own && OWN_WORDS.test(theirs.message) && OWN_WORDS.test(own.message)) continue
      expect({ path, ...own }).toEqual({ path, ...theirs })
    }
  }

  requires(...NEEDS)('what is there, and an archive of it', compare('before'))

  requires(...NEEDS)('what is written, and what is refused', async () => {
    for (const [at, [path, options, archive]] of PUTS.entries()) {
      const body = existsSync(join(place, `put${at}`)) ? readFileSync(join(place, `put${at}`), 'utf8') : ''
      const theirs =
        readFileSync(join(place, `put${at}.code`), 'utf8') === '200' ? 'done' : sentence((JSON.parse(body) as { message: string }).message)
      const own = await engine.containers
        .write(id, path, Readable.from([archive]), { noOverwriteDirNonDir: options !== '', copyUidGid: false })
        .then(
          () => 'done',
          (error: Error) => sentence(error.message),
        )
      if (OWN_WORDS.test(theirs) && OWN_WORDS.test(own)) continue
      expect({ at, path, answer: own }).toEqual({ at, path, answer: theirs })
    }
  })

  requires(...NEEDS)('what is there then', compare('after'))
})
