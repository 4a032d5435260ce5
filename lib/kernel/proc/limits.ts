/** /proc/PID/limits: the resource limits of a process. getrlimit(2). */
import type { Word } from '../words.js'
import { linesOf, type Pid, readProcFile } from './read.js'

export interface Limit {
  /** Infinity: no limit. */
  readonly soft: number
  readonly hard: number
  /** `bytes`, `files`, `seconds`, …; empty where the limit is a plain number. */
  readonly unit: string
}

/** By the words of the calls; a limit that this program has no word for stands under the kernel's own name. */
export type Limits = ReadonlyMap<string, Limit>

const WORDS: Readonly<Record<string, Word<'rlimit'>>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max core file size': 'core',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max address space': 'as',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
}

export function parseLimits(text: string): Limits {
  const limits = new Map<string, Limit>()
  for (const line of linesOf(text)) {
    const match = /^(Max .*?) +(unlimited|[0-9]+) +(unlimited|[0-9]+) *(\S*) *$/.exec(line)
    if (!match) continue // the heading
    const [, name, soft, hard, unit] = match as unknown as [string, string, string, string, string]
    limits.set(WORDS[name] ?? name, { soft: number(soft), hard: number(hard), unit })
  }
  return limits
}

export function readLimits(pid: Pid, root = '/proc'): Limits | undefined {
  const text = readProcFile(`${root}/${pid}/limits`)
  return text ? parseLimits(text) : undefined
}

const number = (word: string): number => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word))
