/** This user's own engine, started when a command needs it and none runs. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { DrydockError } from '../../kernel/errors.js'
import { runDirectory } from '../../kernel/places.js'
import { dial } from './dial.js'
import type { Endpoint } from './endpoint.js'
import { showHost } from './host.js'

/** Milliseconds that it has until it listens: with many containers it looks after all of them first. */
const PATIENCE = 30_000
/** Between two tries. */
const MOMENT = 15

/**
 * Start `drydock daemon`, detached, and wait until it listens. Of two commands that do so at once, one engine gets the socket and the other ends; both commands go
 * on with the first. Throws what the engine said last when none comes up.
 */
export async function startEngine(endpoint: Endpoint): Promise<void> {
  const log = join(runDirectory(), 'engine.log')
  const output = openSync(log, 'a', 0o600)
  const before = readFileSync(log).length
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] as string, 'daemon'], {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: '/',
  })
  closeSync(output)
  child.unref()
  let ended: string | undefined
  child.once('error', (error) => {
    ended = error.message
  })
  child.once('exit', (code, signal) => {
    ended = `it has ended with ${code ?? signal}`
  })
  for (const deadline = Date.now() + PATIENCE; ; await pause(MOMENT)) {
    // Whether it had ended is looked at first: what it left listening before is then seen.
    const last = ended
    if (await listens(endpoint)) break
    if (last !== undefined || Date.now() > deadline) {
      const said = readFileSync(log).subarray(before).toString().trim().split('\n').slice(-5).join('\n')
      throw new DrydockError(`no engine runs at ${showHost(endpoint.host)}, and ${failure(said, last, log)}`)
    }
  }
  process.stderr.write(`drydock: started an engine at ${showHost(endpoint.host)} (log: ${log})\n`)
}

/** Why none could be started, and what can be done about it when that is known. */
function failure(said: string, last: string | undefined, log: string): string {
  const [occupied] = /another engine uses .* already$/m.exec(said) ?? []
  if (occupied !== undefined) {
    return `none can be started there: ${occupied}. It does not listen here, or not yet: set DOCKER_HOST (or -H) to where it does, such as tcp://HOST:2375`
  }
  const why = last ?? `it does not listen after ${PATIENCE / 1000} seconds`
  return `starting one failed: ${why} (log: ${log})${said ? `\n${said}` : ''}`
}

async function listens(endpoint: Endpoint): Promise<boolean> {
  try {
    ;(await dial(endpoint)).destroy()
    return true
  } catch {
    return false
  }
}
