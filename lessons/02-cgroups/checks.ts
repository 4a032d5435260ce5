/** The checks of lesson 2's exercises: they look at the kernel, never at what the learner's program says. */
import { setTimeout as sleep } from 'node:timers/promises'
import { clone3, execve } from '../../lib/index.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import { readEvents, readLimits } from '../../lib/primitives/cgroups/live.js'
import type { Trial } from '../../lib/tutor/lesson.js'
import { living } from '../../lib/tutor/living.js'
import { ENVIRONMENT, until } from '../01-namespaces/looks.js'
import { type Controller, content, frozen, groupOf, join, make, treeOf } from './groups.js'

/** Milliseconds between two looks at what the kernel is about to do. */
const A_MOMENT = 50

export async function checkSmallMemory(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const process = (await living(trial, await trial.run()))?.onMachine
  if (!group(trial, 'memory', 1)) return
  const limit = readLimits(groupOf(bottle, challenge.name as string)).memory
  trial.expect(
    limit?.value === challenge.bytes,
    `the group’s ${limit?.file} ${limit?.value === Infinity ? 'sets no limit' : `says ${limit?.value}`}; ${challenge.bytes} was asked for`,
    2,
  )
  member(trial, 'memory', process, 3, 4)
}

export async function checkSlow(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const process = (await living(trial, await trial.run()))?.onMachine
  if (!group(trial, 'cpu', 1)) return
  const { cpuQuota, cpuPeriod } = readLimits(groupOf(bottle, challenge.name as string))
  const percent = ((cpuQuota?.value ?? Number.NaN) / (cpuPeriod?.value ?? Number.NaN)) * 100
  const says = Number.isFinite(percent) ? `is ${cpuQuota?.value} of ${cpuPeriod?.value} µs: ${percent.toFixed(1)} %` : 'has no limit'
  trial.expect(
    Math.abs(percent - (challenge.percent as number)) < 0.1,
    `the group’s share of a processor ${says}; ${challenge.percent} % was asked for`,
    2,
  )
  member(trial, 'cpu', process, 3, 3)
}

export async function checkFewProcesses(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const most = challenge.most as number
  const process = (await living(trial, await trial.run()))?.onMachine
  if (!group(trial, 'pids', 1)) return
  const crew = groupOf(bottle, challenge.name as string)
  const limit = readLimits(crew).pids
  trial.expect(
    limit?.value === most,
    `the group has room for ${limit?.value === Infinity ? 'any number' : limit?.value}, not for ${most}`,
    1,
  )
  member(trial, 'pids', process, 2, 2)
  if (process === undefined) return
  trial.expect(readStatus(process)?.nsPids.at(-1) === 1, 'the process is not process 1 of a pid namespace of its own', 3)
  const refused = () => (readEvents(crew).pidsRefused?.value ?? 0) > 0
  for (let left = 100; left > 0 && !refused(); left--) await sleep(A_MOMENT)
  trial.expect(refused(), 'the kernel has refused nobody in this group: the script was not started in it', 3)
}

export async function checkStop(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const name = challenge.name as string
  const path = `${treeOf(bottle, 'freezer').path}/${name}`
  const shim = await bottle.shim()
  await shim.run([
    ...make(path),
    clone3(['pid']),
    ...join(path),
    // One that forks could slip through on version 1, which would be no fault of the learner's.
    execve('/bin/sh', ['sh', '-c', 'exec sleep 100000'], ENVIRONMENT),
  ])
  const victim = bottle.hostPid(shim.childPid as number)
  await until('the process that is to be stopped', () => victim !== undefined && readStatus(victim))
  await trial.run()
  // The kernel may need a moment until everybody stands.
  for (let left = 100; left > 0 && !frozen(bottle, name); left--) await sleep(A_MOMENT)
  const state = victim === undefined ? undefined : readStatus(victim)
  trial.expect(state !== undefined && !/^[ZX]/.test(state.state), 'the process in the group has ended', 2)
  trial.expect(frozen(bottle, name), 'the group runs: the kernel does not call it frozen', 3)
}

/** Is the group there at all? */
function group(trial: Trial, controller: Controller, hint: number): boolean {
  const path = `${treeOf(trial.bottle, controller).path}/${trial.challenge.name}`
  const found = content(trial.bottle.hostPath(`${path}/cgroup.procs`)) !== undefined
  trial.expect(found, `there is no group ${path}`, hint)
  return found
}

/** Is the process in the group, and nobody else but those that it has made? */
function member(trial: Trial, controller: Controller, process: number | undefined, hintAbsent: number, hintOther: number): void {
  const { bottle, challenge } = trial
  const procs = content(bottle.hostPath(`${treeOf(bottle, controller).path}/${challenge.name}/cgroup.procs`)) ?? ''
  const members = procs
    .split('\n')
    .filter((line) => line !== '')
    .map(Number)
  trial.expect(
    !members.includes(shimOf(process)),
    'the shim is in the group: everything that it makes from now on is limited too',
    hintOther,
  )
  if (process !== undefined)
    trial.expect(
      members.includes(process),
      `the process is not in the group; in it ${members.length === 1 ? 'is 1 process' : `are ${members.length || 'no'} processes`}`,
      hintAbsent,
    )
}

/** The parent of the learner's process: the shim that ran the steps. */
function shimOf(process: number | undefined): number {
  return (process !== undefined ? readStatus(process)?.ppid : undefined) ?? -1
}
