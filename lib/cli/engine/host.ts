/** Where an engine is, as `-H` and DOCKER_HOST say it (github.com/docker/cli, opts/hosts.go). */
import { isAbsolute } from 'node:path'
import { DrydockError } from '../../kernel/errors.js'

export type Host =
  | { readonly kind: 'unix'; readonly path: string }
  /** `path`: what stands before every path of the API, without a slash at its end. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly path: string }
  /** Over ssh(1), to the engine that listens at `socket` there, or the usual one. */
  | { readonly kind: 'ssh'; readonly host: string; readonly user?: string; readonly port?: number; readonly socket?: string }

const PORT = 2375
const TLS_PORT = 2376

const refuse = (sentence: string): never => {
  throw new DrydockError(sentence, { status: 400 })
}

/** `tls` decides which port is meant when none is named; `socket` is where `unix://` alone leads. */
export function parseHost(text: string, { tls, socket }: { readonly tls: boolean; readonly socket: string }): Host {
  const word = text.trim()
  const [, scheme = 'tcp', rest = ''] = /^(?:([^:/]*):\/\/)?(.*)$/s.exec(word) ?? []
  switch (scheme) {
    case 'unix':
      return unix(rest, word, socket)
    case 'tcp':
    case 'http':
    case 'https':
      return tcp(rest, word, tls || scheme === 'https')
    case 'ssh':
      return ssh(word)
    case 'npipe':
    case 'fd':
      return refuse(
        `${word}: ${scheme === 'fd' ? 'only a daemon listens there' : 'named pipes are for Windows'}: use unix://, tcp:// or ssh://`,
      )
    default:
      return refuse(`invalid bind address format: ${word}`)
  }
}

/** As messages name it, and DOCKER_HOST takes it. */
export function showHost(host: Host): string {
  if (host.kind === 'unix') return `unix://${host.path}`
  const name = host.host.includes(':') ? `[${host.host}]` : host.host
  if (host.kind === 'tcp') return `tcp://${name}:${host.port}${host.path}`
  return `ssh://${host.user ? `${host.user}@` : ''}${name}${host.port ? `:${host.port}` : ''}${host.socket ?? ''}`
}

function unix(rest: string, word: string, socket: string): Host {
  if (rest === '') return { kind: 'unix', path: socket }
  if (rest.includes('://')) return refuse(`invalid unix socket address: ${word}`)
  return { kind: 'unix', path: isAbsolute(rest) ? rest : `/${rest}` }
}

function tcp(rest: string, word: string, tls: boolean): Host {
  const [, authority = '', path = ''] = /^([^/]*)(\/.*)?$/s.exec(rest) ?? []
  const [, bracketed, plain = '', port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*))(?::(\d*))?$/.exec(authority) ?? refuse(`invalid bind address format: ${word}`)
  const number = port ? Number(port) : tls ? TLS_PORT : PORT
  if (number < 1 || number > 65535) refuse(`invalid bind address format: ${word}: a port is a number from 1 to 65535`)
  return { kind: 'tcp', host: bracketed ?? (plain || 'localhost'), port: number, path: path.replace(/\/+$/, '') }
}

/** What begins with a dash would be an option of ssh(1). */
function ssh(word: string): Host {
  const wrong = (sentence: string) => refuse(`invalid SSH URL ${word}: ${sentence}`)
  if (!URL.canParse(word)) return wrong('it is ssh://[USER@]HOST[:PORT][/SOCKET]')
  const { hostname, username, password, port, pathname, search, hash } = new URL(word)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (password) return wrong('plain-text password is not supported')
  if (host === '') return wrong('no host specified')
  if (search || hash) return wrong('extra query or fragment after it')
  const user = decodeURIComponent(username)
  if (host.startsWith('-') || user.startsWith('-')) return wrong('neither host nor user may begin with a dash')
  return {
    kind: 'ssh',
    host,
    ...(user && { user }),
    ...(port && { port: Number(port) }),
    ...(pathname && pathname !== '/' && { socket: decodeURIComponent(pathname) }),
  }
}
