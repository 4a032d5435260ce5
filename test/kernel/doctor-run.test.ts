/** What `drydock run` leaves when a shim is killed or the power fails: doctor finds it, removes it, and leaves alone what lives or was to stay. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Leftover, Removal } from '../../lib/doctor/leftovers.js'
import { SHIM_PATH } from '../../lib/kernel/constants.js'
import { readCgroup, readHierarchies } from '../../lib/kernel/proc/cgroup.js'
import { ownCgroups } from '../../lib/kernel/snapshot.js'
import { busyboxRoot } from '../support/full.js'
import { runAsOrdinaryUser } from '../support/ordinary.js'
import { PrivateHost, program } from '../support/private-host.js'
import { missing, requires } from '../support/requires.js'

const NEEDS = ['root', 'command:unshare', 'command:busybox', 'command:ip', 'command:nft'] as const
const test = requires(...NEEDS)
const able = missing(NEEDS).length === 0

let host: PrivateHost
let root: ReturnType<typeof busyboxRoot>
beforeAll(async () => {
  if (!able) return
  host = await PrivateHost.open()
  root = busyboxRoot()
})
afterAll(async () => {
  if (!able) return
  root.remove()
  await host.close()
})

const DATA = '/var/lib/drydock'
const newId = () => randomBytes(32).toString('hex')

/** What this host has; cgroups are the machine's, where others may run containers. */
async function find(...ids: string[]): Promise<Leftover[]> {
  const { stdout, stderr } = await host.run(program('left'))
  if (stderr) throw new Error(stderr)
  return (JSON.parse(stdout) as Leftover[]).filter(({ kind, name }) => kind !== 'cgroup' || ids.some((id) => name.includes(id)))
}

async function remove(...words: string[]): Promise<Removal[]> {
  const { stdout, stderr } = await host.run(program('left', ...words))
  if (stderr) throw new Error(stderr)
  return JSON.parse(stdout)
}

const kinds = (leftovers: readonly Leftover[]) => [...new Set(leftovers.map(({ kind }) => kind))].sort()
const failures = (removals: readonly Removal[]) => removals.filter(({ failure }) => failure !== undefined)
const list = (path: string): string[] => (existsSync(host.path(path)) ? readdirSync(host.path(path)) : [])

async function everything(...ids: string[]) {
  const cgroups = ownCgroups(readHierarchies(), readCgroup('self') ?? []).filter((path) => ids.some((id) => path.includes(id)))
  const files = ['containers', 'overlay', 'names', 'networks/bridge/leases'].flatMap((name) => list(`${DATA}/${name}`))
  const links = (await host.run(['ip', '-br', 'link'])).stdout.split('\n').map((line) => line.split(/[ @]/)[0])
  return { cgroups, files, sockets: list('/run/drydock'), links, tables: (await host.run(['nft', 'list', 'tables'])).stdout }
}
const NOTHING = { cgroups: [], files: [], sockets: [], links: ['lo'], tables: '' }

/** Long ago, so that nobody can be in the middle of it. */
function age(...paths: string[]): void {
  for (const path of paths.map((one) => host.path(one))) if (existsSync(path)) utimesSync(path, 1e9, 1e9)
}

/** A detached container whose shim is killed; its first process. */
async function orphan(name: string, ...flags: string[]): Promise<{ id: string; pid: string }> {
  const { stdout: id, stderr } = await host.drydock('run', '-d', '--name', name, ...flags, '--rootfs', root.path, 'sleep', '1000')
  expect(stderr).toBe('')
  const pid = await host.newest('sleep 1000')
  const shim = (await host.run(['ps', '-o', 'ppid=', '-p', pid])).stdout.trim()
  await host.run(['kill', '-KILL', shim])
  return { id, pid }
}

/** Until the kernel has taken the network namespace apart, and no shim is there that may be at work: a command's spare ones end after it. */
const settled = () =>
  expect
    .poll(async () => {
      const [links, shims] = [await host.run(['ip', '-br', 'link']), await host.run(['pgrep', '-f', SHIM_PATH])]
      return [links.stdout.includes('veth'), shims.stdout]
    })
    .toEqual([false, ''])

/** What doctor itself had at work may be there a moment longer as well. Where no container runs. */
async function takeAway(...words: string[]) {
  await settled()
  return failures(await remove(...words))
}

describe('a container whose shim was killed', () => {
  test('is none while it runs; then all of it is, and goes', async () => {
    const { id, pid } = await orphan('left', '--rm', '-p', '8080:80')
    expect(await find(id)).toEqual([])
    await host.run(['kill', '-KILL', pid])
    await settled()
    const found = await find(id)
    expect(kinds(found)).toEqual(['bridge', 'cgroup', 'container', 'file', 'lease', 'rules'])
    expect(found.filter(({ kept }) => kept !== undefined)).toEqual([])
    expect(found.find(({ kind }) => kind === 'container')).toMatchObject({
      name: `${DATA}/containers/${id}`,
      says: 'left was to be removed at its end, and does not run',
    })
    expect(found.find(({ kind }) => kind === 'bridge')?.says).toContain('drydock makes it again when one needs it')
    expect(await takeAway(id, id.slice(0, 12), '172.17.0.2', 'bridge drydock0', 'rules ip drydock')).toEqual([])
    expect(await everything(id)).toEqual(NOTHING)
    // And it is made again.
    const again = await host.drydock('run', '--rm', '--name', 'left', '-p', '8080:80', '--rootfs', root.path, 'true')
    expect([again.exitCode, again.stderr]).toEqual([0, ''])
    expect(await takeAway('bridge drydock0', 'rules ip drydock')).toEqual([])
  })

  test('that was to be kept is kept, but for its cgroups and its address', async () => {
    const { id, pid } = await orphan('kept')
    await host.run(['kill', '-KILL', pid])
    await settled()
    expect(kinds(await find(id))).toEqual(['bridge', 'cgroup', 'file', 'lease', 'rules'])
    expect(await takeAway(id, id.slice(0, 12), '172.17.0.2', 'bridge drydock0', 'rules ip drydock')).toEqual([])
    expect((await host.drydock('ps', '-aq')).stdout).toBe(id.slice(0, 12))
    expect((await host.drydock('rm', 'kept')).exitCode).toBe(0)
    expect(await everything(id)).toEqual(NOTHING)
  })

  test('leaves bridge and table alone when another one runs', async () => {
    const { id, pid } = await orphan('gone', '--rm')
    const { stdout: other } = await host.drydock('run', '-d', '--rm', '--name', 'other', '--rootfs', root.path, 'sleep', '1000')
    await host.run(['kill', '-KILL', pid])
    await expect.poll(async () => kinds(await find(id))).toEqual(['cgroup', 'container', 'file', 'lease'])
    const before = (await find(id)).filter(({ name }) => name.includes(other))
    expect(before).toEqual([])
    expect(failures(await remove(id, id.slice(0, 12), '172.17.0.2'))).toEqual([])
    expect((await host.drydock('ps', '-q')).stdout).toBe(other.slice(0, 12))
    await host.drydock('rm', '-f', 'other')
    // Its cable, its shim and its socket are what keeps the bridge, and what would be found beside it.
    await settled()
    await expect
      .poll(async () => {
        const { files, sockets } = await everything(id)
        return [...files, ...sockets]
      })
      .toEqual([])
    expect(await takeAway('bridge drydock0', 'rules ip drydock')).toEqual([])
    expect(await everything(id)).toEqual(NOTHING)
  })
})

test('a power cut at any call of the making leaves nothing that is not found', { timeout: 240_000 }, async () => {
  const whole = newId()
  const calls = Number((await host.run(program('run-cut', root.path, '100000', whole))).stdout)
  expect(calls).toBeGreaterThan(100)
  const first = Array.from({ length: 14 }, (_, index) => index + 1)
  const points = [...first, ...Array.from({ length: 8 }, (_, index) => 14 + Math.floor((index * (calls - 15)) / 7))]
  const ids = [whole]
  for (const point of points) {
    const id = newId()
    ids.push(id)
    await host.run(program('run-cut', root.path, String(point), id))
  }
  await settled()
  for (const id of ids) age(`${DATA}/containers/${id}`, `${DATA}/overlay/${id}`, `${DATA}/names/${id.slice(0, 8)}`)
  const found = await find(...ids)
  expect(found.filter(({ kept }) => kept !== undefined)).toEqual([])
  const failed = await takeAway(
    ...ids,
    ...ids.map((id) => `/${id.slice(0, 8)}`),
    ...ids.map((id) => id.slice(0, 12)),
    '172.17.',
    'bridge drydock0',
    'rules ip drydock',
  )
  expect(failed).toEqual([])
  expect(await everything(...ids)).toEqual(NOTHING)
})

describe('on disk', () => {
  const make = (path: string, content?: string) => {
    const at = host.path(`${DATA}/${path}`)
    if (content === undefined) mkdirSync(at, { recursive: true })
    else writeFileSync(at, content)
  }

  test('what is young, an image’s, somebody’s, or covered by a mount stays', async () => {
    const [young, image, covered, unknown] = [newId(), newId(), newId(), newId()]
    for (const part of ['diff', 'work', 'merged']) for (const id of [young, covered]) make(`overlay/${id}/${part}`)
    for (const id of [image, unknown]) make(`overlay/${id}/diff`)
    make(`overlay/${image}/diff/etc`)
    make(`overlay/${unknown}/notes`, '')
    make('names/strange', 'not an id')
    await host.run(['mount', '-t', 'tmpfs', 'cover', `${DATA}/overlay/${covered}/merged`])
    age(...[image, covered, unknown].map((id) => `${DATA}/overlay/${id}`), `${DATA}/names/strange`)
    const found = await find()
    expect(new Map(found.map(({ kind, name, kept }) => [`${kind} ${name}`, kept]))).toEqual(
      new Map([
        [`layer ${DATA}/overlay/${covered}`, `something is mounted at ${DATA}/overlay/${covered}/merged`],
        [`layer ${DATA}/overlay/${young}`, 'it was changed just now, so it may be half of something'],
      ]),
    )
    expect(await remove(covered, young)).toEqual([])
    expect(list(`${DATA}/overlay/${covered}`).sort()).toEqual(['diff', 'merged', 'work'])
    await host.run(['umount', `${DATA}/overlay/${covered}/merged`])
    age(`${DATA}/overlay/${covered}`)
    expect(failures(await remove(covered))).toEqual([])
    expect(list(`${DATA}/overlay`).sort()).toEqual([young, image, unknown].sort())
    await host.run(['rm', '-r', ...[young, image, unknown].map((id) => `${DATA}/overlay/${id}`), `${DATA}/names/strange`])
  })

  test('a link in a layer is removed, and what it leads to stays', async () => {
    const id = newId()
    for (const part of ['diff', 'work', 'merged']) make(`overlay/${id}/${part}`)
    await host.run(['ln', '-s', root.path, `${DATA}/overlay/${id}/diff/link`])
    age(`${DATA}/overlay/${id}`)
    expect(failures(await remove(id))).toEqual([])
    expect(existsSync(join(root.path, 'bin/busybox'))).toBe(true)
    expect(list(`${DATA}/overlay`)).toEqual([])
  })
})

requires(
  'command:setpriv',
  'user-namespaces',
  'command:busybox',
)('an ordinary user’s too, with a directory of mode 0 as overlayfs makes', async () => {
  const { exitCode, stdout, stderr } = await runAsOrdinaryUser(program('left-as-user'))
  expect([exitCode, stderr]).toEqual([0, ''])
  const { running, found, removals, left } = JSON.parse(String(stdout))
  expect(running).toEqual([])
  expect(kinds(found)).toEqual(['container', 'file'])
  expect(failures(removals)).toEqual([])
  expect(left).toEqual([])
})
