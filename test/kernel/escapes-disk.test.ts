/** What a container leaves on the host's disk while it is there, and how it is removed: both are an attacker's to shape. */
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect } from 'vitest'
import { AttackedHost, CANARY, ESCAPE_NEEDS } from '../support/escape.js'
import { DRYDOCK } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'

const test = requires(...ESCAPE_NEEDS)

let attacked: AttackedHost
beforeAll(async () => {
  if (missing(ESCAPE_NEEDS).length === 0) attacked = await AttackedHost.open()
})
afterAll(() => attacked?.close())

/** May this path be executed on the host by root, or by a user who is nobody in particular? access(2). */
async function executable(path: string, uid: number): Promise<boolean> {
  const script =
    'process.setgroups([]); process.setgid(+process.argv[2]); process.setuid(+process.argv[2]); fs.accessSync(process.argv[1], 1)'
  return (await attacked.host.run([process.execPath, '-e', script, path, String(uid)])).exitCode === 0
}

test('setuid programs in a layer or a named volume: no user of the host reaches them (CVE-2021-41091)', async () => {
  // Root inside is root outside, so its setuid file would make root of whoever may execute it. The directories above are closed to others (0710), also
  // where the data root itself is made by this very command.
  const dataRoot = '/run/fresh/drydock'
  const script =
    'for d in / /hold; do cp /bin/busybox $d/rooted; chmod 4755 $d/rooted; done; cp /bin/busybox /etc/hostname; chmod 4755 /etc/hostname'
  const flags = ['--name', 'layer', '--network', 'none', '-v', 'volume:/hold', '--rootfs', attacked.image]
  const drydock = (...args: string[]) => attacked.host.run(['env', `DRYDOCK_DATA_ROOT=${dataRoot}`, process.execPath, DRYDOCK, ...args])
  expect((await drydock('run', ...flags, 'sh', '-c', script)).exitCode).toBe(0)
  const [id] = readdirSync(attacked.host.path(`${dataRoot}/containers`))
  for (const path of [`overlay/${id}/diff/rooted`, 'volumes/volume/_data/rooted', `containers/${id}/hostname`]) {
    expect([await executable(`${dataRoot}/${path}`, 0), await executable(`${dataRoot}/${path}`, 65534)], path).toEqual([true, false])
  }
  expect((await drydock('rm', 'layer')).exitCode).toBe(0)
})

test('a layer that is hard to remove is removed, and nothing that its links name', async () => {
  // remove_tree (native/tree.c) goes by descriptors, follows no link and crosses no mount.
  const before = attacked.state()
  // From the inside out: in the end its path is three times as long as a path may be (PATH_MAX).
  const long = 'd'.repeat(200)
  const { exitCode, stderr } = await attacked.sh(
    [],
    `mkdir /deep; echo x > /deep/file; ln -s ${CANARY} /deep/link
i=0; while [ $i -lt 60 ]; do mkdir /around && mv /deep /around/${long} && mv /around /deep || exit 9; i=$((i+1)); done
mkdir /links; cd /links; ln -s ${CANARY} a; ln -s / b; ln -s ../../../../../../../..${CANARY}/directory c; ln -s /proc/1/root d; ln -s . e
mkdir /closed; echo x > /closed/file; chmod 0 /closed; mknod /fifo p; mknod /null c 1 3; mknod /disk b 7 0
touch /-rf "/new
line" "/ " "/*"; rm -r /bin/sleep; exit 0`,
  )
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(readdirSync(attacked.host.path('/var/lib/drydock/overlay'))).toEqual([])
  expect(attacked.state()).toEqual(before)
})

test('an image whose path has the separators of overlay’s options in it brings no other layer in', async () => {
  // Layers are named by descriptors (fsconfig lowerdir+), or one option's text in which separators are escaped.
  const image = await attacked.prepare('true')
  const odd = `${image}:${CANARY},x\\y`
  expect((await attacked.host.run(['sh', '-c', 'mkdir -p "$1" && cp -a "$0/." "$1"', image, odd])).exitCode).toBe(0)
  expect(await attacked.runImage(odd, [], 'sh', '-c', 'test -x /bin/busybox && ! test -e /file')).toMatchObject({ exitCode: 0 })
})
