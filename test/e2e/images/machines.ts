/** The machine on which images are compared: a private host with Docker's daemon and a registry, and what is asked of all that is there. */
import { cpSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Dockerd, settleForDocker, startDockerd } from '../../support/dockerd.js'
import { DRYDOCK, PrivateHost } from '../../support/private-host.js'
import { type RunningRegistry, startRegistry } from '../../support/registry.js'
import type { Requirement } from '../../support/requires.js'

/** user.* attributes on a tmpfs, where all of it is, came with Linux 6.6. */
export const NEEDS: readonly Requirement[] = [
  'root',
  'kernel>=6.6',
  ...['unshare', 'nsenter', 'ip', 'busybox', 'tar', 'python3', 'dockerd', 'docker', 'docker-registry', 'skopeo', 'umoci', 'setcap'].map(
    (name): Requirement => `command:${name}`,
  ),
]

const { findCommand } = createRequire(import.meta.url)('../../../scripts/packages.cjs') as { findCommand(name: string): string | undefined }

/** Directory of everything there, on a tmpfs that goes with the host. */
export const PLACE = '/run/images'

/** Of drydock, where nothing else is said. */
export const DATA_ROOT = '/var/lib/drydock'

/** None: what this user has for registries and helpers is left alone. */
const CREDENTIALS = { DOCKER_CONFIG: join(PLACE, 'no-credentials'), REGISTRY_AUTH_FILE: undefined }

export class Machine {
  readonly host: PrivateHost
  readonly dockerd: Dockerd
  readonly registry: RunningRegistry

  private constructor(host: PrivateHost, dockerd: Dockerd, registry: RunningRegistry) {
    this.host = host
    this.dockerd = dockerd
    this.registry = registry
  }

  static async open(): Promise<Machine> {
    const host = await PrivateHost.open()
    try {
      const place = host.path(PLACE)
      mkdirSync(place, { recursive: true })
      for (const name of ['stage.py', 'oddities.py', 'witness.py']) cpSync(join(import.meta.dirname, name), join(place, name))
      await settle(host)
      const enter = (argv: readonly string[]) => host.enter(argv)
      const at = (name: string) => ({ place: join(PLACE, name), reach: join(place, name), enter })
      const [dockerd, registry] = await Promise.all([
        // Nothing runs in a container of it: no link, rule or cgroup is made.
        startDockerd({ ...at('docker'), settings: { bridge: 'none', iptables: 'false', 'ip-forward': 'false' } }),
        startRegistry({ ...at('registry'), port: 5000 }),
      ])
      return new Machine(host, dockerd, registry)
    } catch (error) {
      await host.close()
      throw error
    }
  }

  /** What it prints; throws with what it complains of. */
  async run(...argv: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.host.run(argv, { env: CREDENTIALS })
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: exit status ${exitCode}: ${stderr || stdout}`)
    return stdout
  }

  docker(...args: string[]): Promise<string> {
    return this.run(...this.dockerd.docker(...args))
  }

  /** `root`: its data root, for a store of its own. */
  async drydock(args: readonly string[], root: string = DATA_ROOT): Promise<string> {
    const { exitCode, stdout, stderr } = await this.host.run([process.execPath, DRYDOCK, ...args], {
      env: { ...CREDENTIALS, DRYDOCK_DATA_ROOT: root },
    })
    if (exitCode !== 0) throw new Error(`drydock ${args.join(' ')}: exit status ${exitCode}: ${stderr || stdout}`)
    return stdout
  }

  skopeo(...args: string[]): Promise<string> {
    return this.run('skopeo', '--insecure-policy', ...args)
  }

  shell(script: string, ...args: string[]): Promise<string> {
    return this.run('sh', '-ec', script, 'sh', ...args)
  }

  python(name: 'stage' | 'oddities' | 'witness', ...args: string[]): Promise<string> {
    return this.run(findCommand('python3') as string, join(PLACE, `${name}.py`), ...args)
  }

  /** Everything ends with the host's first process. */
  close(): Promise<void> {
    return this.host.close()
  }
}

async function settle(host: PrivateHost): Promise<void> {
  const { exitCode, stderr } = await host.run(['sh', '-ec', settleForDocker(`${PLACE}/docker-writes`)])
  if (exitCode !== 0) throw new Error(`the private host cannot be made ready for Docker: ${stderr}`)
}
