/**
 * Which hosts are up: a file in the run directory, written by the keeper (the program that holds them) and read by everybody else. Its name is
 * the lock, since a name can be made only once.
 *
 *     keeper ── state file, made by a shim of its own, which takes it away when the keeper has gone, however that went
 *     others ── read it, and see whether that keeper still runs
 */
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { link, unlink } from '../kernel/calls/files.js'
import { DrydockError } from '../kernel/errors.js'
import { replaceFile } from '../kernel/new-file.js'
import { runDirectory, runDirectoryPath } from '../kernel/places.js'
import { goesOn, readProcess } from '../kernel/proc/processes.js'
import { textIfReadable } from '../kernel/readable.js'
import type { Shim } from '../kernel/shim.js'
import { host } from '../kernel/step.js'
import type { HostRecord } from './house.js'

export interface HostsState {
  readonly version: 1
  readonly keeper: { readonly pid: number; readonly startTicks: number }
  /** ISO 8601. */
  readonly since: string
  readonly network: string
  /** None while they are being brought up. */
  readonly hosts: readonly HostRecord[]
}

/** One file for a run directory: there is one pair of hosts. */
const NAME = 'hosts.json'

export const statePath = (directory: string = runDirectoryPath()): string => join(directory, NAME)

/** The hosts that are up, or are being brought up; undefined when there are none, also when a keeper was killed and left its file. */
export function readState(path: string = statePath()): HostsState | undefined {
  const state = parse(textIfReadable(path))
  return state && isKept(state) ? state : undefined
}

/** The process id of a keeper that was killed together with whoever would have put things in order. */
export function deadKeeper(path: string = statePath()): number | undefined {
  const state = parse(textIfReadable(path))
  return state && !isKept(state) ? state.keeper.pid : undefined
}

function parse(text: string | undefined): HostsState | undefined {
  if (text === undefined) return undefined
  try {
    const state = JSON.parse(text) as HostsState
    return state.version === 1 ? state : undefined
  } catch {
    return undefined
  }
}

/** Does its keeper still run? */
export const isKept = ({ keeper }: Pick<HostsState, 'keeper'>): boolean => goesOn(keeper)

/** Take the name. An error when somebody else has it. `shim` gives it back when this program is gone. */
export async function claimState(shim: Shim, network: string): Promise<HostsState> {
  const path = statePath(runDirectory())
  const { startTicks } = readProcess(process.pid) as { startTicks: number }
  const state: HostsState = {
    version: 1,
    keeper: { pid: process.pid, startTicks },
    since: new Date().toISOString(),
    network,
    hosts: [],
  }
  const draft = draftOf(path)
  writeFileSync(draft, JSON.stringify(state), { mode: 0o600 })
  try {
    for (;;) {
      const [made] = await shim.run(host([link(draft, path, { allow: ['EEXIST'], undo: [unlink(path, { allow: ['ENOENT'] })] })]))
      if (made?.status === 'ok') return state
      if (readState(path)) throw new DrydockError('the hosts are up already, or are being brought up: npm run hosts -- status')
      takeAway(path)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** What a killed keeper left. Of several who see that one gets it, and then only if it is still the dead one's. */
function takeAway(path: string): void {
  const aside = `${draftOf(path)}.old`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  const state = parse(textIfReadable(aside))
  if (state && isKept(state)) linkSync(aside, path)
  rmSync(aside, { force: true })
}

/** Take our own file away, when the shim that was to do it was killed. */
export function dropState(path: string = statePath()): void {
  if (parse(textIfReadable(path))?.keeper.pid === process.pid) rmSync(path, { force: true })
}

/** Whole or not at all. */
export function writeState(state: HostsState): void {
  const path = statePath(runDirectory())
  replaceFile(path, JSON.stringify(state), { temporary: draftOf(path), flag: 'w', sync: false })
}

/** The name has the id of the program that made it, by which doctor finds what was left. */
const draftOf = (path: string): string => path.replace(/\.json$/, `-${process.pid}.json`)

/** The state of hosts that are up; an error that says how to bring them up otherwise. */
export function hostsUp(): HostsState {
  const state = readState()
  if (!state) throw new DrydockError('the two hosts are not up: npm run hosts')
  if (state.hosts.length === 0) throw new DrydockError('the two hosts are being brought up just now; try again in a moment')
  return state
}

export function hostOf({ hosts }: HostsState, name: string): HostRecord {
  const found = hosts.find((one) => one.name === name)
  if (!found) throw new DrydockError(`there is no host '${name}'; there are: ${hosts.map((one) => one.name).join(', ')}`)
  return found
}
