/** The checks of lesson 4's exercises: the root and the mounts of a process, as /proc shows them, and files in layers. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bottle } from '../../lib/bottle.js'
import { chdir, chroot, clone, host, mkdir, mount, open, ref, setns } from '../../lib/index.js'
import { type Mount, mountAt, overlayOf } from '../../lib/kernel/proc/mountinfo.js'
import { readNamespace } from '../../lib/kernel/proc/namespaces.js'
import { hostPidOf } from '../../lib/tutor/host-pid.js'
import type { Trial } from '../../lib/tutor/lesson.js'
import { living } from '../../lib/tutor/living.js'
import { random } from '../../lib/tutor/random.js'
import { alone, changesOf } from '../01-namespaces/checks.js'
import { contentOf, file, hashOf, isWhiteout, mountsOf, pointers, rootIsBottles, sameFile, statOf } from './looks.js'

export async function checkBreakOut(trial: Trial): Promise<void> {
  const { bottle } = trial
  const prison = trial.challenge.prison as string
  mkdirSync(bottle.hostPath(prison))
  const process = await living(trial, await trial.run([clone(), chroot(prison), chdir('/')]))
  if (process === undefined) return
  const pid = process.onMachine
  const { root, directory } = pointers(pid)
  const above = !directory.startsWith(`${prison}/`) && directory !== prison
  const hint = root === prison ? 1 : above ? 3 : 2
  trial.expect(rootIsBottles(bottle, pid), `the prisoner’s root is ${root} of the bottle, and it stands at ${directory}`, hint)
}

export async function checkOwnRoot(trial: Trial): Promise<void> {
  const { bottle } = trial
  const root = trial.challenge.root as string
  mkdirSync(bottle.hostPath(root))
  writeFileSync(join(bottle.hostPath(root), 'mark'), 'x')
  await shareAll(bottle)
  const before = mountsOf(bottle.pid)
  const process = await living(trial, await trial.run())
  expectUnchanged(trial, before)
  if (process === undefined) return
  const pid = process.onMachine
  const isRoot = sameFile(`/proc/${pid}/root/`, bottle.hostPath(root))
  trial.expect(isRoot, `the “/” of the process is ${pointers(pid).root}, not ${root} of the bottle`, 1)
  const ownTable = readNamespace(pid, 'mnt') !== readNamespace(bottle.pid, 'mnt')
  trial.expect(ownTable, 'the process uses the bottle’s table of mounts', isRoot ? 4 : 1)
  if (!ownTable) return
  // Seen from the top of its namespace: a process that was moved by chroot would not show what is around it.
  const { mounts, isTop } = await fromTheTop(bottle, process.inBottle, bottle.hostPath(root))
  const ofBottle = (one: Mount) => before.some((other) => sameMount(one, other))
  const left = mounts.filter(ofBottle)
  // Beside the new root, where the process can still see it; or around it, where it cannot.
  const hint = isRoot && mountsOf(pid).some(ofBottle) ? 3 : 4
  const what = left.length > 3 ? `${left.length} mounts` : `the mount ${left.map(({ mountPoint }) => mountPoint).join(', ')}`
  trial.expect(left.length === 0, `in its table there are still ${what} of the bottle’s`, hint)
  trial.expect(isTop, `a climb leads out of ${root}: the top of its mount namespace is another directory`, hint)
  const shared = mounts.filter((one) => one.shared !== undefined)
  trial.expect(
    shared.length === 0,
    `${shared.map(({ mountPoint, shared: group }) => `${mountPoint} has the tag shared:${group}`).join(', ')}`,
    1,
  )
}

export async function checkLayers(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const of = (key: string) => challenge[key] as string
  const at = (key: string, name?: string) => bottle.hostPath(name === undefined ? of(key) : `${of(key)}/${of(name)}`)
  mkdirSync(bottle.hostPath(of('first').slice(0, of('first').lastIndexOf('/'))))
  for (const key of ['first', 'second', 'upper', 'work', 'merged']) mkdirSync(at(key))
  const [hold, other] = random.integer(0, 1) === 0 ? ['first', 'second'] : ['second', 'first']
  writeFileSync(at('first', 'both'), `${random.name()}\n`)
  writeFileSync(at('second', 'both'), `${random.name()}\n`)
  writeFileSync(at(hold as string, 'gone'), 'to be deleted\n')
  writeFileSync(at(other as string, 'changed'), `${random.name()}\n`)
  const lower = [
    ['first', 'both'],
    ['second', 'both'],
    [hold, 'gone'],
    [other, 'changed'],
  ] as [string, string][]
  const hashes = lower.map(([layer, name]) => hashOf(at(layer, name)))
  const original = contentOf(at(other as string, 'changed')) ?? ''
  // A program may be at work yet that the steps have begun.
  await (await trial.run()).settle()
  const mounted = mountAt(mountsOf(bottle.pid), of('merged'))
  const layers = mounted && overlayOf(mounted)
  trial.expect(
    layers !== undefined,
    `in the bottle there is ${mounted ? `a ${mounted.fsType}` : 'nothing'} mounted on ${of('merged')}, and no overlay`,
    1,
  )
  lower.forEach(([layer, name], index) => {
    const now = hashOf(at(layer, name))
    trial.expect(
      now === hashes[index],
      `${of(layer)}/${of(name)} has ${now === undefined ? 'gone' : 'changed'}: a layer below was written to`,
      3,
    )
  })
  if (!layers) return
  trial.expect(layers.upper === of('upper'), `its upper layer is ${layers.upper ?? 'missing'}, not ${of('upper')}`, 1)
  trial.expect(
    contentOf(at('merged', 'both')) === contentOf(at('first', 'both')),
    `${of('both')} reads in ${of('merged')} as in the second layer, not as in the first`,
    2,
  )
  trial.expect(statOf(at('merged', 'gone')) === undefined, `${of('gone')} is still in ${of('merged')}`, 4)
  trial.expect(isWhiteout(statOf(at('upper', 'gone'))), `there is no whiteout of ${of('gone')} in ${of('upper')}`, 3)
  const [now, wanted] = [contentOf(at('merged', 'changed')), [original, of('line')].join('')]
  trial.expect(
    now?.trimEnd() === wanted,
    `${of('changed')} reads ${JSON.stringify(now ?? 'nothing')}, and should read ${JSON.stringify(`${wanted}\n`)}`,
    4,
  )
  trial.expect(contentOf(at('upper', 'changed')) === now, `${of('changed')} was not copied up to ${of('upper')}`, 3)
}

export async function checkReadOnlyVolume(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const [volume, place] = [challenge.volume as string, challenge.place as string]
  const [inner, mark] = [random.name(), random.name()]
  for (const path of [volume, `${volume}/${inner}`, place]) mkdirSync(bottle.hostPath(path))
  await alone(bottle, (shim) =>
    shim.run(host([mount('cargo', `${volume}/${inner}`, 'tmpfs'), mkdir(`${volume}/${inner}/${mark}`), ...file(`${volume}/${mark}`, 'x')])),
  )
  await shareAll(bottle)
  const before = mountsOf(bottle.pid)
  const process = await living(trial, await trial.run())
  expectUnchanged(trial, before)
  if (process === undefined) return
  const seen = `/proc/${process.onMachine}/root${place}`
  trial.expect(
    sameFile(`${seen}/${mark}`, bottle.hostPath(`${volume}/${mark}`)),
    `the process does not find the files of ${volume} at ${place}`,
    1,
  )
  trial.expect(statOf(`${seen}/${inner}/${mark}`) !== undefined, `what is mounted in ${volume} is missing at ${place}`, 2)
  for (const path of [seen, `${seen}/${inner}`]) {
    const answer = answerToWriting(join(path, random.name()))
    const shown = path === seen ? place : `${place}/${inner}, where something else is mounted,`
    trial.expect(
      answer === 'EROFS',
      `a new file at ${shown} gets ${answer === '' ? 'made' : answer}, and should get EROFS`,
      path === seen ? 3 : 4,
    )
  }
  const outside = answerToWriting(bottle.hostPath(`${volume}/${random.name()}`))
  trial.expect(outside === '', `in the bottle ${volume} cannot be written any more: ${outside}`)
}

/** The name of the error that making a file there gets; empty when it works. */
function answerToWriting(path: string): string {
  try {
    writeFileSync(path, '', { flag: 'wx' })
    return ''
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

/** What a process sees that enters the mount namespace and stands at its top, and whether that is the directory. */
export async function fromTheTop(bottle: Bottle, pid: number, directory: string): Promise<{ mounts: Mount[]; isTop: boolean }> {
  return alone(bottle, async (shim) => {
    await shim.run([open(`/proc/${pid}/ns/mnt`, ['rdonly'], { keep: 'mounts' }), setns(ref('mounts'), ['mnt'])])
    const visitor = hostPidOf(bottle, shim.pid)
    return { mounts: mountsOf(visitor), isTop: sameFile(`/proc/${visitor}/root/`, directory) }
  })
}

export const shareAll = (bottle: Bottle) => alone(bottle, (shim) => shim.run([host(mount(null, '/', null, ['rec', 'shared']))]))

export function expectUnchanged(trial: Trial, before: readonly Mount[]): void {
  const changes = changesOf(before, mountsOf(trial.bottle.pid))
  trial.expect(changes.length === 0, `the bottle’s mounts are not as before: ${changes.join(', ')}`, 1)
}

/** The same directory of the same file system, in another table of mounts. */
export const sameMount = (one: Mount, other: Mount) =>
  one.device.major === other.device.major && one.device.minor === other.device.minor && one.root === other.root
