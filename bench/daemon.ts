/** A Docker daemon of the measurement's own: its data, its state, its socket and its cgroups are apart from those of any other. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { PEERS, removePeersCgroups } from './cgroups.js'
import { findCommand } from './tools.js'

/** How long it may take to come up, and to go. Milliseconds. */
const PATIENCE = 60_000

export interface Daemon {
  /** A `docker` command line that asks this daemon. */
  docker(...args: string[]): readonly string[]
  /** An image whose only layer is this directory. */
  importImage(name: string, root: string): Promise<void>
  readonly version: string
  /** End it, and wait until it has taken its containers, links and cgroups away. */
  stop(): Promise<void>
}

/** Started in this process's own namespaces, with all of it below `place`. Rejects, with what it said last, when it does not come up. */
export async function startDaemon(place: string, signal: AbortSignal): Promise<Daemon> {
  mkdirSync(place, { recursive: true })
  const at = (name: string) => join(place, name)
  const host = `unix://${at('docker.sock')}`
  // An empty file: /etc/docker/daemon.json of this machine may say the same things otherwise.
  writeFileSync(at('daemon.json'), '{}')
  const settings = {
    'config-file': at('daemon.json'),
    'data-root': at('data'),
    'exec-root': at('state'),
    pidfile: at('docker.pid'),
    host,
    // With systemd's driver it would ask the machine's systemd.
    'exec-opt': 'native.cgroupdriver=cgroupfs',
    'cgroup-parent': `/${PEERS}`,
    'log-level': 'warn',
  }
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  const child = spawn(findCommand('dockerd') as string, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000)
    })
  }
  const exited = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGTERM')
    const forced = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
    await exited
    clearTimeout(forced)
    removePeersCgroups()
  }
  const docker = (...words: string[]) => [findCommand('docker') as string, '--host', host, ...words]
  try {
    const version = await answered(docker('version', '--format', '{{.Server.Version}}'), exited, signal)
    return { docker, importImage: (name, root) => importImage(docker('import', '-', name), root), version, stop }
  } catch (error) {
    await stop()
    throw new Error(`dockerd did not come up (${(error as Error).message}); it said:\n${said}`)
  }
}

/** Its first answer. Until the socket is there a client fails, so it is asked again. */
async function answered(question: readonly string[], exited: Promise<unknown>, signal: AbortSignal): Promise<string> {
  const [file, ...args] = question
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])
  const gone = exited.then(() => Promise.reject(new Error('it has ended')))
  gone.catch(() => undefined)
  for (;;) {
    deadline.throwIfAborted()
    const asked = execa(file as string, args, { reject: false, cancelSignal: deadline })
    const { exitCode, stdout } = await Promise.race([asked, gone])
    if (exitCode === 0) return stdout
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), gone])
  }
}

async function importImage(command: readonly string[], root: string): Promise<void> {
  const [file, ...args] = command
  await execa(file as string, args, { input: await tarOf(root) })
}

async function tarOf(root: string): Promise<Uint8Array> {
  return (await execa('tar', ['--create', '--directory', root, '.'], { encoding: 'buffer' })).stdout
}
