/** What a container on the default network is told of those that it is linked to: where they are, and what they expose. */
import type { ContainerSpec, LinkRequest } from '../container/index.js'
import { DrydockError } from '../kernel/errors.js'
import { DEFAULT_NETWORK } from '../network/config.js'
import type { ContainerHandle, EngineContext } from './context.js'

export interface Linked {
  /** NAME=VALUE; what was asked for by name counts before them. */
  readonly env: readonly string[]
  /** Lines of /etc/hosts. */
  readonly hosts: readonly string[]
}

const NOTHING: Linked = { env: [], hosts: [] }

/** Throws Docker's sentence when one of them does not run. */
export function linked({ containers }: Pick<EngineContext, 'containers'>, { record: { spec, more } }: ContainerHandle): Linked {
  const links = more?.links ?? []
  if (links.length === 0 || !isOnDefault(spec)) return NOTHING
  const found = links.map((link) => ({ link, other: containers.byId(link.of) }))
  const env: string[] = []
  const hosts: string[] = []
  for (const { link, other } of found) {
    const path = `/${spec.name}/${link.alias}`
    const address = other?.endpoints[DEFAULT_NETWORK]?.address
    if (!other?.running)
      throw new DrydockError(`Cannot link to a non running container: /${other?.name ?? link.name} AS ${path}`, { status: 409 })
    if (address === undefined) continue
    hosts.push(hostsLine(link, other, address))
    env.push(...variablesOf(path, link.alias, address, other.record.spec))
  }
  return { env: byFirst(env), hosts }
}

const isOnDefault = ({ network }: ContainerSpec): boolean => network.kind === 'networks' && network.names.includes(DEFAULT_NETWORK)

export const hostsLine = ({ alias }: LinkRequest, { name, record }: ContainerHandle, address: string): string =>
  `${address}\t${[...new Set([alias, record.spec.hostname, name])].join(' ')}`

/** Of several values of a name the first one. */
function byFirst(env: readonly string[]): string[] {
  const byName = new Map<string, string>()
  for (const variable of env) {
    const name = variable.slice(0, variable.indexOf('='))
    if (!byName.has(name)) byName.set(name, variable)
  }
  return [...byName.values()]
}

/** What was asked for by name stands as it was asked for. */
export function withLinked(variables: readonly string[], asked: readonly string[]): string[] {
  const names = new Set(asked.map((variable) => variable.split('=')[0]))
  return [...variables.filter((variable) => !names.has(variable.split('=')[0])), ...asked]
}

interface Port {
  readonly number: number
  readonly protocol: string
}

/** As Docker has named them since its first year: `DB_PORT_5432_TCP_ADDR`. */
function variablesOf(path: string, alias: string, address: string, { declared, env }: ContainerSpec): string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_')
  const ports = (declared?.exposedPorts ?? []).map(portOf).sort(inOrder)
  const said: string[] = []
  const url = ({ number, protocol }: Port) => `${protocol}://${address}:${number}`
  const named = ({ number, protocol }: Port) => `${prefix}_PORT_${number}_${protocol.toUpperCase()}`
  const [first] = ports
  if (first) said.push(`${prefix}_PORT=${url(first)}`)
  for (const { from, to } of rangesOf(ports)) {
    const name = named(from)
    said.push(
      `${name}_START=${url(from)}`,
      `${name}_ADDR=${address}`,
      `${name}_PROTO=${from.protocol}`,
      `${name}_PORT_START=${from.number}`,
    )
    said.push(`${name}_END=${url(to)}`, `${name}_PORT_END=${to.number}`)
  }
  for (const port of ports) {
    const name = named(port)
    said.push(`${name}=${url(port)}`, `${name}_ADDR=${address}`, `${name}_PORT=${port.number}`, `${name}_PROTO=${port.protocol}`)
  }
  said.push(`${prefix}_NAME=${path}`)
  for (const variable of env) if (/^(?!HOME=|PATH=)[^=]+=/.test(variable)) said.push(`${prefix}_ENV_${variable}`)
  return said
}

function portOf(text: string): Port {
  const [number, protocol = 'tcp'] = text.split('/')
  return { number: Number(number), protocol }
}

const inOrder = (one: Port, other: Port): number => one.number - other.number || one.protocol.localeCompare(other.protocol)

/** Three ports and more that follow each other. */
function rangesOf(ports: readonly Port[]): { from: Port; to: Port }[] {
  const ranges: { from: Port; to: Port }[] = []
  for (let at = 0; at < ports.length; ) {
    let end = at
    while (ports[end + 1]?.number === (ports[end] as Port).number + 1 && ports[end + 1]?.protocol === ports[at]?.protocol) end++
    if (end > at + 1) ranges.push({ from: ports[at] as Port, to: ports[end] as Port })
    at = end + 1
  }
  return ranges
}
