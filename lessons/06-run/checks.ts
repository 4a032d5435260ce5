/** The checks of lesson 6's exercises: a process from all sides, as /proc shows it. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Capability, host, open, read, ref, setns } from '../../lib/index.js'
import { type Mount, mountAt } from '../../lib/kernel/proc/mountinfo.js'
import { differingNamespaces, type NamespaceFile, readNamespaces } from '../../lib/kernel/proc/namespaces.js'
import { readProcess } from '../../lib/kernel/proc/processes.js'
import { type CapabilityStatus, readStatus, type Status } from '../../lib/kernel/proc/status.js'
import { capabilitiesOf } from '../../lib/primitives/capabilities.js'
import type { Trial } from '../../lib/tutor/lesson.js'
import { living, type Numbers } from '../../lib/tutor/living.js'
import { readHostname } from '../../lib/tutor/state.js'
import { idsSeenBy } from '../01-namespaces/looks.js'
import { listed } from '../03-capabilities/looks.js'
import { expectUnchanged, fromTheTop, sameMount, shareAll } from '../04-rootfs/checks.js'
import { mountsOf, pointers, sameFile, statOf } from '../04-rootfs/looks.js'
import { buildHull } from './container.js'
import { descriptors, sessionOf, terminalSize } from './looks.js'

/** A terminal whose outer end was closed by the last one who had it. */
const GONE = /^\/dev\/pts\/\d+ \(deleted\)$/
const SIGHUP = 1

const OWN: readonly NamespaceFile[] = ['mnt', 'pid', 'uts', 'ipc', 'net']

export async function checkRun(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const { root, hostname } = challenge as Record<string, string>
  const [keep, argv] = [challenge.keep as readonly Capability[], challenge.argv as readonly string[]]
  const process = await started(trial, root as string)
  if (process === undefined) return
  const { onMachine, inBottle, status } = process
  const differing = differingNamespaces(readNamespaces(bottle.pid) ?? {}, readNamespaces(onMachine) ?? {})
  const shared = OWN.filter((kind) => !differing.includes(kind))
  trial.expect(shared.length === 0, `it shares ${shared.join(', ')} with the bottle`, 5)
  const number = status.nsPids.at(-1)
  trial.expect(number === 1, `to itself it is process ${number}, not 1`, 5)
  await expectRoot(trial, { onMachine, inBottle }, root as string, 2)
  const seen = idsSeenBy(onMachine)
  trial.expect(
    seen.join() === '1',
    `its /proc shows ${seen.length === 0 ? 'no process at all' : `${seen.length} processes`}, and should show itself`,
    2,
  )
  const name = await readHostname(bottle, inBottle)
  trial.expect(name === hostname, `its host name is ${name}, not ${hostname}`, 3)
  for (const set of ['permitted', 'effective', 'bounding'] as const) expectSet(trial, status, set, keep, 4)
  trial.expect(status.seccomp === 'filter', `its line Seccomp says ${status.seccomp}: no filter is loaded`, 4)
  const runs = readProcess(onMachine)?.commandLine ?? []
  trial.expect(runs.join(' ') === argv.join(' '), `it runs ${runs.join(' ') || 'nothing'}, not ${argv.join(' ')}`, 4)
}

export async function checkOrder(trial: Trial): Promise<void> {
  const { bottle, challenge } = trial
  const [root, hostname, port] = [challenge.root as string, challenge.hostname as string, challenge.port as number]
  const before = await readHostname(bottle, 1)
  const process = await started(trial, root)
  const after = await readHostname(bottle, 1)
  trial.expect(after === before, `the bottle was renamed: it is called ${after} now`, 1)
  if (process === undefined) return
  const { onMachine, inBottle, status } = process
  await expectRoot(trial, process, root, 3)
  const name = await readHostname(bottle, inBottle)
  trial.expect(name === hostname, `its host name is ${name}, not ${hostname}`, 2)
  const masked = mountAt(mountsOf(onMachine), '/proc/sys')
  trial.expect(masked?.options.includes('ro') === true, 'its /proc/sys is not read-only', 3)
  const lowest = await lowestPort(trial, inBottle)
  trial.expect(lowest === String(port), `the lowest port that anybody may take is ${lowest ?? 'not to be read'}, not ${port}`, 3)
  for (const set of ['permitted', 'effective', 'bounding'] as const) expectSet(trial, status, set, [], 4)
  trial.expect(status.seccomp === 'filter', `its line Seccomp says ${status.seccomp}: no filter is loaded`, 4)
  const runs = readProcess(onMachine)?.commandLine ?? []
  trial.expect(runs[0]?.endsWith('sleep') === true, `it runs ${runs.join(' ') || 'nothing'}, not sleep`, 2)
}

export async function checkTerminal(trial: Trial): Promise<void> {
  const [rows, columns] = [trial.challenge.rows as number, trial.challenge.columns as number]
  const box = await trial.run()
  const process = await living(trial, box)
  // Process 1 of a pid namespace is not ended by SIGHUP; its terminal has gone all the same.
  const streams = new Map(process && descriptors(process.onMachine))
  const hungUp = process ? [...streams.values()].some((target) => GONE.test(target)) : (await box.exitWithin(0))?.signal === SIGHUP
  trial.expect(!hungUp, 'its terminal has hung up: nobody holds the outer end', 5)
  if (process === undefined) return
  const pid = process.onMachine
  const runs = readProcess(pid)?.commandLine[0] ?? ''
  trial.expect(runs.endsWith('sleep'), `it runs ${runs || 'nothing'}, not sleep`, 6)
  for (const [number, name] of ['stdin', 'stdout', 'stderr'].entries()) {
    const target = streams.get(number) ?? 'closed'
    trial.expect(
      /^\/dev\/pts\/\d+$/.test(target),
      `its ${name} is ${target}, and no terminal of its devpts`,
      target.startsWith('/dev/pts') ? 1 : 2,
    )
  }
  const session = sessionOf(pid)
  trial.expect(session?.leader === pid, 'it leads no session: it is in that of whoever made it', 3)
  trial.expect((session?.terminal ?? 0) !== 0, 'it has no controlling terminal: field 7 of /proc/PID/stat is 0', 3)
  trial.expect(session?.inFront === pid, 'the keys of its terminal go to another group', 3)
  const size = terminalSize(pid, 0)
  const shown = size ? `${size.rows} lines of ${size.columns}` : 'no terminal’s'
  trial.expect(size?.rows === rows && size.columns === columns, `the size is ${shown}, not ${rows} lines of ${columns}`, 4)
}

/** Builds the root, runs the steps in a bottle whose mounts are shared, as on most hosts, and looks whether a process is there. */
async function started(trial: Trial, root: string) {
  const { bottle } = trial
  mkdirSync(bottle.hostPath(dirname(root)), { recursive: true })
  buildHull(bottle, root)
  await shareAll(bottle)
  const before = mountsOf(bottle.pid)
  const process = await living(trial, await trial.run())
  expectUnchanged(trial, before)
  const status = process && readStatus(process.onMachine)
  return process && status ? { ...process, before, status } : undefined
}

/** The root is the directory, and seen from the top of its mount namespace nothing of the bottle is around it. */
async function expectRoot(trial: Trial, { inBottle, onMachine }: Numbers, root: string, hint: number): Promise<void> {
  const { bottle } = trial
  const isRoot = sameFile(`/proc/${onMachine}/root/`, bottle.hostPath(root))
  trial.expect(isRoot, `the “/” of the process is ${pointers(onMachine).root}, not ${root} of the bottle`, hint)
  const ofBottle = mountsOf(bottle.pid)
  const { mounts } = await fromTheTop(bottle, inBottle, bottle.hostPath(root))
  // Single device nodes are bound from the bottle's: over files that are masked, and where none can be made.
  const isNode = ({ mountPoint }: Mount) => statOf(`/proc/${onMachine}/root${mountPoint}`)?.isCharacterDevice() === true
  const left = mounts.filter((one) => !isNode(one) && ofBottle.some((other) => sameMount(one, other)))
  trial.expect(left.length === 0, `in its table of mounts ${left.length} of the bottle’s are left`, hint)
}

/** A file below /proc/sys/net shows the network of its reader, so somebody goes in and reads. */
async function lowestPort(trial: Trial, pid: number): Promise<string | undefined> {
  const shim = await trial.bottle.shim()
  try {
    const steps = [
      open(`/proc/${pid}/ns/net`, ['rdonly'], { keep: 'net' }),
      setns(ref('net'), ['net']),
      open('/proc/sys/net/ipv4/ip_unprivileged_port_start', ['rdonly'], { keep: 'port' }),
      read(ref('port'), 16),
    ]
    const answer = (await shim.attempt(host(steps))).at(-1)
    return answer?.status === 'ok' ? answer.outs[0]?.subarray(0, Number(answer.ret)).toString().trim() : undefined
  } finally {
    await shim.rollback()
  }
}

function expectSet(trial: Trial, status: Status, set: keyof CapabilityStatus, wanted: readonly Capability[], hint: number): void {
  const held = capabilitiesOf(status.capabilities[set].bits)
  const [more, less] = [held.filter((one) => !wanted.includes(one)), wanted.filter((one) => !held.includes(one))]
  const what = [more.length > 0 ? `has too much: ${listed(more)}` : '', less.length > 0 ? `lacks ${listed(less)}` : '']
  trial.expect(more.length + less.length === 0, `the ${set} set ${what.filter(Boolean).join(', and ')}`, hint)
}
