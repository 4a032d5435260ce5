/** Containers that take all they can get: the host keeps what is its own. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect } from 'vitest'
import { AttackedHost, ESCAPE_NEEDS } from '../support/escape.js'
import { missing, type Requirement, requires } from '../support/requires.js'

/** The controller, whichever version it is with. */
const controller = (name: string): Requirement => (missing([`cgroup2:${name}`]).length === 0 ? `cgroup2:${name}` : `cgroup1:${name}`)

let attacked: AttackedHost
beforeAll(async () => {
  if (missing(ESCAPE_NEEDS).length === 0) attacked = await AttackedHost.open()
})
afterAll(() => attacked?.close())

/** Run with this name and without --rm; the record of its end, and how `drydock run` itself ended. */
async function ended(name: string, flags: readonly string[], ...command: string[]) {
  const all = ['--name', name, '--network', 'none', ...flags, '--rootfs', attacked.image, ...command]
  const finished = await attacked.host.drydock('run', ...all)
  const containers = attacked.host.path('/var/lib/drydock/containers')
  const [id = ''] = readdirSync(containers)
  const record = JSON.parse(readFileSync(`${containers}/${id}/exit.json`, 'utf8'))
  expect((await attacked.host.drydock('rm', name)).exitCode).toBe(0)
  return { ...finished, record }
}

requires(...ESCAPE_NEEDS, controller('pids'))('a fork bomb fills its own cgroup, and goes with its first process', async () => {
  // pids.max refuses the fork (EAGAIN); when pid 1 of a pid namespace ends, the kernel kills all others in it.
  // The first process makes none after the bomb: it reads with the shell's own words, until the kernel has counted a refusal.
  const bomb = `bomb() { bomb | bomb & }
events=/sys/fs/cgroup/pids.events; test -e $events || events=/sys/fs/cgroup/pids/pids.events
bomb 2>/dev/null
while true; do while read word count; do test $count -gt 0 && exit 3; done < $events; done`
  const { exitCode } = await attacked.sh(['--pids-limit', '40'], bomb)
  expect(exitCode).toBe(3)
  const left = await attacked.host.run(['pgrep', '--exact', 'sh'])
  expect(left.stdout).toBe('')
})

requires(...ESCAPE_NEEDS, controller('memory'))(
  'a program that takes more memory than it may is killed, and the record says by whom',
  async () => {
    // memory.max, and memory.swap.max beside it: swapping out is no way around. 137 is 128 + SIGKILL.
    const greedy = await ended('greedy', ['--memory', '16m'], '/bin/busybox', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=128M', 'count=1')
    expect(greedy).toMatchObject({ exitCode: 137, record: { exitCode: 137, oomKilled: true } })
    const modest = await ended('modest', ['--memory', '16m'], '/bin/busybox', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=1M', 'count=1')
    expect(modest).toMatchObject({ exitCode: 0, record: { exitCode: 0, oomKilled: false } })
    const killed = await ended('killed', ['--memory', '16m'], 'sh', '-c', 'exit 137')
    expect(killed).toMatchObject({ exitCode: 137, record: { exitCode: 137, oomKilled: false } })
  },
)

requires(...ESCAPE_NEEDS, controller('memory'))('files in memory count as the container’s: /dev/shm, a tmpfs', async () => {
  // A tmpfs belongs to the cgroup that writes to it. Each has its own size too, and the smaller of the two ends it.
  const fill = (path: string) => ['sh', '-c', `exec busybox dd if=/dev/zero of=${path} bs=1M`]
  expect(await ended('shm', ['--memory', '16m', '--shm-size', '1g'], ...fill('/dev/shm/x'))).toMatchObject({
    exitCode: 137,
    record: { oomKilled: true },
  })
  const full = await ended('tmp', ['--memory', '64m', '--tmpfs', '/tmp:size=1m'], ...fill('/tmp/x'))
  expect(full).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('No space left on device'), record: { oomKilled: false } })
})

requires(...ESCAPE_NEEDS)('limits of open files and of processes cannot be raised', async () => {
  // A hard limit is raised with CAP_SYS_RESOURCE only, which is not among the defaults.
  const { stdout } = await attacked.sh(
    ['--ulimit', 'nofile=64:128', '--ulimit', 'core=0'],
    '(ulimit -Hn 129) 2>&1; (ulimit -Hc 1) 2>&1; ulimit -Hn',
  )
  expect(stdout).toMatch(/not permitted\n.*not permitted\n128$/)
})
