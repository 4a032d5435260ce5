/**
 * Lanes: what makes namespaces, mounts, links or cgroups and compares the host before and after cannot run beside its like, or they see each
 * other. A lane is a host for one such file of tests at a time: mount, pid, net, ipc, uts and cgroup namespaces of its own, an empty /run and
 * /var/lib/drydock. There is one for each processor, up to four. Made by unshare(1) and entered by nsenter(1), so that nothing of ours is needed to test ours.
 *
 * A lane must be at its end as it was at its beginning, as the host itself must (leftovers.ts). Where no lane can be made there is none, and the
 * tests run on the host, one file at a time.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { directoryOf, readCgroup, readHierarchies } from '../../lib/kernel/proc/cgroup.js'
import { readChildren } from '../../lib/kernel/proc/processes.js'
import { IN_LANE, LANES, numberOfLanes } from './lane-pool.js'

interface Lane {
  readonly process: ChildProcess
  /** Of its first process, with which everything in it ends. */
  readonly pid: number
  readonly cgroups: readonly string[]
  /** What was there at its beginning, as programs/host-snapshot.ts says it. */
  readonly before: string
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** Into the cgroups first, so that they are the tops of what the cgroup namespace shows; then everything else. */
const OPEN = `for cgroup in $CGROUPS; do echo $$ >$cgroup/cgroup.procs; done
exec unshare --mount --pid --fork --kill-child --mount-proc --net --ipc --uts --cgroup --propagation private sh -ec "$SETTLE"`

/** It ends when its standard input does: with whoever made it. Its first process is the parent of orphans. */
const SETTLE = `
mkdir -p /var/lib/drydock
for directory in /run /var/lib/drydock; do mount -t tmpfs private $directory; done
mkdir -p /run/netns /run/lock
echo $CGROUPS >/run/lane-cgroups
tac /proc/self/mountinfo | while read -r id parent device root at rest; do
  case "$rest" in
    *" - cgroup "*)
      tree=$(echo "\${rest##* }" | tr , '\\n' | grep -vxE 'rw|ro|xattr|clone_children|release_agent=.*' | paste -sd,)
      umount "$at"
      mount -t cgroup -o "$tree" cgroup "$at" ;;
    *" - cgroup2 "*)
      umount "$at"
      mount -t cgroup2 cgroup2 "$at"
      # Controllers are given on by a cgroup without processes only.
      mkdir -p "$at/tests" && echo 0 >"$at/tests/cgroup.procs" ;;
  esac
done
ip link set lo up
echo ready
# Whatever has lost its parent becomes a child of this shell, which reaps it while it waits.
exec 3<&0
cat <&3 >/dev/null &
wait $!`

/** For vitest's globalSetup. */
export default async function setup(): Promise<() => Promise<void>> {
  const opened: Promise<Lane>[] = []
  for (let number = 1; number <= numberOfLanes(); number++) opened.push(open(`drydock-lane-${process.pid}-${number}`))
  const lanes = await Promise.all(opened).catch(async (error) => {
    for (const lane of await Promise.allSettled(opened)) if (lane.status === 'fulfilled') await close(lane.value)
    throw error
  })
  process.env[LANES] = lanes.map(({ pid }) => pid).join(' ')
  return async () => {
    const left = await Promise.all(lanes.map(({ pid, before }) => snapshot(pid, before)))
    await Promise.all(lanes.map(close))
    const lines = left.join('\n').trim()
    if (lines !== '') throw new Error(`the tests have changed a lane:\n${lines}`)
  }
}

async function open(name: string): Promise<Lane> {
  const cgroups = makeCgroups(name)
  const env = { ...process.env, CGROUPS: cgroups.join(' '), SETTLE }
  const lane = spawn('sh', ['-ec', OPEN], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = await Promise.race([once(lane.stdout, 'data'), once(lane, 'exit')])
  if (String(line).trim() !== 'ready') throw new Error('a lane for tests did not come up')
  const [pid = 0] = readChildren(lane.pid as number)
  return { process: lane, pid, cgroups, before: await snapshot(pid) }
}

/** The snapshot of a lane as it is now, or what has changed since. */
async function snapshot(lane: number, before = ''): Promise<string> {
  const file = fileURLToPath(new URL('./programs/host-snapshot.ts', import.meta.url))
  const env = { DRYDOCK_TEST_LANE: String(lane), DRYDOCK_TEST_NODE: process.execPath }
  return (await execa(IN_LANE, ['--import', 'tsx', file], { env, input: before, cwd: PROJECT })).stdout
}

async function close({ process: lane, cgroups }: Lane): Promise<void> {
  const exited = once(lane, 'exit')
  lane.stdin?.end()
  await exited
  const directories = cgroups.flatMap((cgroup) => [join(cgroup, 'tests'), cgroup]).filter((directory) => existsSync(directory))
  for (const directory of directories) await removed(directory)
}

/** How often is tried, and for how long. Milliseconds. */
const [PAUSE, PATIENCE] = [10, 10_000]

/**
 * Each nsenter(1) that has brought a worker into the lane is outside of its pid namespace, and ends only when it has heard that the worker did; and the kernel lets go
 * of the last of them a moment after its end.
 */
async function removed(cgroup: string): Promise<void> {
  for (const until = Date.now() + PATIENCE; ; await sleep(PAUSE)) {
    try {
      return rmdirSync(cgroup)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() > until) throw error
    }
  }
}

/** One in each tree: below this process's own of version 1; of version 2 below the top, whose controllers may be given on. */
function makeCgroups(name: string): string[] {
  const memberships = readCgroup('self') ?? []
  return readHierarchies().map((hierarchy) => {
    const own = memberships.find(
      (one) => one.version === hierarchy.version && one.controllers.join() === hierarchy.controllers.join() && one.name === hierarchy.name,
    )
    const parent = hierarchy.version === 1 && own ? directoryOf(own, hierarchy) : undefined
    const directory = join(parent ?? hierarchy.mountPoint, name)
    mkdirSync(directory)
    for (const file of ['cpuset.cpus', 'cpuset.mems'].filter(() => hierarchy.controllers.includes('cpuset'))) {
      writeFileSync(join(directory, file), readFileSync(join(directory, '..', file)))
    }
    if (hierarchy.version === 2) giveControllers(hierarchy.mountPoint)
    return directory
  })
}

/** Where the top is a container's own and has processes, it gives nothing on, and a lane has what such a container has. */
function giveControllers(top: string): void {
  const [has = '', given = ''] = ['cgroup.controllers', 'cgroup.subtree_control'].map((file) =>
    readFileSync(join(top, file), 'utf8').trim(),
  )
  for (const controller of has.split(' ').filter((one) => one !== '' && !given.split(' ').includes(one))) {
    try {
      writeFileSync(join(top, 'cgroup.subtree_control'), `+${controller}`)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error
    }
  }
}
