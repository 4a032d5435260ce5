import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { layeredRoot } from '../../lib/bottle/root.js'
import { Bottle, endHostSpawner } from '../../lib/bottle.js'
import { mkdir, mknod, open } from '../../lib/kernel/calls/files.js'
import { mount } from '../../lib/kernel/calls/mounts.js'
import { clone, execve, sethostname } from '../../lib/kernel/calls/process.js'
import { readMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { readNamespaces } from '../../lib/kernel/proc/namespaces.js'
import { readChildren } from '../../lib/kernel/proc/processes.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import { diffSnapshots, hostSnapshot } from '../../lib/kernel/snapshot.js'
import { host } from '../../lib/kernel/step.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { requires } from '../support/requires.js'

const TSX = ['node', '--import', 'tsx']
const program = (name: string) => `test/support/programs/${name}.ts`

describe('a bottle', () => {
  test('is a host of its own: namespaces, processes, mounts, an empty network', async () => {
    const bottle = await Bottle.open({ name: 'own' })
    const [own, inside] = [readNamespaces('self'), readNamespaces(bottle.pid)]
    for (const kind of ['mnt', 'pid', 'uts', 'ipc', 'net'] as const) expect(inside?.[kind], kind).not.toBe(own?.[kind])
    expect(readStatus(bottle.pid)?.nsPids.at(-1)).toBe(1)
    const mounts = readMountinfo(bottle.pid) ?? []
    expect(mounts.filter(({ shared }) => shared !== undefined)).toEqual([])
    expect(readdirSync(`/proc/${bottle.pid}/root/sys/class/net`)).toEqual(['lo'])
    await bottle.close()
  })

  test('keeps every write to itself, and the host is as before', async () => {
    const before = await hostSnapshot()
    const { stdout, stderr, exitCode } = await runAsOrdinaryUserOrRoot('bottle-inside')
    expect(stderr).not.toMatch(/Error/)
    expect(exitCode).toBe(0)
    // Programs are root's: an ordinary user's bottle has them as somebody else's.
    const removed = process.geteuid?.() === 0
    expect(JSON.parse(String(stdout))).toMatchObject({ written: true, removed, onHost: false, alive: true, aliveAfter: false })
    // The spawner of that program ends by itself, a moment after it.
    await expect.poll(async () => diffSnapshots(before, await hostSnapshot())).toEqual([])
  })

  test('is open to those inside, however strict the umask outside is', async () => {
    await endHostSpawner()
    const before = process.umask(0o077)
    try {
      const bottle = await Bottle.open({ name: 'strict' })
      expect((statSync(bottle.hostPath('/usr')).mode & 0o777).toString(8)).toBe('755')
      expect((statSync(bottle.hostPath('/tmp')).mode & 0o777).toString(8)).toBe('777')
      await bottle.close()
    } finally {
      process.umask(before)
      await endHostSpawner()
    }
  })

  requires('root')('does not let root out through devices, modules or the clock', async () => {
    const bottle = await Bottle.open({ name: 'rights' })
    const names = readStatus(bottle.pid)?.capabilities.bounding.names ?? []
    expect(names).toContain('sys_admin')
    for (const name of ['sys_module', 'sys_rawio', 'sys_boot', 'sys_time'] as const) expect(names).not.toContain(name)
    await bottle.close()
  })

  requires('command:setpriv', 'user-namespaces')('works for an ordinary user, as root inside', async () => {
    const { stdout, stderr } = await runAsOrdinaryUser([...TSX, program('bottle-inside')])
    expect(stderr).not.toMatch(/Error/)
    const found = JSON.parse(String(stdout))
    expect(found).toMatchObject({ rootless: true, written: true, onHost: false, alive: true, aliveAfter: false })
    expect(found.uidMap[0]).toMatchObject({ inside: 0 })
  })

  test('leaves no shim on a terminal that could not be had', async () => {
    const bottle = await Bottle.open({ name: 'ended' })
    await bottle.close()
    const before = readChildren(process.pid)
    await expect(bottle.terminal({ cols: 80, rows: 24 })).rejects.toThrow()
    await expect.poll(() => readChildren(process.pid).filter((pid) => !before.includes(pid))).toEqual([])
  })

  test('has a layer over each top directory, whatever that is called', async () => {
    const bottle = await Bottle.open({ name: 'names' })
    const shim = await bottle.shim()
    // What parts overlay's options, and its layers, is in the name.
    const name = 'a:b,c\\d'
    await shim.run(host([mkdir(`/${name}`), mkdir('/tmp/root')]))
    const results = await shim.run([clone('mnt'), ...layeredRoot('/tmp/root', [{ name }], bottle.rootless)])
    expect(results.at(-1)).toMatchObject({ step: { call: 'mount' }, status: 'ok' })
    await bottle.close()
  })

  test('has shims that make containers in it, which it takes along when it ends', async () => {
    const bottle = await Bottle.open({ name: 'nested' })
    const shim = await bottle.shim()
    await shim.run([
      clone('uts', 'pid', 'mnt', 'net'),
      mount('proc', '/proc', 'proc'),
      sethostname('inner'),
      execve('/bin/sleep', ['sleep', '60']),
    ])
    const pid = bottle.hostPid(shim.childPid as number) as number
    expect(readStatus(pid)?.nsPids).toEqual([pid, shim.childPid, 1])
    await bottle.close()
    expect(readStatus(pid)).toBeUndefined()
  })

  test('shares a terminal: a program in it has the pty as its stdio', async () => {
    const bottle = await Bottle.open({ name: 'tty' })
    const { pty, shim } = await bottle.terminal({ cols: 91, rows: 17 })
    let screen = ''
    pty.onData((data) => {
      screen += data
    })
    await shim.run([
      clone('uts', 'pid'),
      sethostname('inside'),
      execve('/bin/sh', ['sh', '-c', 'uname -n; stty size; read line; echo "got $line"']),
    ])
    pty.write('a line\r')
    expect(await shim.exited).toMatchObject({ code: 0 })
    await expect.poll(() => screen).toContain('got a line')
    expect(screen).toContain('inside')
    expect(screen).toContain('17 91')
    await bottle.close()
  })
})

describe('kill -9 of whoever holds a bottle', () => {
  test.each(Array.from({ length: 10 }, (_, index) => index))('leaves nothing, at random moment %i', async () => {
    const before = await hostSnapshot()
    const directory = mkdtempSync(join(tmpdir(), 'drydock-crash-'))
    const [file, ...args] = [...TSX, program('bottle-busy')]
    const busy = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, DRYDOCK_RUN_DIR: directory } })
    await once(busy.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150))
    busy.kill('SIGKILL')
    await once(busy, 'exit')
    await expect.poll(async () => diffSnapshots(before, await hostSnapshot()), { interval: 50 }).toEqual([])
    await expect.poll(() => readdirSync(directory).filter((name) => name.startsWith('bottle-'))).toEqual([])
    rmSync(directory, { recursive: true })
  })
})

describe('a bottle of root', () => {
  requires('root', 'cgroup1:devices')('refuses the host’s disks, by whatever name', async () => {
    const bottle = await Bottle.open({ name: 'disks' })
    const shim = await bottle.shim()
    const [major, minor] = rootDevice()
    const results = await shim.attempt([
      mount('tmpfs', '/mnt', 'tmpfs', []),
      mknod('/mnt/null', 'ifchr', 0o666, [1, 3]),
      open('/mnt/null', ['rdonly']),
      mknod('/mnt/disk', 'ifblk', 0o600, [major, minor], { allow: ['EPERM'] }),
      open('/mnt/disk', ['rdonly'], { allow: ['EPERM', 'ENOENT'] }),
    ])
    expect(results.map(({ status }) => status).slice(0, 3)).toEqual(['ok', 'ok', 'ok'])
    expect(results.at(-1)?.status).toBe('allowed')
    await bottle.close()
  })
})

/** Device numbers of the file system of `/`. */
function rootDevice(): [number, number] {
  const device = statSync('/').dev
  return [(device >> 8) & 0xfff, device & 0xff]
}

async function runAsOrdinaryUserOrRoot(name: string) {
  const { execa } = await import('execa')
  const [file, ...args] = [...TSX, program(name)]
  return execa(file as string, args, { reject: false })
}
