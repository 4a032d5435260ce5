/** A whole container where cgroup v2 is alone: born in its cgroup, which it sees as the whole tree, with limits that bite. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { endHostSpawner, hostSpawner } from '../../lib/bottle.js'
import { readMachine } from '../../lib/container/index.js'
import { launch } from '../../lib/engine/launch.js'
import { Photographer } from '../../lib/picture/take.js'
import { busyboxRoot } from '../support/full.js'
import { requires } from '../support/requires.js'
import { type SpecOptions, specOf } from '../support/spec.js'

const test = requires('root', 'command:busybox', 'cgroup2:memory', 'cgroup2:pids')

let dataRoot: string
let root: ReturnType<typeof busyboxRoot>
beforeAll(() => {
  dataRoot = mkdtempSync(join(tmpdir(), 'drydock-v2-'))
  root = busyboxRoot()
})
afterAll(async () => {
  root.remove()
  rmSync(dataRoot, { recursive: true })
  await endHostSpawner()
})

async function start(script: string, options: Partial<SpecOptions> = {}) {
  const said = { 1: '', 2: '' }
  const { shim } = await launch(
    { spec: specOf({ layers: [root.path], argv: ['sh', '-c', script], ...options }), dataRoot, machine: readMachine() },
    {
      newShim: async () => (await hostSpawner()).shim(),
      prepared: (one) => {
        one.on('output', (stream, bytes) => {
          said[stream] += bytes
        })
        return undefined
      },
    },
  )
  const end = async () => {
    const exit = await shim.exited
    await shim.ended
    return exit
  }
  return { shim, said, end }
}

async function run(script: string, options: Partial<SpecOptions> = {}) {
  const { said, end } = await start(script, options)
  return { exit: await end(), stdout: said[1], stderr: said[2] }
}

test('sees its own cgroup as the top of the tree, read-only, with its limits in it', async () => {
  const limits = { memory: 64 * 1024 * 1024, pids: 20, cpus: 0.5 }
  const { stdout } = await run(
    'cat /proc/self/cgroup; cd /sys/fs/cgroup; cat memory.max pids.max cpu.max; grep -c . cgroup.procs; (mkdir x) 2>&1',
    { limits },
  )
  expect(stdout).toMatch(/^0::\/\n67108864\n20\n50000 100000\n\d\n.*Read-only file system\n$/)
})

test('is ended when it takes more memory than it may, and that is told', async () => {
  const { exit } = await run('exec tail /dev/zero', { limits: { memory: 16 * 1024 * 1024, memorySwap: 16 * 1024 * 1024 } })
  expect(exit).toMatchObject({ code: 137, oomKilled: true })
})

test('may open the devices that every container has, and no others', async () => {
  const { stdout } = await run('echo x > /dev/null && echo open; mknod /tmp/disk b 8 0 2>&1; (: < /tmp/disk) 2>&1')
  expect(stdout).toMatch(/^open\n.*Operation not permitted/)
})

test('stands in a picture with its limits, its use, a kill for want of memory, and frozen', async () => {
  const limits = { memory: 32 * 1024 * 1024, memorySwap: 32 * 1024 * 1024, pids: 20, cpus: 0.5 }
  const { shim, end } = await start('(exec tail /dev/zero); exec sleep 1000', { limits })
  const photographer = new Photographer()
  try {
    const pid = shim.childPid as number
    const look = async () => {
      const { cgroups, processes } = (await photographer.take()).tables
      return cgroups[processes[pid]?.cgroup ?? '']
    }
    /** The kernel does what is asked in its own time. */
    const pictured = (members: object) => expect.poll(look, { timeout: 10_000 }).toMatchObject(members)
    await pictured({
      drawn: [pid],
      processes: 1,
      memory: { max: limits.memory, oomKills: 1 },
      cpu: { max: 0.5, weight: 100 },
      pids: { max: 20, current: 1, refused: 0 },
      frozen: false,
      trees: ['unified'],
    })
    const cgroup = await look()
    const files = join('/sys/fs/cgroup', cgroup?.path ?? '')
    const usage = Number(/^usage_usec (\d+)$/m.exec(readFileSync(join(files, 'cpu.stat'), 'utf8'))?.[1])
    expect(cgroup?.cpu?.usage).toBeGreaterThan(0)
    // Nanoseconds.
    expect(cgroup?.cpu?.usage).toBeLessThanOrEqual(usage * 1000)
    expect(cgroup?.memory?.current).toBeGreaterThan(0)
    writeFileSync(join(files, 'cgroup.freeze'), '1')
    await pictured({ drawn: [pid], frozen: true })
    writeFileSync(join(files, 'cgroup.freeze'), '0')
    expect((await photographer.take()).host.missing).toEqual([])
  } finally {
    photographer.close()
    shim.signal(9)
    await end()
  }
})

test('leaves nothing on disk', () => {
  for (const name of ['containers', 'overlay', 'names']) expect(readdirSync(join(dataRoot, name))).toEqual([])
})
