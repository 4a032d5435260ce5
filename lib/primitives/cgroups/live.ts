/** A cgroup that lives: freeze, thaw, kill, change limits, remove. Ordinary code on files, not steps: the container runs already. */
import { closeSync, constants, openSync, readdirSync, rmdirSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { DrydockError } from '../../kernel/errors.js'
import { OWN_CGROUP } from '../../kernel/places.js'
import { type CgroupHost, hierarchyOf } from './detect.js'
import { hostFiles, keyed } from './files.js'
import { type Cgroup, type CgroupDirectory, notEnforced } from './fragment.js'
import { readLimits, readProcesses } from './read.js'
import { type CgroupLimits, checkLimits, type FileValue } from './spec.js'
import { translateV1 } from './v1.js'
import { translateV2 } from './v2.js'

export {
  type CgroupEvents,
  type CgroupReading,
  type CgroupUsage,
  type Counter,
  cgroupOf,
  readEvents,
  readLimits,
  readProcesses,
  readUsage,
} from './read.js'

/** Milliseconds between two looks, and for how long. */
const PAUSE = 5
const PATIENCE = 10_000

/** Stop every process of a cgroup where it is; none notices. Resolves when the last one stands. */
export async function freeze(cgroup: Cgroup): Promise<void> {
  const place = freezerOf(onlyOurs(cgroup))
  await until(`the processes of ${place.path} do not stand still (one may be waiting for a disk or a network file system)`, () => {
    // Written again at each look: on v1 a process that was being forked meanwhile can slip through.
    set(place, 'FROZEN', '1')
    return isFrozenIn(place)
  })
}

/** Let them run on. */
export async function thaw(cgroup: Cgroup): Promise<void> {
  const place = freezerOf(onlyOurs(cgroup))
  await until(`the processes of ${place.path} do not run on`, () => {
    set(place, 'THAWED', '0')
    return place.version === 1 ? state(place) === 'THAWED' : !isFrozenIn(place)
  })
}

export function isFrozen(cgroup: Cgroup): boolean {
  return isFrozenIn(freezerOf(cgroup))
}

/** SIGKILL to every process of a cgroup and of those below it. Resolves when none is left. */
export async function killAll(cgroup: Cgroup): Promise<void> {
  const unified = onlyOurs(cgroup).find(({ version, path }) => version === 2 && hostFiles.writable(`${path}/cgroup.kill`))
  await until(`not all processes of ${cgroup[0]?.path} end, though they are killed`, () => {
    const processes = readProcesses(cgroup)
    if (processes.length === 0) return true
    // One write reaches all at once, whatever they fork meanwhile (Linux 5.14).
    const atOnce = unified && readProcesses([unified]).length > 0
    unlessGone(() => (atOnce ? write(unified, 'cgroup.kill', '1') : killStanding(cgroup, processes)))
    return false
  })
}

/** Without cgroup.kill, who forks faster than we kill wins; so they stand still while the signals are sent. */
function killStanding(cgroup: Cgroup, processes: readonly number[]): void {
  const freezer = hierarchyOf(cgroup, 'freezer')
  if (freezer) write(freezer, 'freezer.state', 'FROZEN')
  for (const pid of new Set([...processes, ...readProcesses(cgroup)])) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error
    }
  }
  if (freezer) write(freezer, 'freezer.state', 'THAWED')
}

/** Change limits. Returns a sentence for each that is not enforced here. */
export function update(cgroup: Cgroup, changes: CgroupLimits, host: CgroupHost): readonly string[] {
  if (changes.devices !== undefined) throw new DrydockError('the devices of a container that exists cannot be changed')
  const memory = changes.memory ?? currentMemory(cgroup, changes)
  const limits = { ...currentBandwidth(cgroup, changes), ...changes, ...(memory !== undefined && { memory }) }
  checkLimits(limits, host)
  for (const directory of onlyOurs(cgroup)) {
    const files = new Set(hostFiles.names(directory.path))
    const { values } = (directory.version === 1 ? translateV1 : translateV2)(limits, (file) => files.has(file))
    const own = values.filter(({ controller }) => directory.controllers.includes(controller))
    for (const value of ordered(own, directory)) change(directory, value)
  }
  return notEnforced(limits, host)
}

/** A change of swap alone is relative to the memory limit that there is. */
function currentMemory(cgroup: Cgroup, { memorySwap }: CgroupLimits): number | undefined {
  const now = memorySwap === undefined ? undefined : readLimits(cgroup).memory?.value
  return now === undefined || !Number.isFinite(now) ? undefined : now
}

/** Quota and period go together: the one of which nothing is said is what it is. */
function currentBandwidth(cgroup: Cgroup, { cpuQuota, cpuPeriod }: CgroupLimits): CgroupLimits {
  if ((cpuQuota === undefined) === (cpuPeriod === undefined)) return {}
  const now = readLimits(cgroup)
  if (cpuPeriod === undefined) return now.cpuPeriod ? { cpuPeriod: now.cpuPeriod.value } : {}
  const quota = now.cpuQuota?.value
  return quota === undefined ? {} : { cpuQuota: Number.isFinite(quota) ? quota : -1 }
}

/** v1 keeps memory at or below memory and swap together at every moment: going up, the sum goes first. */
function ordered(values: readonly FileValue[], directory: CgroupDirectory): FileValue[] {
  const sum = values.find(({ file }) => file === 'memory.memsw.limit_in_bytes')
  const alone = values.find(({ file }) => file === 'memory.limit_in_bytes')
  if (!sum || !alone) return [...values]
  const now = Number(hostFiles.read(`${directory.path}/memory.memsw.limit_in_bytes`))
  const grows = Number(sum.value) < 0 || Number(sum.value) > now
  return grows ? [sum, ...values.filter((value) => value !== sum)] : [...values]
}

function change(directory: CgroupDirectory, { file, value }: FileValue): void {
  try {
    write(directory, file, value)
  } catch (error) {
    const reasons: Record<string, string> = {
      EBUSY: 'more is in use than that, and it cannot be taken back',
      EINVAL: 'the kernel refuses this value',
      ENOENT: 'the cgroup is gone',
      EACCES: 'it belongs to somebody else',
      EPERM: 'it belongs to somebody else',
    }
    const code = codeOf(error)
    throw new DrydockError(`${file} of ${directory.path} cannot be set to ${value}: ${reasons[code] ?? code}`, { cause: error })
  }
}

/**
 * Remove a cgroup and what was made below it. What still has processes is waited for, as a process may take a moment to be gone
 * after it was reaped; nobody is killed here.
 */
export async function remove(cgroup: Cgroup, patience = PATIENCE): Promise<void> {
  for (const { path } of onlyOurs(cgroup)) {
    await until(
      () =>
        `${path} cannot be removed: these processes are in it: ${readProcesses([{ version: 1, name: '', controllers: [], path }]).join(', ') || 'none that can be seen from here'}`,
      () => removeTree(path),
      patience,
    )
  }
}

/** From the bottom up; a cgroup's own files need no removing. True when nothing is left. */
function removeTree(directory: string): boolean {
  return hostFiles.directories(directory).every((child) => removeTree(`${directory}/${child}`)) && removeDirectory(directory)
}

/** rmdir; true when it is not there any more, false when something is in it. */
export function removeDirectory(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return true
    if (codeOf(error) === 'EBUSY' || codeOf(error) === 'ENOTEMPTY') return false
    throw new DrydockError(`${directory} cannot be removed: ${codeOf(error)}`, { cause: error })
  }
}

function freezerOf(cgroup: Cgroup): CgroupDirectory {
  const place = hierarchyOf(cgroup, 'freezer') ?? cgroup.find(({ version, path }) => version === 2 && exists(path, 'cgroup.freeze'))
  if (!place) throw new DrydockError('nothing can be paused here: there is no freezer (cgroup v1), nor a cgroup v2 directory of its own')
  return place
}

const exists = (directory: string, file: string) => readdirSync(directory).includes(file)
const state = ({ path }: CgroupDirectory) => hostFiles.read(`${path}/freezer.state`)?.trim()

function set(place: CgroupDirectory, v1: string, v2: string): void {
  try {
    if (place.version === 1) write(place, 'freezer.state', v1)
    else write(place, 'cgroup.freeze', v2)
  } catch (cause) {
    const code = codeOf(cause)
    const why = code === 'ENOENT' || code === 'ENODEV' ? 'it is gone' : code
    throw new DrydockError(`${place.path} cannot be frozen or thawed: ${why}`, { cause })
  }
}

function isFrozenIn(place: CgroupDirectory): boolean {
  if (place.version === 1) return state(place) === 'FROZEN'
  return keyed(hostFiles.read(`${place.path}/cgroup.events`)).get('frozen') === 1
}

/** A container may end, and its cgroup with it, while we look. */
function unlessGone(act: () => void): void {
  try {
    act()
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENODEV') throw error
  }
}

/** For writing alone, as some of these files can be read by nobody. */
function write({ path }: CgroupDirectory, file: string, value: string): void {
  const descriptor = openSync(`${path}/${file}`, constants.O_WRONLY)
  try {
    writeSync(descriptor, value)
  } finally {
    closeSync(descriptor)
  }
}

/** Never the cgroup of the host's own processes: one of ours has drydock's directory above it. */
function onlyOurs(cgroup: Cgroup): Cgroup {
  const foreign = cgroup.find(({ path }) => !path.includes(`/${OWN_CGROUP}/`))
  if (foreign) throw new DrydockError(`${foreign.path} is not below a directory of drydock's, so drydock leaves it alone`)
  return cgroup
}

async function until(complaint: string | (() => string), done: () => boolean | Promise<boolean>, patience = PATIENCE): Promise<void> {
  const deadline = performance.now() + patience
  while (!(await done())) {
    if (performance.now() > deadline) throw new DrydockError(typeof complaint === 'string' ? complaint : complaint())
    await sleep(PAUSE)
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)
