/** A `drydock daemon` in directories of its own, as the process that people start. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { DRYDOCK } from './private-host.js'
import { until } from './waiting.js'

export interface Daemon {
  readonly child: ChildProcess
  /** All that it has said, once that matches. Rejects with it when it ends before, or says nothing of the kind for too long. */
  until(pattern: RegExp): Promise<string>
  /** Exit status, or the signal's name; and all that it said. */
  readonly ended: Promise<{ readonly status: number | NodeJS.Signals; readonly said: string }>
}

/** Milliseconds: less than a test has, so that it is told what was waited for. */
const PATIENCE = 60_000

export interface DaemonPlace {
  readonly root: string
  readonly socket: string
  at(name: string): string
  /** Its own places, and these arguments; ended with the test. */
  start(...args: string[]): Daemon
}

/** Taken away with the test. */
export function daemonPlace(): DaemonPlace {
  const root = mkdtempSync(join(tmpdir(), 'drydock-d-'))
  const at = (name: string) => join(root, name)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return {
    root,
    at,
    socket: at('engine.sock'),
    start: (...args) =>
      runForTest([process.execPath, DRYDOCK, 'daemon', '--data-root', at('data'), '--exec-root', at('run'), ...args], {
        // No file of this machine is to have a say.
        XDG_CONFIG_HOME: at('config'),
        HOME: root,
      }),
  }
}

/** Ended with the test. */
export function runForTest(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Daemon {
  const daemon = run(argv, env)
  onTestFinished(async () => {
    daemon.child.kill('SIGKILL')
    await daemon.ended
  })
  return daemon
}

export function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Daemon {
  const [file, ...args] = argv
  const child = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let said = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk
      for (const listener of listeners) listener()
    })
  }
  let status: number | NodeJS.Signals | undefined
  const ended = once(child, 'close').then(([code, signal]) => {
    status = (code ?? signal) as number | NodeJS.Signals
    for (const listener of listeners) listener()
    return { status, said }
  })
  return {
    child,
    ended,
    async until(pattern) {
      const late = () => new Error(`it has not said ${pattern} in ${PATIENCE} ms, but:\n${said}`)
      await until(listeners, () => pattern.test(said) || status !== undefined, PATIENCE, late)
      if (!pattern.test(said)) throw new Error(`it ended with ${status}, having said:\n${said}`)
      return said
    },
  }
}
