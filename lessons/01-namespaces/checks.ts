/** The checks of lesson 1's exercises: they look at the kernel, never at what the learner's program says. */
import { lstatSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import type { Bottle } from '../../lib/bottle.js'
import { clone3, close, execve, host, mkdir, mount, type Namespace, open, ref, type Step, sethostname, text } from '../../lib/index.js'
import { type IdRange, readIdMaps, toInside, toOutside } from '../../lib/kernel/proc/idmap.js'
import { type Mount, mountAt, readMountinfo } from '../../lib/kernel/proc/mountinfo.js'
import { readNamespace } from '../../lib/kernel/proc/namespaces.js'
import { executableOf, readProcess } from '../../lib/kernel/proc/processes.js'
import { readStatus } from '../../lib/kernel/proc/status.js'
import type { Shim } from '../../lib/kernel/shim.js'
import { child } from '../../lib/kernel/step.js'
import type { Trial } from '../../lib/tutor/lesson.js'
import { living, type Numbers } from '../../lib/tutor/living.js'
import { readHostname } from '../../lib/tutor/state.js'
import { idsSeenBy, shortList } from './looks.js'

export async function checkHostname(trial: Trial): Promise<void> {
  const name = trial.challenge.name as string
  const before = await readHostname(trial.bottle, 1)
  const process = await living(trial, await trial.run())
  const after = await readHostname(trial.bottle, 1)
  trial.expect(after === before, `the bottle is called ${after} now; it was ${before}`, 2)
  if (process === undefined) return
  trial.expect(!shares(trial.bottle, process, 'uts'), 'the process is in the bottle’s uts namespace', 1)
  const own = await readHostname(trial.bottle, process.inBottle)
  trial.expect(own === name, `the process’s host name is ${own}, not ${name}`, 3)
}

export async function checkOwnProcesses(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  await alone(bottle, (shim) => shim.run([host(mount(null, '/', null, ['rec', 'shared']))]))
  const before = mountsOf(bottle)
  const process = await living(trial, await trial.run())
  const after = mountsOf(bottle)
  const changes = changesOf(before, after)
  trial.expect(changes.length === 0, `the bottle’s mounts are not as before: ${changes.join(', ')}`, 2)
  if (process === undefined) return
  const { onMachine } = process
  trial.expect(!shares(bottle, process, 'pid'), 'the process is in the bottle’s pid namespace', 1)
  const number = readStatus(onMachine)?.nsPids.at(-1)
  trial.expect(number === 1, `the process has the number ${number} in its pid namespace, not 1`, 1)
  const proc = mountAt(readMountinfo(onMachine) ?? [], '/proc')
  trial.expect(proc?.fsType === 'proc', `on /proc it has ${proc ? `a mount of type ${proc.fsType}` : 'no mount'}, not a proc`, 3)
  const seen = idsSeenBy(onMachine)
  trial.expect(seen.join() === '1', `in its /proc there are the processes ${shortList(seen)}; only 1 was asked for`, 3)
  const [, ...args] = readProcess(onMachine)?.commandLine ?? []
  const program = executableOf(onMachine) ?? 'nothing'
  const asked = basename(program) === basename(realpathSync('/bin/sleep')) && args.join(' ') === String(challenge.seconds)
  trial.expect(asked, `it runs ${[program, ...args].join(' ')}, and not /bin/sleep ${challenge.seconds}`, 4)
}

export async function checkFakeRoot(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const outside = challenge.outside as number
  const path = `/tmp/${challenge.file}`
  const process = await living(trial, await trial.run())
  if (process === undefined) return
  trial.expect(!shares(bottle, process, 'user'), 'the process is in the bottle’s user namespace', 1)
  const [own, around] = [readIdMaps(process.onMachine), readIdMaps(bottle.pid)]
  const status = readStatus(process.onMachine)
  for (const kind of ['uid', 'gid'] as const) {
    const who = kind === 'uid' ? 'user' : 'group'
    // Both maps as this machine counts, whatever the bottle's own map is.
    const [inner, outer]: (readonly IdRange[])[] = [own?.[kind] ?? [], around?.[kind] ?? []]
    const wanted = toOutside(outer ?? [], outside)
    const behind = toOutside(inner ?? [], 0)
    const shown = behind === undefined ? 'does not exist' : `is ${who} ${toInside(outer ?? [], behind)} in the bottle`
    trial.expect(behind === wanted, `${who} 0 inside ${shown}; it should be ${who} ${outside}`, inner?.length === 0 ? 1 : 2)
    const ids = status?.[kind]
    const is = ids && toInside(inner ?? [], ids.effective)
    trial.expect(
      ids?.real === wanted && ids?.effective === wanted,
      `the process is ${who} ${is ?? '65534 (without a number)'} inside, not 0`,
      3,
    )
  }
  const owner = ownerOf(bottle, path)
  const seen =
    owner === undefined ? 'is not there' : `belongs to user ${toInside(around?.uid ?? [], owner) ?? 'nobody'} in the bottle’s eyes`
  trial.expect(owner !== undefined && owner === toOutside(around?.uid ?? [], outside), `${path} ${seen}`, 4)
}

const DOORS: readonly Namespace[] = ['uts', 'ipc', 'net', 'pid']

export async function checkEnter(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const place = challenge.place as string
  await alone(bottle, async (shim) => {
    await shim.run(containerWithDoors(place))
    const target = shim.childPid as number
    const process = await living(trial, await trial.run())
    if (process === undefined) return
    for (const kind of DOORS) {
      const [theirs, own] = [inode(bottle, target, kind), inode(bottle, process.inBottle, kind)]
      const where = own === inode(bottle, 1, kind) ? 'the bottle’s' : 'another one'
      trial.expect(own === theirs, `of the ${kind} namespaces the process is in ${where}, not in the container’s`, kind === 'pid' ? 2 : 1)
    }
  })
}

/** A container with four namespaces of its own, and a file for each on which it is mounted. */
function containerWithDoors(place: string): Step[] {
  const doors = DOORS.flatMap((kind) => [
    open(`${place}/${kind}`, ['creat', 'wronly'], { keep: 'door', mode: 0o444 }),
    close(ref('door')),
    mount(text`/proc/${child}/ns/${kind}`, `${place}/${kind}`, null, ['bind']),
  ])
  const name = place.slice(place.lastIndexOf('/') + 1)
  return [clone3(DOORS), ...host([mkdir(place), ...doors]), sethostname(name), execve('/bin/sleep', ['sleep', '1000'])]
}

/** Something done in the bottle by a shim of our own, which lives as long as that takes. */
export async function alone<T>(bottle: Bottle, act: (shim: Shim) => Promise<T>): Promise<T> {
  const shim = await bottle.shim()
  try {
    return await act(shim)
  } finally {
    await shim.rollback()
  }
}

const inode = (bottle: Bottle, pid: number, kind: Namespace) => readNamespace(pid, kind, bottle.hostPath('/proc'))

const shares = (bottle: Bottle, process: Numbers, kind: Namespace) =>
  inode(bottle, process.inBottle, kind) === readNamespace(bottle.pid, kind)

const mountsOf = (bottle: Bottle) => readMountinfo(bottle.pid) ?? []

/** What has come, gone or left its group, in words. */
export function changesOf(before: readonly Mount[], after: readonly Mount[]): string[] {
  const isOld = (one: Mount) => before.some(({ id }) => id === one.id)
  const lost = before.filter((one) => !after.some(({ id }) => id === one.id))
  const left = before.filter((one) => after.some(({ id, shared }) => id === one.id && shared !== one.shared))
  return [
    ...after.filter((one) => !isOld(one)).map(({ fsType, mountPoint }) => `a new ${fsType} on ${mountPoint}`),
    ...lost.map(({ fsType, mountPoint }) => `no ${fsType} on ${mountPoint} any more`),
    ...(left.length > 0 ? [`${left.length} of them are not shared any more`] : []),
  ]
}

function ownerOf(bottle: Bottle, path: string): number | undefined {
  try {
    return lstatSync(bottle.hostPath(path)).uid
  } catch {
    return undefined
  }
}
