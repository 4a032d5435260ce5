/** The workshop with the kernel's own state: what a page is told is what /proc has, and nothing of the host is otherwise for it. */
import { readFileSync, readlinkSync } from 'node:fs'
import { afterAll, afterEach, expect, test } from 'vitest'
import { Bottle, endHostSpawner } from '../../lib/bottle.js'
import { sethostname } from '../../lib/kernel/calls/process.js'
import { readProcesses } from '../../lib/kernel/proc/processes.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import { diffSnapshots, hostSnapshot, lastingDifferences } from '../../lib/kernel/snapshot.js'
import { applyDelta } from '../../lib/picture/delta.js'
import { Photographer } from '../../lib/picture/take.js'
import type { Picture } from '../../lib/picture/types.js'
import { openWorkshop, type Workshop } from '../../lib/workshop/index.js'
import { Recorded } from '../../lib/workshop/traces.js'
import { aReport, ask, type DataOf, listenTo, report, type SeenEvent, type Stream } from '../support/workshop.js'

const photographer = new Photographer()
let workshop: Workshop
const log: string[] = []

const open = async () => {
  workshop = await openWorkshop({
    place: { address: 'localhost' },
    names: [],
    token: false,
    picture: () => photographer.take(),
    elsewhere: () => 0,
    rest: () => photographer.close(),
    traces: new Recorded(),
    log: (words) => log.push(words),
  })
  return workshop.port
}

afterEach(async () => {
  await workshop.close()
  await photographer.close()
  expect(log).toEqual([])
})
afterAll(() => endHostSpawner())

const KINDS = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts']

/** As a shell would find them: `uts` → inode. */
const namespacesIn = (pid: number): Record<string, number> =>
  Object.fromEntries(KINDS.map((kind) => [kind, Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[0])]))

const effectiveIn = (pid: number): bigint => BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]}`)

/** The picture that a page has by now. */
function pictureOf({ events }: Stream): Picture {
  const first = events.findIndex(({ kind }) => kind === 'picture')
  return events
    .slice(first + 1)
    .filter(({ kind }) => kind === 'changed')
    .reduce(
      (picture, { data }) => applyDelta(picture, (data as DataOf<'changed'>).delta),
      (events[first]?.data as DataOf<'picture'>)?.picture,
    )
}

/** Waits for a picture in which something is so. */
const whenSeen = async (page: Stream, is: (picture: Picture) => boolean): Promise<Picture> => {
  await page.find(({ kind }: SeenEvent) => (kind === 'picture' || kind === 'changed') && is(pictureOf(page)))
  return pictureOf(page)
}

test('a page sees a bottle come, change its name, and go, as /proc has it', async () => {
  const page = await listenTo(await open(), '/live')
  await page.find(({ kind }) => kind === 'picture')
  const bottle = await Bottle.open({ name: 'seen' })
  const { pid } = bottle
  const picture = await whenSeen(page, ({ tables }) => tables.processes[pid] !== undefined)
  const seen = picture.tables.processes[pid]
  const namespaces = namespacesIn(pid)
  expect(seen?.namespaces).toEqual(namespaces)
  expect(seen?.pids).toEqual(readStatus(pid)?.nsPids)
  expect(BigInt(`0x${seen?.capabilities.effective}`)).toBe(effectiveIn(pid))
  const uts = `uts:${namespaces.uts}`
  expect(picture.tables.namespaces[uts]).toMatchObject({ kind: 'uts', inode: namespaces.uts, host: false, hostname: 'seen' })
  const shim = await bottle.shim()
  await shim.run([sethostname('<script>alert(1)</script>')])
  await whenSeen(page, ({ tables }) => tables.namespaces[uts]?.hostname === '<script>alert(1)</script>')
  await bottle.close()
  const after = await whenSeen(page, ({ tables }) => tables.processes[pid] === undefined && tables.namespaces[uts] === undefined)
  expect(after.tables.processes[pid]).toBeUndefined()
  page.close()
})

test('nothing on the host is otherwise, but for the shim that reads while a page is open', async () => {
  // What took the pictures of the test before this one may still be ending.
  const readers = () => readProcesses().filter(({ ppid, commandLine }) => ppid === process.pid && commandLine.includes('--fd'))
  await expect.poll(readers, { interval: 5 }).toEqual([])
  const before = await hostSnapshot()
  const port = await open()
  expect(diffSnapshots(before, await hostSnapshot())).toEqual([])
  const page = await listenTo(port, '/live')
  await page.find(({ kind }) => kind === 'changed')
  const pids = [...photographer.pids]
  expect(pids).toHaveLength(1)
  const differences = diffSnapshots(before, await hostSnapshot())
  expect(differences).toEqual([expect.stringMatching(new RegExp(`^a process is left over: ${pids[0]} `))])
  await ask(port, '/')
  await ask(port, '/sessions/none/export')
  expect((await report(port, aReport(workshop.word))).status).toBe(204)
  page.close()
  await expect.poll(() => photographer.pids.size).toBe(0)
  expect(await lastingDifferences(before)).toEqual([])
  await workshop.close()
  expect(await lastingDifferences(before)).toEqual([])
})
