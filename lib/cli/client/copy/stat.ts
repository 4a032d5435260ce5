/** What is at a path of a container: the header X-Docker-Container-Path-Stat. */
import { posix } from 'node:path'
import { DrydockError } from '../../../kernel/errors.js'
import { type Engine, EngineError } from '../../engine/client.js'

export interface ContainerPath {
  readonly container: string
  /** Absolute. */
  readonly path: string
}

export interface PathStat {
  readonly name: string
  readonly size: number
  /** Go's FileMode. */
  readonly mode: number
  readonly linkTarget: string
}

/** Bits of Go's FileMode (io/fs). */
const DIRECTORY = 2 ** 31
const SYMLINK = 2 ** 27

const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1

export const isDirectory = ({ mode }: PathStat): boolean => has(mode, DIRECTORY)

export function fromHeader(header: unknown): PathStat {
  try {
    return JSON.parse(Buffer.from(header as string, 'base64').toString()) as PathStat
  } catch (cause) {
    throw new DrydockError('unable to get resource stat from response: the engine’s header X-Docker-Container-Path-Stat is not right', {
      cause,
    })
  }
}

/** Undefined when there is nothing. Fails when there is no such container. */
export async function statPath(engine: Engine, { container, path }: ContainerPath): Promise<PathStat | undefined> {
  try {
    const answer = await engine.stream({ method: 'HEAD', path: `/containers/${encodeURIComponent(container)}/archive`, query: { path } })
    answer.resume()
    return fromHeader(answer.headers['x-docker-container-path-stat'])
  } catch (error) {
    if (!(error instanceof EngineError) || error.status !== 404) throw error
    // A HEAD has no words: which of the two is not there, the container's own document tells.
    await engine.ask(engine.container(container).inspect())
    return undefined
  }
}

/** Of a link what it points at, once, as docker does; its target is meant within the container. */
export async function followed(
  engine: Engine,
  at: ContainerPath,
): Promise<{ readonly at: ContainerPath; readonly stat: PathStat | undefined }> {
  const stat = await statPath(engine, at)
  if (!stat || !has(stat.mode, SYMLINK)) return { at, stat }
  const { linkTarget } = stat
  const path = posix.isAbsolute(linkTarget) ? linkTarget : posix.join(posix.dirname(at.path), linkTarget)
  const target = { ...at, path }
  return { at: target, stat: await statPath(engine, target) }
}
