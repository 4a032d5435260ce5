/** What a container shares with another one is named by that one's id on disk, and by its first process when it is started. */
import type { ContainerSpec } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import type { Core } from '../core.js'

export function resolveJoined({ containers }: Core, spec: ContainerSpec): ContainerSpec {
  const { network } = spec
  if (network.kind !== 'container') return spec
  const other = containers.find(network.of)
  if (other.pid === undefined) {
    throw new DrydockError(`cannot join network of a non running container: ${other.id}`, { status: 409 })
  }
  return { ...spec, network: { ...network, pid: other.pid } }
}
