/** Calls that succeed for anybody, have the same name on every machine, and change nothing that matters: to try whether a filter lets them pass. */
import { chdir, getppid, mkdir, nanosleep, type Step, setsid, symlink, uname } from '../../lib/index.js'

export interface TriedCall {
  /** The kernel's name of the call, by which filters know it. */
  readonly call: string
  /** The call itself; `name` has not been used yet. */
  step(name: string): Step
}

export const TRIES: readonly TriedCall[] = [
  { call: 'mkdirat', step: (name) => mkdir(`/tmp/${name}`) },
  { call: 'symlinkat', step: (name) => symlink('nowhere', `/tmp/${name}`) },
  { call: 'uname', step: () => uname() },
  { call: 'chdir', step: () => chdir('/') },
  { call: 'nanosleep', step: () => nanosleep(1) },
  { call: 'getppid', step: () => getppid() },
  { call: 'setsid', step: () => setsid() },
]
