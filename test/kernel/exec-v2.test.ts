/** docker exec on cgroup v2: born in the container's cgroup, or, where that takes no processes of its own, in the one of its first process. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Machine, startExec } from '../../lib/container/index.js'
import type { Engine } from '../../lib/engine/index.js'
import { parseMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { body, enginePlace, type Place } from '../support/engine.js'
import { requires } from '../support/requires.js'

/** With or without controllers: a process can be in it either way. */
const test = requires('root', 'command:busybox', 'cgroup2:')

let place: Place
let engine: Engine
let id: string
beforeAll(async () => {
  place = await enginePlace()
  engine = await place.open()
  id = (await engine.containers.create(body(['sleep', '1000']), {})).Id
  await engine.containers.start(id)
})
afterAll(async () => {
  await engine?.close()
  await place?.remove()
})

for (const [what, inner] of [
  ['the container’s own cgroup', undefined],
  ['that of its first process, when its own has cgroups below it', 'inner'],
] as const) {
  test(what, async () => {
    const [mount] = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ fsType }) => fsType === 'cgroup2')
    const base = `${mount?.mountPoint}/exec-${process.pid}`
    const own = `${base}/${id}`
    const { pid, record } = engine.context.containers.find(id)
    const home = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] as string
    const made = [base, own, ...(inner ? [`${base}/${inner}`] : [])]
    for (const directory of made) mkdirSync(directory)
    try {
      // A cgroup beside one with threads, below one that processes are in, takes none itself (cgroups(7), "domain invalid").
      if (inner) writeFileSync(`${base}/${inner}/cgroup.type`, 'threaded')
      writeFileSync(`${inner ? base : own}/cgroup.procs`, String(pid))
      const machine: Machine = {
        ...engine.context.machine,
        cgroups: {
          ...engine.context.machine.cgroups,
          parents: [],
          hierarchies: [
            { version: 2, name: 'unified', controllers: [], mount: mount?.mountPoint as string, base, enabled: [], files: new Set() },
          ],
        },
      }
      const spec = { container: record.spec, argv: ['sleep', '1000'], env: [], user: '', cwd: '', privileged: false, stdin: false }
      const { shim, pid: started } = await startExec({ newShim: () => engine.context.newShim(), spec, machine, pid: pid as number })
      const [line = ''] = readFileSync(`/proc/${started}/cgroup`, 'utf8')
        .split('\n')
        .filter((one) => one.startsWith('0::'))
      const root = mount?.root === '/' ? '' : (mount?.root ?? '')
      expect(line).toBe(`0::${root}${(inner ? base : own).slice(mount?.mountPoint.length)}`)
      await shim.rollback()
      await shim.ended
    } finally {
      writeFileSync(`${mount?.mountPoint}${home}/cgroup.procs`, String(pid))
      for (const directory of made.reverse()) rmdirSync(directory)
    }
  })
}
