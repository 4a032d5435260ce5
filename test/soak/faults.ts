/** kill -9, of whoever has a part in it. Each resolves with whether there was one to kill. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readChildren, readProcess } from '../../lib/kernel/proc/processes.js'
import { signalInnermost } from '../support/innermost.js'
import { DRYDOCK } from '../support/private-host.js'
import type { Known } from './known.js'
import type { Soak } from './soak.js'

type Fault = (soak: Soak) => Promise<boolean>

const someLiving = (soak: Soak): Known | undefined => {
  const all = soak.known.filter(({ kind, state, killed }) => kind === 'long' && state === 'started' && !killed)
  return all.length > 0 ? soak.random.pick(all) : undefined
}

const daemon: Fault = async (soak) => {
  await soak.killDaemon()
  return true
}

/** The parent of a container's first process, as the engine's host numbers them. */
const shim: Fault = async (soak) => {
  const known = someLiving(soak)
  if (!known) return false
  const { State } = await soak.engine.api.must<{ State: { Pid: number } }>('GET', `/containers/${known.name}/json`)
  // Its worker may have ended it since.
  if (State.Pid === 0 || known.state !== 'started') return false
  known.killed = true
  const { exitCode } = await soak.engine.host.run(['sh', '-c', 'parent=$(ps -o ppid= -p "$0") && kill -9 $parent', String(State.Pid)])
  return exitCode === 0
}

/** The daemon's child from which shims are forked. Nobody should notice: another one takes its place. */
const spawner: Fault = async (soak) => {
  const found = readChildren(soak.engine.pid).find((child) => readProcess(child)?.commandLine.includes('--spawner'))
  if (found) process.kill(found, 'SIGKILL')
  return found !== undefined
}

/** A process of its own that follows a log, in the middle of it. */
const client: Fault = async (soak) => {
  const known = someLiving(soak)
  if (!known) return false
  const words = [process.execPath, DRYDOCK, '-H', 'unix:///run/engine/docker.sock', 'logs', '--follow', known.name]
  const [file, ...args] = soak.engine.host.enter(['env', '-u', 'DRYDOCK_ENGINE', ...words])
  const child = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  const first = await Promise.race([once(child.stdout, 'data'), ended])
  signalInnermost(child, 'SIGKILL')
  await ended
  return Buffer.isBuffer(first[0])
}

export const FAULTS: readonly (readonly [string, Fault])[] = [
  ['kill -9 of the daemon', daemon],
  ['kill -9 of a shim', shim],
  ['kill -9 of the spawner', spawner],
  ['kill -9 of a client', client],
]
