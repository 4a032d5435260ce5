/** `-p` and `--expose` as docker's client reads them (github.com/docker/go-connections, nat). */
import { isIP } from 'node:net'
import { DrydockError } from '../../../kernel/errors.js'

export interface Binding {
  readonly HostIp: string
  readonly HostPort: string
}

export interface Ports {
  /** `80/tcp` */
  readonly exposed: ReadonlySet<string>
  readonly bindings: Readonly<Record<string, readonly Binding[]>>
}

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

const PROTOCOLS = ['tcp', 'udp', 'sctp']
const LARGEST = 65535

export function readPorts(publish: readonly string[], expose: readonly string[]): Ports {
  const exposed = new Set<string>()
  const bindings: Record<string, Binding[]> = {}
  for (const text of publish.map(plainly)) {
    for (const { port, binding } of readPublished(text)) {
      exposed.add(port)
      bindings[port] = [...(bindings[port] ?? []), binding]
    }
  }
  for (const text of expose) for (const port of readExposed(text)) exposed.add(port)
  return { exposed, bindings }
}

/** `target=80,published=90,protocol=udp` in the short way. */
function plainly(text: string): string {
  if (!text.includes('=')) return text
  const words: Record<string, string> = { protocol: 'tcp' }
  for (const part of text.split(',')) {
    const [name = '', value] = part.split('=')
    if (value === undefined) refuse(`invalid publish opts format (should be name=value but got '${part}')`)
    words[name] = value as string
  }
  return `${words.published ?? ''}:${words.target ?? ''}/${words.protocol}`
}

/** `[[IP:][PORT]:]PORT[/PROTOCOL]`, with ranges. */
function readPublished(text: string): { port: string; binding: Binding }[] {
  const { address, host, container } = split(text)
  if (container === '') return refuse(`no port specified: ${text}<empty>`)
  const [inside = '', protocol = 'tcp'] = withProtocol(container)
  if (address !== '' && isIP(address) === 0) refuse(`invalid IP address: ${address}`)
  const [first, last] = range(inside) ?? refuse(`invalid containerPort: ${inside}`)
  const outer = host === '' ? undefined : (range(host) ?? refuse(`invalid hostPort: ${host}`))
  if (!PROTOCOLS.includes(protocol.toLowerCase())) refuse(`invalid proto: ${protocol}`)
  if (outer && outer[1] - outer[0] !== last - first && first !== last)
    refuse(`invalid ranges specified for container and host Ports: ${inside} and ${host}`)
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const whole = outer && first === last && outer[0] !== outer[1]
    const hostPort = outer === undefined ? '' : whole ? `${outer[0]}-${outer[1]}` : String(outer[0] + at)
    return { port: `${first + at}/${protocol.toLowerCase()}`, binding: { HostIp: address, HostPort: hostPort } }
  })
}

function split(text: string): { address: string; host: string; container: string } {
  const parts = text.split(':')
  const container = parts.pop() as string
  const host = parts.pop() ?? ''
  return { address: parts.join(':').replace(/^\[(.*)\]$/, '$1'), host, container }
}

function withProtocol(text: string): [string, string] {
  const [port = '', protocol = ''] = text.split('/')
  return [port, protocol === '' ? 'tcp' : protocol]
}

function range(text: string): [number, number] | undefined {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  return first !== undefined && from <= to && to <= LARGEST ? [from, to] : undefined
}

function readExposed(text: string): string[] {
  if (text.includes(':')) refuse(`invalid port format for --expose: ${text}`)
  const [ports, protocol] = withProtocol(text)
  const [first, last] =
    range(ports) ??
    refuse(`invalid range format for --expose: ${text}, error: strconv.ParseUint: parsing ${JSON.stringify(ports)}: invalid syntax`)
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}/${protocol.toLowerCase()}`)
}
