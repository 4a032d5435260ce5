/**
 * A private host for the command line: mount, pid, net, ipc and uts namespaces of its own, with an empty /run and /var/lib/drydock, in which
 * commands are run as on a machine. Made by unshare(1) and entered by nsenter(1), so that nothing of ours is needed to test ours.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { execa, type Options } from 'execa'
import { afterAll, beforeAll } from 'vitest'
import { containerCgroups } from './container-cgroups.js'
import { busyboxRoot } from './full.js'
import { missing, type Requirement, requires } from './requires.js'
import { TerminalSession } from './terminal.js'

export const DRYDOCK = fileURLToPath(new URL('../../scripts/drydock.cjs', import.meta.url))

/** The command line of one of test/support/programs. */
export const program = (name: string, ...args: string[]): string[] => [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url)),
  ...args,
]

/** Directories of its own, a proc of its own, a loopback that is up; then it waits for the end of its input. */
const SETTLE = `
for directory in /run /var/lib/drydock; do mkdir -p $directory; mount -t tmpfs private $directory; done
mkdir -p /run/netns
ip link set lo up
echo ready
exec cat >/dev/null`

/** Milliseconds. */
const [PAUSE, PATIENCE] = [10, 10_000]

export interface Finished {
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

export class PrivateHost {
  readonly pid: number
  readonly #end: () => Promise<void>

  private constructor(pid: number, end: () => Promise<void>) {
    this.pid = pid
    this.#end = end
  }

  static async open(): Promise<PrivateHost> {
    const args = [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      '--net',
      '--ipc',
      '--uts',
      '--propagation',
      'private',
      'sh',
      '-ec',
      SETTLE,
    ]
    const outer = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(outer, 'exit')
    const [line] = await Promise.race([once(outer.stdout, 'data'), exited])
    if (String(line).trim() !== 'ready') throw new Error('the private host did not come up')
    const [child] = (await execa('pgrep', ['--parent', String(outer.pid)])).stdout.split('\n')
    // Its first process ends, with that the kernel ends every other, and only then does unshare, which waits for it.
    const end = async () => {
      outer.stdin.end()
      await exited
    }
    return new PrivateHost(Number(child), end)
  }

  /** The command line that runs `argv` in it. */
  enter(argv: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.pid), '--mount', '--pid', '--net', '--ipc', '--uts', '--', ...argv]
  }

  async run(argv: readonly string[], options: Options = {}): Promise<Finished> {
    const [file, ...args] = this.enter(argv)
    const { exitCode, stdout, stderr } = await execa(file as string, args, {
      reject: false,
      ...(options.input === undefined && { stdin: 'ignore' as const }),
      ...options,
    })
    return { exitCode, stdout: String(stdout ?? ''), stderr: String(stderr ?? '') }
  }

  drydock(...args: string[]): Promise<Finished> {
    return this.run([process.execPath, DRYDOCK, ...args])
  }

  /** The same on a terminal. */
  terminal(...args: string[]): TerminalSession {
    const [file, ...rest] = this.enter([process.execPath, DRYDOCK, ...args])
    return new TerminalSession(file as string, rest)
  }

  /**
   * The pid in it of the newest process with these arguments, once there is one: that a container's program runs is known when execve(2) has closed the
   * descriptors of its channel, and the name and the arguments of the program come after them.
   */
  async newest(command: string): Promise<string> {
    return (await this.run(['sh', '-c', `until pgrep -nf '^${command}$'; do sleep 0.01; done`])).stdout
  }

  /** A file of it, as this process reaches it. */
  path(path: string): string {
    return `/proc/${this.pid}/root${path}`
  }

  /** What a failed test has left running is ended by the command itself: cgroups are the real host's. Nobody is listed any more while its shim still takes them away. */
  async close(): Promise<void> {
    const { stdout } = await this.drydock('ps', '-q')
    if (stdout !== '') await this.drydock('rm', '-f', ...stdout.split('\n'))
    for (const until = Date.now() + PATIENCE; containerCgroups()?.length && Date.now() < until; ) await sleep(PAUSE)
    await this.#end()
  }
}

/**
 * For a file of tests: a private host and a root file system of busybox, made before the first and gone after the last; and `test`, which skips
 * out loud where they cannot be had.
 */
export function onPrivateHost(...more: Requirement[]) {
  const needs: Requirement[] = ['root', 'command:unshare', 'command:nsenter', 'command:busybox', 'command:ip', ...more]
  const able = missing(needs).length === 0
  const made: { host?: PrivateHost; root?: ReturnType<typeof busyboxRoot> } = {}
  beforeAll(async () => {
    if (!able) return
    made.host = await PrivateHost.open()
    made.root = busyboxRoot()
  })
  afterAll(async () => {
    made.root?.remove()
    await made.host?.close()
  })
  return {
    test: requires(...needs),
    able,
    get host(): PrivateHost {
      return made.host as PrivateHost
    },
    get root(): ReturnType<typeof busyboxRoot> {
      return made.root as ReturnType<typeof busyboxRoot>
    },
  }
}
