/** Resource limits as people write them. getrlimit(2); Docker's --ulimit. */
import { setrlimit } from '../kernel/calls/process.js'
import { DrydockError } from '../kernel/errors.js'
import type { Step } from '../kernel/step.js'
import { WORDS, type Word } from '../kernel/words.js'

export type RlimitName = Word<'rlimit'>

/** A limit in the resource's own unit (bytes, seconds, descriptors, processes); Infinity is no limit. */
export interface Rlimit {
  readonly name: RlimitName
  /** What holds now; a process may raise it up to the hard limit. */
  readonly soft: number
  readonly hard: number
}

/** RLIM_INFINITY as some tools print it. */
const UNLIMITED = ['unlimited', 'infinity', '-1', '18446744073709551615']

/** 'nofile=1024:2048', 'nofile=1024' (both limits), 'core=unlimited', 'RLIMIT_NPROC=-1'. */
export function parseRlimit(text: string): Rlimit {
  const match = /^([^=]+)=([^:]+)(?::([^:]+))?$/.exec(text.trim())
  if (!match) throw new DrydockError(`a limit is written as NAME=SOFT[:HARD], such as nofile=1024:2048; '${text}' is not`, { status: 400 })
  const [, given = '', soft = '', hard = soft] = match
  const name = given.toLowerCase().replace(/^rlimit_/, '')
  if (!(WORDS.rlimit as readonly string[]).includes(name)) {
    throw new DrydockError(`there is no limit '${given}'; there are ${WORDS.rlimit.join(', ')}`, { status: 400 })
  }
  return checkRlimit({ name: name as RlimitName, soft: amount(soft, text), hard: amount(hard, text) })
}

function amount(text: string, whole: string): number {
  if (UNLIMITED.includes(text.toLowerCase())) return Number.POSITIVE_INFINITY
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new DrydockError(`'${text}' in the limit '${whole}' is neither a whole number nor 'unlimited'`, { status: 400 })
}

/** The same limit, or one sentence about what is wrong with it. */
export function checkRlimit(limit: Rlimit): Rlimit {
  const { name, soft, hard } = limit
  for (const value of [soft, hard]) {
    if (value !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new DrydockError(`the limit ${name} is a whole number or Infinity; ${value} is neither`, { status: 400 })
    }
  }
  if (soft > hard) {
    throw new DrydockError(`the soft limit of ${name} (${shown(soft)}) cannot be above the hard one (${shown(hard)})`, { status: 400 })
  }
  return limit
}

const shown = (value: number): string => (value === Number.POSITIVE_INFINITY ? 'unlimited' : String(value))

/** One step for each limit, without a phase. */
export function rlimitSteps(limits: readonly Rlimit[]): Step[] {
  return limits.map((limit) => {
    const { name, soft, hard } = checkRlimit(limit)
    const why = `The ${name} limit is the container’s; raising the hard one above the engine’s own needs CAP_SYS_RESOURCE, so it comes before that is dropped.`
    return setrlimit(name, soft, hard, { why })
  })
}
