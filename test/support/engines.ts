/**
 * An engine that runs, for tests that ask one by Docker's API: drydock's own daemon, or Docker's. Each is a process on a private host of its own (files,
 * links, rules, processes), reached from here by its socket; the same test runs against either.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { settleForDocker, startDockerd } from './dockerd.js'
import { EngineApi } from './engines/api.js'
import { busyboxArchive } from './engines/image.js'
import { forked, innermost, signalInnermost } from './innermost.js'
import { PEERS, peersCgroupsRemoved } from './peers-cgroups.js'
import { DRYDOCK, PrivateHost } from './private-host.js'
import { type RunningRegistry, startRegistry } from './registry.js'
import { missing, type Requirement, requires } from './requires.js'

export type EngineKind = 'drydock' | 'dockerd'

export const NEEDS: Readonly<Record<EngineKind, readonly Requirement[]>> = {
  drydock: ['root', 'command:unshare', 'command:nsenter', 'command:busybox', 'command:ip', 'command:nft'],
  dockerd: [
    'root',
    'command:unshare',
    'command:nsenter',
    'command:busybox',
    'command:ip',
    'command:dockerd',
    'command:docker',
    'command:iptables',
  ],
}

/** For trying the tests of drydock's engine on the one that they were made after: DRYDOCK_PEER=dockerd. */
export const ENGINE: EngineKind = process.env.DRYDOCK_PEER === 'dockerd' ? 'dockerd' : 'drydock'

/** Directory of its own files there, on a tmpfs that goes with the host. */
const PLACE = '/run/engine'

/** How long it may take to come up, and to go. Milliseconds. */
const PATIENCE = 60_000

export interface EngineOptions {
  /** Drydock's: what stands before the daemon's command line: `prlimit --nofile=64`, `env NAME=value`. */
  readonly before?: readonly string[]
  /** More words of the daemon's command line. */
  readonly args?: readonly string[]
  /** What a shell does on its host before it is started. */
  readonly setting?: string
  /** Load the tests' image, `busybox`. It is, when nothing is said. */
  readonly image?: boolean
}

interface Running {
  /** As this process's pid namespace numbers it. */
  readonly pid: number
  readonly exited: Promise<unknown>
  /** What it has printed last. */
  readonly said: string
  /** By SIGTERM, and wait. */
  stop(): Promise<void>
}

/** Containers that are removed at the same time. */
const ABREAST = 100

export class TestEngine {
  readonly kind: EngineKind
  readonly host: PrivateHost
  /** As this process reaches it. */
  readonly socket: string
  readonly api: EngineApi
  readonly #args: readonly string[]
  readonly #before: readonly string[]
  #running: Running | undefined
  #registry: RunningRegistry | undefined

  private constructor(kind: EngineKind, host: PrivateHost, args: readonly string[], before: readonly string[]) {
    this.kind = kind
    this.host = host
    this.#args = args
    this.#before = before
    this.socket = host.path(join(PLACE, 'docker.sock'))
    this.api = new EngineApi(this.socket)
  }

  static async open(kind: EngineKind, { args = [], before = [], setting, image = true }: EngineOptions = {}): Promise<TestEngine> {
    const host = await PrivateHost.open()
    const engine = new TestEngine(kind, host, args, before)
    try {
      mkdirSync(host.path(PLACE), { recursive: true })
      if (setting !== undefined) await settled(host, setting)
      if (kind === 'dockerd') await settled(host, settleForDocker(join(PLACE, 'writes')))
      // The sources are made one file when they are newer than it: not by a daemon that is looked at.
      else await host.drydock('--version')
      await engine.start()
      if (image) await engine.load(busyboxArchive())
      return engine
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  /** Of the daemon, as this process's pid namespace numbers it. */
  get pid(): number {
    if (!this.#running) throw new Error(`${this.kind} does not run`)
    return this.#running.pid
  }

  /** What the daemon has printed last. */
  get said(): string {
    return this.#running?.said ?? ''
  }

  /** How many milliseconds it took until it answered. */
  async start(): Promise<number> {
    const began = performance.now()
    this.#running =
      this.kind === 'drydock' ? await startDrydock(this.host, this.api, this.#args, this.#before) : await dockerd(this.host, this.#args)
    return performance.now() - began
  }

  /** Start drydock's, and kill it after so many milliseconds, whether it answers by then or not. */
  async startAndKill(milliseconds: number): Promise<void> {
    const coming = spawnDrydock(this.host, this.#args, this.#before)
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    await coming.forked()
    coming.signal('SIGKILL')
    await coming.exited
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
  }

  /** SIGKILL, and wait until it is gone; nothing of it may act after that. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL')
    await this.#running?.exited
    this.#running = undefined
  }

  /** A registry beside it, on port 5000 of its loopback; ends with `close`. */
  async registry(): Promise<string> {
    const place = join(PLACE, 'registry')
    this.#registry ??= await startRegistry({ place, reach: this.host.path(place), port: 5000, enter: (argv) => this.host.enter(argv) })
    return this.#registry.address
  }

  async load(archive: Buffer): Promise<void> {
    const answer = await this.api.post('/images/load?quiet=1', archive)
    const text = answer.body.toString()
    if (answer.status !== 200 || text.includes('"error"')) throw new Error(`the image is not loaded: ${answer.status} ${text}`)
  }

  /** What the daemon's descriptors are of. */
  descriptors(): string[] {
    const directory = `/proc/${this.pid}/fd`
    return readdirSync(directory).flatMap((name) => {
      try {
        return [readlinkSync(join(directory, name))]
      } catch {
        // Closed since.
        return []
      }
    })
  }

  /** Take away every container, network of a user's and volume. */
  async clear(): Promise<void> {
    const containers = await this.api.must<{ Id: string }[]>('GET', '/containers/json?all=1')
    // There may be more of them than an engine takes connections at once.
    for (let at = 0; at < containers.length; at += ABREAST) {
      await Promise.all(containers.slice(at, at + ABREAST).map(({ Id }) => this.api.remove(Id)))
    }
    const networks = await this.api.must<{ Id: string; Name: string }[]>('GET', '/networks')
    for (const { Id, Name } of networks) if (!['bridge', 'host', 'none'].includes(Name)) await this.api.delete(`/networks/${Id}`)
    const { Volumes } = await this.api.must<{ Volumes: { Name: string }[] | null }>('GET', '/volumes')
    for (const { Name } of Volumes ?? []) await this.api.delete(`/volumes/${Name}?force=1`)
  }

  /** All of it ends: containers first, since cgroups are the real host's; then the daemon, then the host. */
  async close(): Promise<void> {
    try {
      if (this.#running) await this.clear()
    } finally {
      await this.#registry?.stop()
      await this.stop().finally(() => this.host.close())
      if (this.kind === 'dockerd') await peersCgroupsRemoved()
    }
  }
}

async function settled(host: PrivateHost, script: string): Promise<void> {
  const { exitCode, stderr } = await host.run(['sh', '-ec', script])
  if (exitCode !== 0) throw new Error(`the private host cannot be made ready for the engine: ${stderr}`)
}

async function dockerd(host: PrivateHost, args: readonly string[]): Promise<Running> {
  const settings = Object.fromEntries(args.map((arg) => arg.replace(/^--/, '').split('=') as [string, string]))
  return startDockerd({
    place: PLACE,
    reach: host.path(PLACE),
    enter: (argv) => host.enter(argv),
    settings: { 'cgroup-parent': `/${PEERS}`, ...settings },
  })
}

/** A Running, which may not run yet, and a signal for it. */
function spawnDrydock(
  host: PrivateHost,
  args: readonly string[],
  before: readonly string[],
): Running & { forked(): Promise<void>; signal(name: NodeJS.Signals): void } {
  const [file, ...rest] = host.enter([
    ...before,
    process.execPath,
    DRYDOCK,
    'daemon',
    '-H',
    `unix://${join(PLACE, 'docker.sock')}`,
    ...args,
  ])
  const child = spawn(file as string, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000)
    })
  }
  const exited = once(child, 'exit')
  const signal = (name: NodeJS.Signals) => signalInnermost(child, name)
  return {
    get pid() {
      return innermost(child)
    },
    exited,
    get said() {
      return said
    },
    forked: () => forked(child),
    signal,
    stop: async () => {
      signal('SIGTERM')
      const forced = setTimeout(() => signal('SIGKILL'), PATIENCE)
      await exited
      clearTimeout(forced)
    },
  }
}

async function startDrydock(host: PrivateHost, api: EngineApi, args: readonly string[], before: readonly string[]): Promise<Running> {
  const running = spawnDrydock(host, args, before)
  try {
    await answered(api, running.exited)
    return running
  } catch (error) {
    await running.stop()
    throw new Error(`drydock daemon did not come up (${(error as Error).message}); it said:\n${running.said}`)
  }
}

/** Its first answer. Until the socket is there nobody can be asked, so it is tried again. */
async function answered(api: EngineApi, exited: Promise<unknown>): Promise<void> {
  const deadline = AbortSignal.timeout(PATIENCE)
  let gone = false
  exited.then(() => {
    gone = true
  })
  for (;;) {
    deadline.throwIfAborted()
    if (gone) throw new Error('it has ended')
    const answer = await api.get('/_ping').catch(() => undefined)
    if (answer?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** For a file of tests: an engine, started before the first and gone after the last; and `test`, which skips out loud where it cannot be had. */
export function onEngine(kind: EngineKind, { needs = [], ...options }: EngineOptions & { readonly needs?: readonly Requirement[] } = {}) {
  const all = [...NEEDS[kind], ...needs]
  const able = missing(all).length === 0
  const made: { engine?: TestEngine } = {}
  beforeAll(async () => {
    if (able) made.engine = await TestEngine.open(kind, options)
  }, 2 * PATIENCE)
  afterAll(() => made.engine?.close(), 2 * PATIENCE)
  return {
    test: requires(...all),
    able,
    get engine(): TestEngine {
      return made.engine as TestEngine
    },
    get api(): EngineApi {
      return (made.engine as TestEngine).api
    },
  }
}
