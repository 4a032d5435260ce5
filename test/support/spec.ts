/** A container's spec for tests: an ephemeral one with Docker's defaults. */
import { randomBytes } from 'node:crypto'
import type { ContainerSpec, NetworkMode } from '../../lib/container/index.js'

export interface SpecOptions {
  readonly layers: readonly string[]
  readonly argv: readonly string[]
  /** `none`, `host`, or the name of a network. */
  readonly network?: string
  readonly name?: string
  readonly limits?: ContainerSpec['limits']
}

export function specOf({ layers, argv, network = 'none', name, limits = {} }: SpecOptions): ContainerSpec {
  const id = randomBytes(32).toString('hex')
  const mode: NetworkMode =
    network === 'none' || network === 'host' ? { kind: network } : { kind: 'networks', names: [network], aliases: [], ports: [] }
  return {
    id,
    name: name ?? `test-${id.slice(0, 12)}`,
    image: { name: 'test', layers },
    argv,
    env: [],
    cwd: '/',
    user: '',
    groups: [],
    hostname: id.slice(0, 12),
    domainname: '',
    stdin: false,
    init: false,
    readOnlyRoot: false,
    mounts: [],
    security: { privileged: false, capAdd: [], capDrop: [], noNewPrivileges: false, seccomp: 'default', unmasked: false },
    limits,
    rlimits: [],
    network: mode,
    ephemeral: true,
  }
}
