/** What the command line and the Engine API make of a request alike. */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { checkHostname, type NetworkMode, shortId } from '../../container/index.js'
import { DrydockError } from '../../kernel/errors.js'
import { parseSignal } from '../../kernel/signals.js'
import type { CgroupLimits } from '../../primitives/cgroups/index.js'
import type { RunnableImage } from './image.js'

export const conflicting = (what: string): DrydockError => new DrydockError(`conflicting options: ${what}`, { status: 400 })

/** Absolute, and in its shortest form. */
export function workingDirectory(path: string): string {
  if (path.startsWith('/')) return posix.normalize(path).replace(/(.)\/$/, '$1')
  throw new DrydockError(`the working directory '${path}' is invalid, it needs to be an absolute path`, { status: 400 })
}

export interface Program {
  readonly argv: readonly string[]
  readonly entrypoint: readonly string[] | null
  readonly cmd: readonly string[] | null
}

/** An entrypoint that is given takes the image's command away too, as docker has it; undefined: none is given; `['']`: there shall be none. */
export function programOf(given: readonly string[] | undefined, command: readonly string[], image: RunnableImage): Program {
  const entrypoint = given?.length === 1 && given[0] === '' ? [] : given
  const first = entrypoint ?? image.entrypoint
  const rest = command.length > 0 || entrypoint !== undefined ? command : image.cmd
  const argv = [...first, ...rest]
  if (argv.length === 0) throw new DrydockError('no command specified: the image names none, so give one after its name', { status: 400 })
  return { argv, entrypoint: first.length > 0 ? first : null, cmd: rest.length > 0 ? rest : null }
}

/** The name in the container's uts namespace; '' or undefined: none was asked for. */
export function hostnameOf(asked: string | undefined, network: NetworkMode, id: string): string {
  if (asked) {
    if (network.kind === 'container') throw conflicting('hostname and the network mode')
    return checkHostname(asked)
  }
  if (network.kind === 'host') return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()
  return shortId(id)
}

/** By name or number, checked. */
export function stopSignal(text: string | undefined): { stopSignal?: string } {
  if (text === undefined || text === '') return {}
  parseSignal(text)
  return { stopSignal: text }
}

/** `80` is `80/tcp`. */
export const withProtocol = (port: string): string => (port.includes('/') ? port : `${port}/tcp`)

/** Where the image wants volumes and nothing else is mounted. */
export function wantedVolumes(paths: readonly string[], taken: ReadonlySet<string>): string[] {
  const wanted = paths.map((path) => posix.normalize(posix.join('/', path)).replace(/(.)\/$/, '$1'))
  return [...new Set(wanted)].filter((path) => path !== '/' && !taken.has(path))
}

/** Docker's 0 and -1 are no limit of processes. */
export const pidsLimit = (asked: number | undefined): Pick<CgroupLimits, 'pids'> =>
  asked === undefined ? {} : { pids: asked <= 0 ? -1 : asked }
