/** The readers of /proc on what a bottle really has in it: odd names, layers, user namespaces, filters. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Bottle } from '../../lib/bottle.js'
import { capbset_drop, set_no_new_privs } from '../../lib/kernel/calls/credentials.js'
import { close, mkdir, open, write } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { clone } from '../../lib/kernel/calls/process.js'
import { readIdMaps, toOutside } from '../../lib/kernel/proc/idmap.js'
import { mountAt, overlayOf, propagationOf, readMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { differingNamespaces, readNamespaces } from '../../lib/kernel/proc/namespaces.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { child, host, type Pathname, ref, text } from '../../lib/kernel/step.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { program } from '../support/private-host.js'
import { requires } from '../support/requires.js'

let bottle: Bottle
let shim: Shim
beforeAll(async () => {
  bottle = await Bottle.open({ name: 'proc-test' })
})
afterAll(() => bottle.close())
beforeEach(async () => {
  shim = await bottle.shim()
})
afterEach(() => shim.rollback())

/** What the bottle's /proc says; the child's pid is counted there. */
const proc = () => bottle.hostPath('/proc')
const pid = () => shim.childPid as number

describe('mountinfo', () => {
  test.each(['a b', 'tab\there', 'new\nline', 'back\\slash', '#hash', 'ünï', '\\040', '-'])('of a mount at %j', async (name) => {
    const path = `/tmp/${name}`
    await shim.run([mkdir(path), clone('mnt'), mount(`src ${name}`, path, 'tmpfs', ['nosuid', 'noexec'], 'size=64k')])
    const found = mountAt(readMountinfo(pid(), proc()) ?? [], path)
    expect(found).toMatchObject({ mountPoint: path, source: `src ${name}`, fsType: 'tmpfs', root: '/' })
    expect(found?.options).toEqual(expect.arrayContaining(['nosuid', 'noexec']))
    expect(found?.superOptions).toContain('size=64k')
  })

  test('of a process that has ended, and of which only its parent has not heard', async () => {
    // It ends when its parent is no shell any more: that one would ask for it.
    const parent = spawn('sh', ['-c', '(while [ "$(cat /proc/$$/comm)" = sh ]; do :; done) & echo $!; exec sleep 1000'])
    onTestFinished(() => void parent.kill('SIGKILL'))
    const [line] = await once(parent.stdout, 'data')
    await expect.poll(() => readStatus(Number(line))?.state).toMatch(/^Z/)
    expect(readMountinfo(Number(line))).toBeUndefined()
  })

  test('of an overlay whose layers have colons, commas and backslashes in their names', async () => {
    const [low, lower, upper, work, merged] = ['lo:w', 'lo,wer', 'up\\per', 'work', 'merged'].map((name) => `/tmp/layers/${name}`)
    const escaped = (path?: string) => path?.replace(/[\\:,]/g, '\\$&')
    await shim.run([
      mkdir('/tmp/layers'),
      clone('mnt'),
      mount('x', '/tmp/layers', 'tmpfs'),
      ...[low, lower, upper, work, merged].map((path) => mkdir(path as string)),
      mount(
        'overlay',
        merged as string,
        'overlay',
        [],
        `lowerdir=${escaped(low)}:${escaped(lower)},upperdir=${escaped(upper)},workdir=${work}`,
      ),
    ])
    const found = mountAt(readMountinfo(pid(), proc()) ?? [], merged as string)
    expect(found && overlayOf(found)).toEqual({ lower: [low, lower], upper, work })
  })

  test('of mounts that are shared and slaves', async () => {
    await shim.run([
      mkdir('/tmp/shared'),
      clone('mnt'),
      mount('x', '/tmp/shared', 'tmpfs'),
      mount(null, '/tmp/shared', null, ['shared']),
      mkdir('/tmp/shared/slave'),
      mount('/tmp/shared', '/tmp/shared/slave', null, ['bind']),
      mount(null, '/tmp/shared/slave', null, ['slave']),
    ])
    const mounts = readMountinfo(pid(), proc()) ?? []
    const shared = mountAt(mounts, '/tmp/shared')
    const slave = mountAt(mounts, '/tmp/shared/slave')
    expect(shared && propagationOf(shared)).toBe('shared')
    expect(slave && propagationOf(slave)).toBe('slave')
    expect(slave?.master).toBe(shared?.shared)
  })
})

describe('a process in namespaces of its own', () => {
  test('has other inodes than its parent, one pid in each pid namespace, and a map of ids', async () => {
    const put = (path: Pathname, content: string) => [
      open(path, ['wronly'], { keep: 'map' }),
      write(ref('map'), content),
      close(ref('map')),
    ]
    await shim.run([
      clone('user', 'pid', 'uts'),
      ...host([...put(text`/proc/${child}/setgroups`, 'deny'), ...put(text`/proc/${child}/uid_map`, '7 0 1')]),
    ])
    const [own, parents] = [readNamespaces(pid(), proc()), readNamespaces(shim.pid, proc())]
    expect(own && parents && differingNamespaces(own, parents)).toEqual(['uts', 'pid', 'pid_for_children', 'user'])
    expect(readStatus(pid(), proc())?.nsPids).toEqual([pid(), 1])
    const maps = readIdMaps(pid(), proc())
    expect(maps?.setgroups).toBe('deny')
    expect(maps?.gid).toEqual([])
    // The outer id is counted as the reader's namespace does: what is 0 in the bottle is this user out here.
    expect(toOutside(maps?.uid ?? [], 7)).toBe(bottle.rootless ? process.getuid?.() : 0)
    expect(toOutside(maps?.uid ?? [], 8)).toBeUndefined()
  })

  test('has its privileges in its status', async () => {
    await shim.run([clone('uts'), capbset_drop('mknod'), set_no_new_privs()])
    const status = readStatus(pid(), proc())
    expect(status?.noNewPrivs).toBe(true)
    expect(status?.capabilities.effective.names).toContain('sys_admin')
    expect(status?.capabilities.effective.names).toContain('mknod')
    expect(status?.capabilities.bounding.names).not.toContain('mknod')
    expect(status?.capabilities.bounding.names).toContain('chown')
  })
})

requires(
  'command:setpriv',
  'user-namespaces',
  'command:nsenter',
)('a process that ends is none any more, though it is no zombie yet', async () => {
  const { stdout, stderr } = await runAsOrdinaryUser(program('ending-as-user'))
  expect(JSON.parse(String(stdout) || '{}'), String(stderr)).toMatchObject({
    before: 1,
    letter: expect.not.stringMatching(/[ZX]/),
    state: 'none',
  })
  if (process.geteuid?.() === 0) expect(JSON.parse(String(stdout))).toMatchObject({ files: 'EACCES' })
})
