/**
 * The keeper: the program that holds the hosts while nobody looks. It has no terminal, and its end, whichever, is theirs: bottles end with
 * the connections to their shims.
 *
 *     npm run hosts ──fork──► keeper: takes the state file's name, opens the hosts, writes them down
 *          │   ◄── "ready", or why not ──┤   on descriptor 3, which is closed then
 *         ends                           │
 *     hosts -- down ──── SIGTERM ───────►│   closes the hosts, ends
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endHostSpawner, hostSpawner } from '../bottle.js'
import { findLeftovers, removeLeftovers } from '../doctor/leftovers.js'
import { DrydockError, sentenceOf } from '../kernel/errors.js'
import { stateDirectory } from '../kernel/places.js'
import { hostsNetwork } from '../network/hosts-range.js'
import { Hosts, type HostsOptions } from './hosts.js'
import { claimState, deadKeeper, dropState, type HostsState, isKept, readState, writeState } from './state.js'

/** Where the keeper says that it is ready. */
const READY = 3

/** What the keeper is started with instead of a person's word. */
export const KEEP = 'keep'

/** Milliseconds for the keeper to follow SIGTERM; bottles end in some tens. */
const PATIENCE = 10_000

const START = fileURLToPath(new URL('../../scripts/start.cjs', import.meta.url))

const logPath = () => join(stateDirectory(), 'hosts.log')

/** What is left of hosts whose keeper was killed together with its shims, as doctor finds it. */
async function sweep(): Promise<void> {
  const pid = deadKeeper()
  if (pid === undefined) return
  const left = (await findLeftovers()).filter(({ says }) => says.includes(`process ${pid}, which`))
  await removeLeftovers(left)
}

/** Start one, and wait until the hosts are up. Its own words when that fails. */
export async function startKeeper({ internet = false }: HostsOptions): Promise<HostsState> {
  await sweep()
  const log = openSync(logPath(), 'w', 0o600)
  const keeper = spawn(process.execPath, [START, 'hosts', KEEP, ...(internet ? ['--internet'] : [])], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log, log, 'pipe'],
  })
  closeSync(log)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    keeper.once('error', reject)
    const line = keeper.stdio[READY] as NodeJS.ReadableStream
    line.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
    line.once('close', resolve)
  })
  keeper.unref()
  const state = readState()
  if (said === 'ready' && state) return state
  throw new DrydockError(`the hosts cannot be brought up: ${said && said !== 'ready' ? said : complaint()}`)
}

/** Of what it has written the beginning; it was killed when there is nothing. */
function complaint(): string {
  const text = readFileSync(logPath(), 'utf8').trim()
  return text === '' ? 'their keeper was killed' : `${text.split('\n')[0]} (all of it is in ${logPath()})`
}

/** Be one, until somebody wants the hosts down or one of them ends. */
export async function keep(options: HostsOptions): Promise<number> {
  const stopped = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve(undefined))
  })
  const clerk = await (await hostSpawner()).shim()
  let hosts: Hosts | undefined
  try {
    const claimed = await claimState(clerk, hostsNetwork().network)
    hosts = await Hosts.open(options)
    writeState({ ...claimed, hosts: hosts.records })
    tell('ready')
    const gone = await Promise.race([stopped, hosts.ended])
    if (gone !== undefined) process.stderr.write(`${gone} has ended, and the others with it\n`)
    return 0
  } catch (error) {
    tell(error instanceof DrydockError ? sentenceOf(error) : String(error))
    process.stderr.write(`${error instanceof DrydockError ? sentenceOf(error) : (error as Error).stack}\n`)
    return 1
  } finally {
    await hosts?.close()
    // The name goes last: who sees it gone finds nothing of the hosts.
    await clerk.rollback()
    dropState()
    await endHostSpawner()
  }
}

function tell(words: string): void {
  try {
    writeSync(READY, words)
    closeSync(READY)
  } catch {
    // Said already, or nobody listens any more.
  }
}

/** End the keeper and with it all hosts. False when there is none. */
export async function stopKeeper(): Promise<boolean> {
  const state = readState()
  if (!state) {
    await sweep()
    return false
  }
  process.kill(state.keeper.pid, 'SIGTERM')
  for (const end = Date.now() + PATIENCE; isKept(state); await sleep(10)) {
    if (Date.now() > end) {
      // Its shims hear of the end, and take away what there is.
      process.kill(state.keeper.pid, 'SIGKILL')
      break
    }
  }
  return true
}
