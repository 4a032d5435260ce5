/** What a step does to files: kernel files before and after a write, and names that come, go or change. */
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Arg, Step } from '../kernel/step.js'

/** The process that makes a step, as the real host counts, and the numbers that earlier steps kept. */
export type Locate = (step: Step) => { pid: number; kept: ReadonlyMap<string, bigint> } | undefined

interface Watched {
  /** As the process sees it. */
  readonly shown: string
  /** As this process can reach it, through /proc/PID. */
  readonly path: string
  readonly kind: 'content' | 'name'
}

/** Names of arguments that are paths, of the calls that make, remove or change a file. */
const NAMING: Record<string, readonly string[]> = {
  mkdirat: ['pathname'],
  unlinkat: ['pathname'],
  mknodat: ['pathname'],
  symlinkat: ['linkpath'],
  linkat: ['newpath'],
  renameat2: ['oldpath', 'newpath'],
  fchmodat: ['pathname'],
  fchownat: ['pathname'],
  openat: ['pathname'],
}

const LONGEST = 160

export class FileWatch {
  readonly #locate: Locate
  readonly #before = new Map<string, { watched: Watched; reading: string }>()

  constructor(locate: Locate) {
    this.#locate = locate
  }

  before(steps: readonly Step[]): void {
    for (const watched of this.#watched(steps)) this.#before.set(watched.shown, { watched, reading: reading(watched) })
  }

  /** Lines for what is different now. Files that came to be known only while the steps ran are read as new. */
  after(steps: readonly Step[]): string[] {
    const lines: string[] = []
    const seen = new Set<string>()
    for (const watched of this.#watched(steps)) {
      if (seen.has(watched.shown)) continue
      seen.add(watched.shown)
      const known = this.#before.get(watched.shown)
      // Several calls in one act: a file opened and written within it was not there to be read before.
      if (!known && watched.kind === 'content') {
        lines.push(`${watched.shown} is now ${reading(watched)}`)
        continue
      }
      lines.push(...difference(watched, known?.reading ?? '', reading(watched)))
    }
    return lines
  }

  #watched(steps: readonly Step[]): Watched[] {
    return steps.flatMap((step) => {
      const names = step.call === 'openat' && !creates(step) ? [] : (NAMING[step.call] ?? [])
      // Of most calls there is nothing to watch, and finding the process takes several looks into /proc.
      const place = step.call === 'write' || names.length > 0 ? this.#locate(step) : undefined
      if (!place) return []
      return step.call === 'write' ? writtenFile(step, place) : names.flatMap((name) => namedFile(step, name, place))
    })
  }
}

const creates = (step: Step) => step.args.some((argument) => argument.kind === 'flags' && argument.words.includes('creat'))

type Place = NonNullable<ReturnType<Locate>>

/** The file behind the descriptor of a write, when it is one of the kernel's own, whose content is state. */
function writtenFile(step: Step, { pid, kept }: Place): Watched[] {
  const descriptor = numberOf(
    step.args.find(({ name }) => name === 'fd'),
    kept,
  )
  if (descriptor === undefined) return []
  try {
    const shown = readlinkSync(`/proc/${pid}/fd/${descriptor}`)
    // What is in an id map is told as a change of the process.
    const kernelFile = /^\/(proc|sys)\//.test(shown) && !/\/(uid_map|gid_map|setgroups)$/.test(shown)
    return kernelFile ? [{ shown, path: `/proc/${pid}/root${shown}`, kind: 'content' }] : []
  } catch {
    return []
  }
}

function namedFile(step: Step, name: string, { pid, kept }: Place): Watched[] {
  const argument = step.args.find((one) => one.name === name)
  if (argument?.kind !== 'text') return []
  const parts = argument.parts.map((part) => (typeof part === 'string' ? part : String(kept.get(part.ref) ?? '?')))
  const shown = parts.join('')
  if (shown.startsWith('/')) return [{ shown, path: `/proc/${pid}/root${shown}`, kind: 'name' }]
  const directory = step.args.find((one) => one.name.endsWith('dirfd'))
  const descriptor = directory?.kind === 'ref' ? numberOf(directory, kept) : undefined
  const base = descriptor === undefined ? `/proc/${pid}/cwd` : `/proc/${pid}/fd/${descriptor}`
  return [{ shown, path: `${base}/${shown}`, kind: 'name' }]
}

function numberOf(argument: Arg | undefined, kept: ReadonlyMap<string, bigint>): bigint | undefined {
  if (argument?.kind === 'ref') return kept.get(argument.ref)
  return argument?.kind === 'int' ? BigInt(argument.value) : undefined
}

function reading({ path, kind }: Watched): string {
  try {
    if (kind === 'name') return describe(lstatSync(path, { bigint: true }), path)
    const lines = readFileSync(path, 'utf8').trim().split('\n')
    const text = lines.map((line) => line.trim().replace(/\s+/g, ' ')).join(', ')
    return text === '' ? 'empty' : text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
  } catch {
    return ''
  }
}

/** inode(7). */
const TYPES: ReadonlyMap<number, string> = new Map([
  [0o040000, 'directory'],
  [0o100000, 'file'],
  [0o120000, 'symbolic link'],
  [0o020000, 'character device'],
  [0o060000, 'block device'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
])

function describe(stat: BigIntStats, path: string): string {
  const mode = Number(stat.mode)
  const type = TYPES.get(mode & 0o170000) ?? 'file'
  const device = type.endsWith('device') ? ` ${stat.rdev >> 8n}:${stat.rdev & 255n}` : ''
  const target = type === 'symbolic link' ? ` to ${readlinkSync(path)}` : ''
  const permissions = target ? '' : `0${(mode & 0o7777).toString(8)}, `
  return `${type}${device}${target} (${permissions}${stat.uid}:${stat.gid} to the host${filled(path)})`
}

/** A directory that the kernel fills by itself, such as a new cgroup. */
function filled(path: string): string {
  try {
    const resolved = path.replace(/^\/proc\/\d+\/root/, '')
    const count = resolved.startsWith('/sys/') ? readdirSync(path).length : 0
    return count > 0 ? `; the kernel has put ${count} files into it` : ''
  } catch {
    return ''
  }
}

function difference({ shown, kind }: Watched, before: string, after: string): string[] {
  if (before === after) return []
  if (kind === 'content') return [`${shown} ${before || 'unreadable'} → ${after || 'unreadable'}`]
  if (before === '') return [`+ ${shown}: ${after}`]
  if (after === '') return [`- ${shown}: ${before}`]
  return [`${shown}: ${before} → ${after}`]
}
