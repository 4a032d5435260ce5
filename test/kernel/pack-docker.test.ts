/** The same upper directory, packed and compared by a Docker daemon and by us. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { changes, packLayer, packTree } from '../../lib/image/pack/index.js'
import { collect, linesOf } from '../support/layers.js'
import { missing, type Requirement, requires } from '../support/requires.js'
import { readTar } from '../support/tar.js'

const NEEDS: Requirement[] = ['root', 'command:dockerd', 'command:docker', 'command:setfattr']

const LOWER = `
  mkdir -p etc usr/bin usr/lib/deep var/opaque var/kept var/many old/tree/of/files
  for f in etc/a etc/b etc/c usr/lib/deep/f var/opaque/x var/opaque/y old/tree/of/files/f; do echo $f > $f; done
  for i in 1 2 3 4 5; do echo $i > var/many/$i; done
  echo prog > usr/bin/prog; chmod 4755 usr/bin/prog; cp usr/bin/prog usr/bin/tool; ln -s tool usr/bin/link; mkdir file-later; echo d > dir-later`

const UPPER = `
  echo more >> etc/a; rm etc/b; touch -d @1 etc/c; chmod 644 usr/lib/deep/f; rm -r old/tree; mkdir -p old/tree/new
  rm -r var/opaque; mkdir var/opaque; echo z > var/opaque/z; echo x > var/opaque/x; rm var/many/*; chmod 700 var/kept
  chown 5:6 usr/bin/prog; mv usr/bin/tool usr/bin/moved; rm usr/bin/link; ln -s moved usr/bin/link
  rmdir file-later; echo f > file-later; rm dir-later; mkdir dir-later; echo in > dir-later/in
  mkdir -p new/a/b; echo one > new/a/one; ln new/a/one new/a/b/two; ln -s nowhere new/dangling; mkfifo new/fifo; mknod new/null c 1 3
  setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 usr/bin/moved; setfattr -n user.note -v text new/a/one
  mkdir -m 1777 tmp; echo t > "tmp/$(printf 'new\\nline')"; echo long > tmp/$(printf %0150d 0); echo u > tmp/$(printf '\\303\\274')
  : > tmp/empty; rm -r var/many; mkdir new/.hidden; chown 70000:70000 new/.hidden; echo back > usr/bin/tool`

const program = join(import.meta.dirname, '../support/docker-layers.sh')

let place: string
let upper: string
let lowers: string[]

beforeAll(() => {
  if (missing(NEEDS).length > 0) return
  place = mkdtempSync('/var/tmp/drydock-docker-')
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--net', '--propagation', 'private']
  execFileSync('unshare', [...namespaces, 'sh', program, place, LOWER, UPPER], { stdio: ['ignore', 'ignore', 'pipe'], timeout: 90_000 })
  const told = (name: string) => readFileSync(join(place, name), 'utf8').trim()
  upper = told('upper')
  lowers = told('lowers').split(':')
}, 120_000)

afterAll(() => {
  if (place) rmSync(place, { recursive: true, force: true })
})

/** The layer that the commit has added: the last one in the archive's list. */
function committed(): Buffer {
  const archive = readTar(readFileSync(join(place, 'save.tar')))
  const file = (name: string) => archive.find(({ path }) => path.toString() === name)?.content as Buffer
  const [manifest] = JSON.parse(file('manifest.json').toString()) as [{ Layers: string[] }]
  return file(manifest.Layers.at(-1) as string)
}

describe('what Docker makes of the same directory', () => {
  requires(...NEEDS)('docker diff', async () => {
    const docker = readFileSync(join(place, 'diff'), 'utf8').trim().split('\n').sort()
    const found = (await changes(upper, lowers)).map(({ kind, path }) => `${kind} ${path}`)
    expect(docker.length).toBeGreaterThan(30)
    expect(found.join('\n').split('\n').sort()).toEqual(docker)
  })

  requires(...NEEDS)('docker commit: the same entries in the same order', async () => {
    // Docker cuts times to seconds.
    const docker = linesOf(committed(), { fraction: false })
    expect(docker.some((line) => line.includes('security.capability'))).toBe(true)
    expect(linesOf(await collect(packLayer(upper, { lowers })), { fraction: false })).toEqual(docker)
  })

  requires(...NEEDS)('docker export', async () => {
    const docker = linesOf(readFileSync(join(place, 'export.tar')), { fraction: false })
    expect(linesOf(await collect(packTree([upper, ...lowers])), { fraction: false })).toEqual(docker)
  })
})
