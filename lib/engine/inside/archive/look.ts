/** What is at a path, asked by a process that is confined to the container's files. */
import { readStatx, type Stat } from '../../../image/pack/records.js'
import { readlink } from '../../../kernel/calls/files.js'
import { statx } from '../../../kernel/calls/reading.js'
import { errnoOf } from '../../../kernel/constants.js'
import { DrydockError } from '../../../kernel/errors.js'
import { type Result, StepError } from '../../../kernel/result.js'
import type { Shim } from '../../../kernel/shim.js'
import { timestamp } from '../../clock.js'
import type { PathStat } from '../../types.js'
import { baseOf, goMode, shown } from './names.js'

/** What the kernel may answer about a path that somebody else has made. */
export const TROUBLE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES']
const LONGEST_LINK = 4096

/** As many links as Docker follows in one path. */
const MOST_LINKS = 255

export interface Asked {
  /** As the client has it. */
  readonly path: string
  /** names.absolute of it. */
  readonly absolute: string
  /** The client's word for the container. */
  readonly word: string
}

/** The name itself, and not what it leads to, unless a slash or a dot follows it. Throws in docker's words. */
export async function look(shim: Shim, asked: Asked): Promise<Stat> {
  const [result] = await shim.attempt([statx(Buffer.from(asked.absolute, 'latin1'), { allow: TROUBLE })])
  return statOf(result as Result, asked)
}

function statOf(result: Result, asked: Asked): Stat {
  if (result.status === 'ok') return readStatx(result.outs[0] as Buffer)
  if (result.status === 'failed') throw new StepError(result)
  throw pathError(errnoOf(result.errno), asked)
}

export function pathError({ name, text }: { name: string; text: string }, { path, absolute, word }: Asked): DrydockError {
  if (name === 'ENOENT') return new DrydockError(`Could not find the file ${path} in container ${word}`, { status: 404 })
  return new DrydockError(`lstat ${shown(absolute)}: ${text.toLowerCase()}`, { status: 400 })
}

/** Docker's ContainerPathStat. */
export async function describe(shim: Shim, stat: Stat, { absolute }: Asked): Promise<PathStat> {
  return {
    name: shown(baseOf(absolute)),
    size: stat.size,
    mode: goMode(stat),
    mtime: timestamp(BigInt(stat.seconds) * 1_000_000_000n + BigInt(stat.nanoseconds)),
    linkTarget: stat.kind === 'symlink' ? shown(await follow(shim, absolute)) : '',
  }
}

/**
 * Where a path leads when every link in it is followed, the last one too; what is not there is as it is written. All parts are asked about in one round
 * trip; with each link that is met there is one more.
 */
export async function follow(shim: Shim, path: string): Promise<string> {
  let rest = partsOf(path)
  let at: string[] = []
  for (let links = 0; rest.length > 0; links++) {
    if (links > MOST_LINKS) throw new DrydockError(`too many links in ${shown(path)}`, { status: 400 })
    const { ahead, dots } = upToDots(rest)
    const targets = await targetsOf(shim, at, ahead)
    const link = targets.findIndex((target) => target !== undefined)
    if (link === -1) {
      at = [...at, ...ahead]
      if (dots) at.pop()
      rest = rest.slice(ahead.length + (dots ? 1 : 0))
      links--
      continue
    }
    const target = targets[link] as string
    at = target.startsWith('/') ? [] : [...at, ...ahead.slice(0, link)]
    rest = [...partsOf(target), ...rest.slice(link + 1)]
  }
  return `/${at.join('/')}`
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.')

/** What can be asked about at once: `..` means something else behind a link. */
function upToDots(parts: readonly string[]): { ahead: readonly string[]; dots: boolean } {
  const dots = parts.indexOf('..')
  return dots === -1 ? { ahead: parts, dots: false } : { ahead: parts.slice(0, dots), dots: true }
}

/** What the links among these say, by their place; the first one is that of `parts[0]` in the directory `at`. */
async function targetsOf(shim: Shim, at: readonly string[], parts: readonly string[]): Promise<(string | undefined)[]> {
  if (parts.length === 0) return []
  const steps = parts.map((_, index) =>
    readlink(Buffer.from(`/${[...at, ...parts.slice(0, index + 1)].join('/')}`, 'latin1'), {
      size: LONGEST_LINK,
      // EINVAL: it is none.
      allow: [...TROUBLE, 'EINVAL'],
    }),
  )
  return (await shim.run(steps)).map(({ status, outs, ret }) => (status === 'ok' ? outs[0]?.toString('latin1', 0, Number(ret)) : undefined))
}
