/** A Docker daemon of one's own: its data, its state and its socket are apart from those of any other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { execa } from 'execa'
import { innermost, signalInnermost } from './innermost.js'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

/** How long it may take to come up, and to go. Milliseconds. */
const PATIENCE = 60_000

export interface DockerdOptions {
  /** Directory of all its files. */
  readonly place: string
  /** The same directory as this process reaches it, when the daemon is in another mount namespace. */
  readonly reach?: string
  /** The command line that runs another where the daemon is to be. */
  readonly enter?: (argv: readonly string[]) => readonly string[]
  /** More of its options, without the dashes. */
  readonly settings?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Resolves with its version when it has answered; docker's own command asks until it does when nothing is said. */
  readonly answered?: () => Promise<string>
}

export interface Dockerd {
  /** A `docker` command line that asks this daemon, to be run where the daemon is. */
  docker(...args: string[]): readonly string[]
  readonly version: string
  /** As this process's pid namespace numbers it. */
  readonly pid: number
  readonly exited: Promise<unknown>
  /** What it has printed last. */
  readonly said: string
  /** End it, and wait until it has taken its containers, links and cgroups away. */
  stop(): Promise<void>
}

/** It gives its containerd 15 seconds, which no option changes, and ends when a machine that stands still for a while has not started that by then. */
const TOO_SLOW = 'timeout waiting for containerd to start'

/** Rejects, with what it said last, when it does not come up. */
export async function startDockerd(options: DockerdOptions): Promise<Dockerd> {
  try {
    return await startOnce(options)
  } catch (error) {
    if (!(error as Error).message.includes(TOO_SLOW)) throw error
    return startOnce(options)
  }
}

async function startOnce(options: DockerdOptions): Promise<Dockerd> {
  const { place, reach = place, enter = (argv) => argv, signal = AbortSignal.timeout(2 ** 31 - 1) } = options
  mkdirSync(reach, { recursive: true })
  const at = (name: string) => join(place, name)
  const host = `unix://${at('docker.sock')}`
  // An empty file: /etc/docker/daemon.json of this machine may say the same things otherwise.
  writeFileSync(join(reach, 'daemon.json'), '{}')
  const settings = {
    'config-file': at('daemon.json'),
    'data-root': at('data'),
    'exec-root': at('state'),
    pidfile: at('docker.pid'),
    host,
    // With systemd's driver it would ask the machine's systemd.
    'exec-opt': 'native.cgroupdriver=cgroupfs',
    'log-level': 'warn',
    ...options.settings,
  }
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  const [file, ...rest] = enter([findCommand('dockerd') as string, ...args])
  const child = spawn(file as string, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000)
    })
  }
  const exited = once(child, 'exit')
  const gone = exited.then(() => Promise.reject(new Error('it has ended')))
  gone.catch(() => undefined)
  const stop = async () => {
    signalInnermost(child, 'SIGTERM')
    const forced = setTimeout(() => signalInnermost(child, 'SIGKILL'), PATIENCE)
    await exited
    clearTimeout(forced)
  }
  const docker = (...words: string[]) => [findCommand('docker') as string, '--host', host, ...words]
  try {
    const asking = options.answered?.() ?? firstAnswer(enter(docker('version', '--format', '{{.Server.Version}}')), signal, gone)
    const version = await Promise.race([asking, gone])
    return {
      docker,
      version,
      pid: innermost(child),
      exited,
      get said() {
        return said
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw new Error(`dockerd did not come up (${(error as Error).message}); it said:\n${said}`)
  }
}

/** Its first answer. Until the socket is there a client fails, so it is asked again. */
async function firstAnswer(question: readonly string[], signal: AbortSignal, gone: Promise<never>): Promise<string> {
  const [file, ...args] = question
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])
  for (;;) {
    deadline.throwIfAborted()
    const asked = execa(file as string, args, { reject: false, cancelSignal: deadline })
    const { exitCode, stdout } = await Promise.race([asked, gone])
    if (exitCode === 0) return stdout
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), gone])
  }
}

/**
 * Shell commands that make a mount namespace fit for it, with a directory for what it writes: /etc and /opt are written to by dockerd and
 * containerd, whatever their options say, and AppArmor would have a profile loaded. A v2 hierarchy beside v1 ones is put out of sight too:
 * crun 1.8 takes it for what it should use and fails; and since it then writes to the place all the same, there is a tmpfs.
 */
export const settleForDocker = (place: string): string => `
for directory in etc opt; do
  [ -d /$directory ] || continue
  mkdir -p ${place}/$directory/upper ${place}/$directory/work
  mount -t overlay -o lowerdir=/$directory,upperdir=${place}/$directory/upper,workdir=${place}/$directory/work private /$directory
done
for hidden in /sys/fs/cgroup/unified /sys/kernel/security; do
  if grep -q " $hidden " /proc/self/mountinfo; then umount -l $hidden; mount -t tmpfs private $hidden; fi
done`
