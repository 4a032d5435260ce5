/** Debian's docker-registry, a real registry of the distribution protocol, on the loopback of a host of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { signalInnermost } from './innermost.js'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

export interface RegistryOptions {
  /** Directory of all its files, and the same as this process reaches it when it is in another mount namespace. */
  readonly place: string
  readonly reach?: string
  readonly port: number
  readonly enter?: (argv: readonly string[]) => readonly string[]
}

export interface RunningRegistry {
  /** As it stands in references. */
  readonly address: string
  stop(): Promise<void>
}

export async function startRegistry(options: RegistryOptions): Promise<RunningRegistry> {
  const { place, reach = place, port, enter = (argv) => argv } = options
  mkdirSync(reach, { recursive: true })
  const address = `127.0.0.1:${port}`
  const config = [
    'version: 0.1',
    'log: {level: error, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${place}/data}, delete: {enabled: true}}`,
    `http: {addr: "${address}"}`,
  ]
  writeFileSync(join(reach, 'config.yml'), `${config.join('\n')}\n`)
  const [file, ...args] = enter([findCommand('docker-registry') as string, 'serve', join(place, 'config.yml')])
  const child = spawn(file as string, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  const exited = once(child, 'exit')
  const stop = async () => {
    signalInnermost(child, 'SIGTERM')
    await exited
  }
  const deadline = Date.now() + 60_000
  while (!listens(child, port)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop()
      throw new Error(`docker-registry did not come up; it said:\n${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { address, stop }
}

/** Seen in the process's own network namespace, which this one need not be in: proc_pid_net(5), state 0A is LISTEN. */
function listens({ pid }: ChildProcess, port: number): boolean {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} `
  let table = ''
  try {
    table = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
  } catch {
    // It has ended.
  }
  return table.split('\n').some((line) => line.includes(local) && / 0A /.test(line))
}
