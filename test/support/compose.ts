/** A project of docker-compose (Debian's, of Python, unmodified) with an engine: what its commands end with, and what the engine has then. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { TestEngine } from './engines.js'
import type { Finished } from './private-host.js'

const { findCommand } = createRequire(import.meta.url)('../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

interface Inspected {
  readonly Id: string
  readonly Name: string
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly Health?: { readonly Status: string } }
  readonly Config: { readonly Labels: Readonly<Record<string, string>>; readonly Env: readonly string[]; readonly Cmd: readonly string[] }
  readonly HostConfig: { readonly NetworkMode: string; readonly RestartPolicy: { readonly Name: string }; readonly Links: unknown }
  readonly Mounts: readonly { readonly Type: string; readonly Name?: string; readonly Destination: string; readonly RW: boolean }[]
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>
    readonly Networks: Readonly<Record<string, Endpoint>>
  }
}

interface Endpoint {
  readonly IPAMConfig: object | null
  readonly Links: readonly string[] | null
  readonly Aliases: readonly string[] | null
  readonly IPAddress: string
}

interface Network {
  readonly Id: string
  readonly Name: string
  readonly Driver: string
  readonly Internal: boolean
  readonly Labels: Readonly<Record<string, string>>
  readonly IPAM: { readonly Config: readonly object[] }
  readonly Containers: Readonly<Record<string, { readonly Name: string }>>
}

export class ComposeProject {
  readonly #engine: TestEngine
  readonly #directory = mkdtempSync(join(tmpdir(), 'drydock-compose-'))

  constructor(engine: TestEngine, file: string) {
    this.#engine = engine
    writeFileSync(join(this.#directory, 'docker-compose.yml'), file)
  }

  /** `environment`: what the file's ${NAME}s are. */
  async run(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
    const env = { DOCKER_HOST: `unix://${this.#engine.socket}`, COMPOSE_PROJECT_NAME: 'fleet', COMPOSE_STATUS_STDOUT: '0', ...environment }
    const options = { cwd: this.#directory, env, reject: false, stdin: 'ignore' } as const
    const { exitCode, stdout, stderr } = await execa(findCommand('docker-compose') as string, ['--no-ansi', ...words], options)
    return { exitCode, stdout, stderr }
  }

  /** What the engine has of it, without what is another each time. */
  async state() {
    const { api } = this.#engine
    const listed = await api.must<{ Id: string }[]>('GET', '/containers/json?all=1')
    const containers = await Promise.all(listed.map(({ Id }) => api.must<Inspected>('GET', `/containers/${Id}/json`)))
    const named = (await api.must<Network[]>('GET', '/networks')).filter(({ Name }) => !['bridge', 'host', 'none'].includes(Name))
    const networks = await Promise.all(named.map(({ Id }) => api.must<Network>('GET', `/networks/${Id}`)))
    const { Volumes } = await api.must<{ Volumes: { Name: string; Labels: object }[] | null }>('GET', '/volumes')
    return {
      containers: Object.fromEntries(containers.map((one) => [one.Name, containerOf(one)])),
      networks: Object.fromEntries(
        networks.map(({ Name, Driver, Internal, Labels, IPAM, Containers }) => [
          Name,
          { Driver, Internal, Labels, pools: IPAM.Config, members: membersOf(Containers) },
        ]),
      ),
      volumes: Object.fromEntries((Volumes ?? []).map(({ Name, Labels }) => [Name, Labels])),
    }
  }

  /** By name. */
  async ids(): Promise<Readonly<Record<string, string>>> {
    const listed = await this.#engine.api.must<{ Id: string; Names: string[] }[]>('GET', '/containers/json?all=1')
    return Object.fromEntries(listed.map(({ Id, Names }) => [Names[0] as string, Id]))
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

const membersOf = (containers: Network['Containers']) =>
  Object.values(containers)
    .map(({ Name }) => Name)
    .sort()

function containerOf({ Id, State, Config, HostConfig, Mounts, NetworkSettings }: Inspected) {
  const short = Id.slice(0, 12)
  const { 'com.docker.compose.project.working_dir': _directory, ...labels } = Config.Labels
  return {
    status: State.Status,
    health: State.Health?.Status,
    labels,
    env: [...Config.Env].sort(),
    cmd: Config.Cmd,
    host: { NetworkMode: HostConfig.NetworkMode, restart: HostConfig.RestartPolicy.Name || 'no', Links: HostConfig.Links },
    mounts: Mounts.map(({ Type, Name, Destination, RW }) => ({ Type, Name, Destination, RW })),
    // Docker's own program between also answers on IPv6 for a container that has none.
    ports: Object.fromEntries(
      Object.entries(NetworkSettings.Ports).map(([port, led]) => [port, led?.filter(({ HostIp }) => HostIp !== '::') ?? null]),
    ),
    networks: Object.fromEntries(
      Object.entries(NetworkSettings.Networks).map(([name, { IPAMConfig, Links, Aliases, IPAddress }]) => [
        name,
        {
          IPAMConfig: IPAMConfig ?? {},
          Links,
          aliases: (Aliases ?? []).map((one) => (one === short ? '<id>' : one)).sort(),
          isIn: IPAddress !== '',
        },
      ]),
    ),
  }
}
