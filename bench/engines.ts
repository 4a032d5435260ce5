/**
 * The engines that are measured beside each other: drydock's daemon and Docker's, each in this process's own namespaces with all its files below PLACE,
 * asked by the same requests on their sockets. Docker's containers have their cgroups below the peers' parent, and outlive their daemon as drydock's do
 * (live-restore).
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../test/support/daemon.js'
import { startDockerd } from '../test/support/dockerd.js'
import { EngineApi } from '../test/support/engines/api.js'
import { busyboxArchive } from '../test/support/engines/image.js'
import { PEERS } from '../test/support/peers-cgroups.js'
import { DRYDOCK } from '../test/support/private-host.js'
import type { Bench } from './bench.js'
import { PLACE } from './isolated.js'
import { endPeers } from './peers.js'
import { findCommand } from './tools.js'

export const ENGINE_NEEDS = ['dockerd', 'docker', 'iptables', 'ip', 'busybox', 'nft', 'unshare']

export type EngineName = 'drydock' | 'dockerd'

/** How long it may take to come up. Milliseconds. */
const PATIENCE = 60_000

interface Running {
  stop(): Promise<void>
}

export class MeasuredEngine {
  readonly name: EngineName
  readonly api: EngineApi
  readonly #signal: AbortSignal
  #running: Running | undefined
  /** It may have containers. */
  #begun = false

  constructor(name: EngineName, signal: AbortSignal) {
    this.name = name
    this.#signal = signal
    mkdirSync(join(PLACE, name), { recursive: true })
    this.api = new EngineApi(join(PLACE, name, 'docker.sock'))
  }

  /** Of drydock's. */
  get dataRoot(): string {
    return join(PLACE, this.name, 'data')
  }

  get address(): string {
    return `unix://${this.api.socket}`
  }

  /** A `docker` command line that asks it. */
  docker(...words: readonly string[]): readonly string[] {
    return [findCommand('docker') as string, '--host', this.address, ...words]
  }

  /** Milliseconds until it has told which containers it has. */
  async start(): Promise<number> {
    const began = performance.now()
    await this.#launch(this.#signal)
    return performance.now() - began
  }

  async #launch(signal: AbortSignal): Promise<void> {
    this.#begun = true
    this.#running = this.name === 'drydock' ? await this.#startDrydock(signal) : await this.#startDocker(signal)
  }

  /** Containers live on. */
  async stop(): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
  }

  /** Every container ends, and the daemon, also one that was interrupted between its end and its start: cgroups are the machine's. Docker would take minutes for some hundreds: its containers are killed and go with the namespaces. */
  async close(): Promise<void> {
    if (this.#begun && this.name === 'drydock') {
      if (!this.#running) await this.#launch(new AbortController().signal)
      const containers = await this.api.must<{ Id: string }[]>('GET', '/containers/json?all=1')
      for (const { Id } of containers) await this.api.remove(Id)
    }
    await this.stop()
    if (this.name === 'dockerd') await endPeers()
    this.#begun = false
  }

  /** From create to gone, as `docker run --rm` asks: the waiting is registered before the start. */
  async run(cmd: readonly string[], more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const id = await this.api.create(cmd, more)
    const { status } = await this.api.wait(id, 'next-exit')
    await this.api.start(id)
    const code = await status
    if (code !== 0) throw new Error(`${this.name}: ${cmd.join(' ')} ended with ${code}`)
    await this.api.must('DELETE', `/containers/${id}`)
  }

  async #startDrydock(signal: AbortSignal): Promise<Running> {
    const words = ['daemon', '-H', this.address, '--data-root', this.dataRoot, '-l', 'warn']
    const daemon = run([process.execPath, DRYDOCK, ...words], { DRYDOCK_ENGINE: '' })
    const stop = async () => {
      daemon.child.kill('SIGTERM')
      await daemon.ended
    }
    const gone = daemon.ended.then(({ said }) => Promise.reject(new Error(`drydock daemon did not come up; it said:\n${said}`)))
    gone.catch(() => undefined)
    try {
      await Promise.race([this.#answered(signal), gone])
    } catch (error) {
      await stop()
      throw error
    }
    return { stop }
  }

  async #startDocker(signal: AbortSignal): Promise<Running> {
    return startDockerd({
      place: join(PLACE, this.name),
      signal,
      settings: { 'cgroup-parent': `/${PEERS}`, 'live-restore': 'true' },
      answered: () => this.#answered(signal),
    })
  }

  /** Its version, once it has told its containers. Until the socket is there nobody can be asked, so it is tried again. */
  async #answered(signal: AbortSignal): Promise<string> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])
    for (;;) {
      deadline.throwIfAborted()
      const answer = await this.api.get('/containers/json?all=1').catch(() => undefined)
      if (answer?.status === 200) break
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    return (await this.api.must<{ Version: string }>('GET', '/version')).Version
  }
}

export type Engines = Readonly<Record<EngineName, MeasuredEngine>>

export const ENGINE_NAMES: readonly EngineName[] = ['drydock', 'dockerd']

/** Both, running, with the image `busybox`; ended afterwards, however the work ends. */
export async function withEngines(bench: Bench, work: (engines: Engines) => Promise<void>): Promise<void> {
  const engines: Engines = { drydock: new MeasuredEngine('drydock', bench.signal), dockerd: new MeasuredEngine('dockerd', bench.signal) }
  try {
    for (const name of ENGINE_NAMES) {
      const { api } = engines[name]
      await engines[name].start()
      const { body } = await api.post('/images/load?quiet=1', busyboxArchive())
      if (body.includes('"error"')) throw new Error(`${name} does not load the image: ${body}`)
    }
    await tellVersions(bench, engines)
    await work(engines)
  } finally {
    await Promise.all(ENGINE_NAMES.map((name) => engines[name].close()))
  }
}

interface VersionAnswer {
  readonly Version: string
  readonly Components?: readonly { readonly Name: string; readonly Version: string }[]
}

async function tellVersions(bench: Bench, { drydock, dockerd }: Engines): Promise<void> {
  bench.version('drydock', (await drydock.api.must<VersionAnswer>('GET', '/version')).Version)
  const { Version, Components = [] } = await dockerd.api.must<VersionAnswer>('GET', '/version')
  bench.version('dockerd', Version)
  const containerd = Components.find(({ Name }) => Name === 'containerd')
  if (containerd) bench.version('containerd', containerd.Version)
}

/** The same work by each, as contestants. */
export const both = <T>(
  engines: Engines,
  work: (engine: MeasuredEngine) => Promise<T>,
): Readonly<Record<EngineName, () => Promise<T>>> => ({
  drydock: () => work(engines.drydock),
  dockerd: () => work(engines.dockerd),
})
