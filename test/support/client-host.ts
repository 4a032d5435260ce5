/** A private host with an engine in it, Docker's or drydock's, and drydock's command line as its client. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import { settleForDocker, startDockerd } from './dockerd.js'
import { busyboxRoot } from './full.js'
import { signalInnermost } from './innermost.js'
import { PEERS, peersCgroupsRemoved } from './peers-cgroups.js'
import { DRYDOCK, type Finished, PrivateHost } from './private-host.js'
import type { Requirement } from './requires.js'
import { TerminalSession } from './terminal.js'

/** Directory of everything there, on a tmpfs that goes with the host. */
const PLACE = '/run/engine'

/** What the image `box` has beside what every root of busybox has. */
const PROGRAMS = [
  'ls',
  'echo',
  'env',
  'stty',
  'tty',
  'touch',
  'ln',
  'mkdir',
  'rm',
  'kill',
  'printf',
  'pwd',
  'test',
  'hostname',
  'head',
  'ps',
]

export type EngineName = 'dockerd' | 'drydock'

export const NEEDS: Readonly<Record<EngineName, readonly Requirement[]>> = {
  dockerd: ['root', ...['unshare', 'nsenter', 'ip', 'busybox', 'tar', 'dockerd', 'docker'].map((name): Requirement => `command:${name}`)],
  drydock: ['root', ...['unshare', 'nsenter', 'ip', 'busybox', 'tar', 'nft'].map((name): Requirement => `command:${name}`)],
}

export class ClientHost {
  readonly host: PrivateHost
  /** As DOCKER_HOST has it. */
  readonly address: string
  readonly #end: () => Promise<void>

  private constructor(host: PrivateHost, address: string, end: () => Promise<void>) {
    this.host = host
    this.address = address
    this.#end = end
  }

  static async open(engine: EngineName): Promise<ClientHost> {
    const host = await PrivateHost.open()
    try {
      mkdirSync(host.path(PLACE), { recursive: true })
      const { address, stop } = await (engine === 'dockerd' ? dockerd(host) : daemon(host))
      const opened = new ClientHost(host, address, async () => {
        await stop()
        await host.close()
      })
      await opened.#importBox()
      return opened
    } catch (error) {
      await host.close()
      throw error
    }
  }

  get environment(): NodeJS.ProcessEnv {
    // None of this user's contexts and credentials; and the engine of this host.
    return {
      ...process.env,
      DRYDOCK_ENGINE: undefined,
      DOCKER_HOST: this.address,
      DOCKER_CONFIG: `${PLACE}/config`,
      DOCKER_CONTEXT: undefined,
    }
  }

  run(args: readonly string[], options: Options = {}): Promise<Finished> {
    return this.host.run([process.execPath, DRYDOCK, ...args], {
      ...options,
      env: { ...this.environment, ...options.env },
      extendEnv: false,
    })
  }

  /** What it prints; throws with what it complains of. */
  async ask(...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(args)
    if (exitCode !== 0) throw new Error(`drydock ${args.join(' ')}: exit status ${exitCode}: ${stderr || stdout}`)
    return stdout
  }

  /** A person in front of it. */
  terminal(...args: string[]): TerminalSession {
    const [file, ...rest] = this.host.enter([process.execPath, DRYDOCK, ...args])
    return new TerminalSession(file as string, rest, { env: this.environment })
  }

  path(path: string): string {
    return this.host.path(path)
  }

  async close(): Promise<void> {
    const ids = (await this.run(['ps', '-aq'])).stdout
    if (ids !== '') await this.run(['rm', '-fv', ...ids.split('\n')])
    await this.#end()
    await peersCgroupsRemoved()
  }

  async #importBox(): Promise<void> {
    const root = busyboxRoot()
    try {
      for (const name of PROGRAMS) symlinkSync('busybox', join(root.path, 'bin', name))
      const { stdout } = await execa('tar', ['--create', '--directory', root.path, '.'], { encoding: 'buffer' })
      const args = ['import', '--change', 'CMD ["sh"]', '--change', 'ENV FLAG=up', '-', 'box:latest']
      const { exitCode, stderr } = await this.run(args, { input: stdout })
      if (exitCode !== 0) throw new Error(`the image cannot be imported: ${stderr}`)
    } finally {
      root.remove()
    }
  }
}

interface Running {
  readonly address: string
  stop(): Promise<void>
}

async function dockerd(host: PrivateHost): Promise<Running> {
  const { exitCode, stderr } = await host.run(['sh', '-ec', settleForDocker(`${PLACE}/writes`)])
  if (exitCode !== 0) throw new Error(`the private host cannot be made ready for Docker: ${stderr}`)
  const place = `${PLACE}/docker`
  const settings = { 'cgroup-parent': `/${PEERS}`, iptables: 'false', 'ip-forward': 'false' }
  const { stop } = await startDockerd({ place, reach: host.path(place), enter: (argv) => host.enter(argv), settings })
  return { address: `unix://${place}/docker.sock`, stop }
}

/** `drydock daemon`, until it listens. */
async function daemon(host: PrivateHost): Promise<Running> {
  const socket = `${PLACE}/engine.sock`
  const [file, ...args] = host.enter([process.execPath, DRYDOCK, 'daemon', '-H', `unix://${socket}`])
  const child = spawn(file as string, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const exited = once(child, 'exit')
  const listens = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        said = (said + bytes.toString()).slice(-4000)
        if (statSync(host.path(socket), { throwIfNoEntry: false })) resolve()
      })
    exited.then(() => reject(new Error(`the engine has ended: ${said}`)))
  })
  await listens
  const stop = async () => {
    signalInnermost(child, 'SIGTERM')
    await exited
  }
  return { address: `unix://${socket}`, stop }
}
