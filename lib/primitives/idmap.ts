/**
 * Ids in a user namespace: which user outside stands behind uid 0 inside. user_namespaces(7), newuidmap(1), subuid(5).
 *
 * Three ways, and the kernel's rules behind them:
 *
 *     root        the host's side has CAP_SETUID and CAP_SETGID: it writes any ranges
 *     newuidmap   an ordinary user with ranges of its own in /etc/subuid and /etc/subgid: the setuid programs newuidmap and newgidmap
 *                 write them, between the clone and the child's first privileged step (a meeting: see `helpers`)
 *     single      an ordinary user alone: one id, its own, and setgroups(2) is lost for good
 */
import { setgroups, setresgid, setresuid } from '../kernel/calls/credentials.js'
import { close, open, write } from '../kernel/calls/files.js'
import { DrydockError } from '../kernel/errors.js'
import type { IdRange } from '../kernel/proc/idmap.js'
import { child, type Fragment, inPhase, ref, type Step, text } from '../kernel/step.js'

export type { IdRange } from '../kernel/proc/idmap.js'
export { type IdmapHost, readIdmapHost } from './idmap-facts.js'
export { explainUserNamespaceFailure, type IdmapPlan, planIdmap } from './idmap-plan.js'

export type IdmapMethod = 'root' | 'newuidmap' | 'single'

export interface IdmapSpec {
  readonly method: IdmapMethod
  readonly uids: readonly IdRange[]
  readonly gids: readonly IdRange[]
}

/** The highest id is 2^32 - 2; 2^32 - 1 means 'unchanged'. */
const IDS = 2 ** 32 - 1

/** Linux 4.15 takes that many lines, before it were 5; the file is written in one go of less than a page. */
const MOST_RANGES = 340

/** Steps that map the ids of the child's new user namespace, and make the child root in it. */
export function idmap(spec: IdmapSpec): Fragment {
  checkRanges('uid', spec.uids)
  checkRanges('gid', spec.gids)
  if (spec.method === 'single') checkSingle(spec)
  return { primitive: 'idmap', title: titleOf(spec), steps: [...admit(spec), ...becomeRoot({ setgroups: spec.method !== 'single' })] }
}

/**
 * Commands for the meeting that the method `newuidmap` needs, [] for the others: run them, one after the other, when the child
 * is cloned (`pid` as this process sees it) and before the first step of the phase `become`.
 */
export function helpers(spec: IdmapSpec, pid: number): string[][] {
  if (spec.method !== 'newuidmap') return []
  const command = (program: string, ranges: readonly IdRange[]) => [
    program,
    String(pid),
    ...ranges.flatMap(({ inside, outside, count }) => [String(inside), String(outside), String(count)]),
  ]
  return [command('newuidmap', spec.uids), command('newgidmap', spec.gids)]
}

/** Steps by which the child takes the ids 0; also for a process that has entered somebody's user namespace. */
export function becomeRoot(options: { setgroups: boolean }): Step[] {
  const steps: Step[] = []
  if (options.setgroups) {
    steps.push(setgroups([], { why: 'The groups of the user outside are not taken along.' }))
  }
  steps.push(
    setresgid(0, 0, 0, { why: 'The group first: changing it takes a privilege that a change of user could end.' }),
    setresuid(0, 0, 0, { why: 'Root inside, as the map says whom that is outside; files made by its mounts belong to this user.' }),
  )
  return inPhase('become', 'container', steps)
}

function admit({ method, uids, gids }: IdmapSpec): Step[] {
  if (method === 'newuidmap') return []
  const steps: Step[] = []
  if (method === 'single') {
    const why = 'Without this an ordinary user may write no gid_map: dropping a group could open a file that is closed to the group.'
    steps.push(...writeMap('setgroups', 'deny', why))
  }
  steps.push(
    ...writeMap('gid_map', mapText(gids), 'Which groups outside the groups inside are: “first inside, first outside, how many”.'),
    ...writeMap(
      'uid_map',
      mapText(uids),
      'Which users outside the users inside are; only a process outside may write more than its own id.',
    ),
  )
  return inPhase('admit', 'host', steps)
}

function writeMap(file: string, content: string, why: string): Step[] {
  const kept = `idmap.${file}`
  return [
    open(text`/proc/${child}/${file}`, ['wronly'], { keep: kept, why: `The child’s ${file}.` }),
    write(ref(kept), content, { why }),
    close(ref(kept), { why: 'Written, and it can be written only once.' }),
  ]
}

const mapText = (ranges: readonly IdRange[]) => ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('')

function checkRanges(what: 'uid' | 'gid', ranges: readonly IdRange[]): void {
  if (ranges.length === 0) throw new DrydockError(`a user namespace needs at least one ${what} range`)
  if (ranges.length > MOST_RANGES) throw new DrydockError(`a ${what} map has at most ${MOST_RANGES} ranges; these are ${ranges.length}`)
  for (const range of ranges) {
    const { inside, outside, count } = range
    const shown = `${inside} ${outside} ${count}`
    if (![inside, outside, count].every((number) => Number.isInteger(number) && number >= 0) || count === 0) {
      throw new DrydockError(`a ${what} range is three whole numbers (first inside, first outside, how many); '${shown}' is not`)
    }
    if (inside + count > IDS || outside + count > IDS) {
      throw new DrydockError(`the ${what} range '${shown}' goes beyond the highest id, ${IDS - 1}`)
    }
  }
  for (const side of ['inside', 'outside'] as const) {
    const sorted = [...ranges].sort((a, b) => a[side] - b[side])
    sorted.forEach((range, index) => {
      const next = sorted[index + 1]
      if (next && range[side] + range.count > next[side]) {
        throw new DrydockError(`two ${what} ranges overlap ${side} at ${next[side]}; the kernel would answer EINVAL`)
      }
    })
  }
  if (!ranges.some(({ inside }) => inside === 0)) {
    throw new DrydockError(`no ${what} outside stands behind ${what} 0 inside, so nothing there could become root`)
  }
}

function checkSingle({ uids, gids }: IdmapSpec): void {
  for (const ranges of [uids, gids]) {
    if (ranges.length !== 1 || ranges[0]?.count !== 1) {
      throw new DrydockError('an ordinary user without newuidmap can map one id, its own; more would be EPERM')
    }
  }
}

function titleOf({ method, uids }: IdmapSpec): string {
  const first = uids.find(({ inside }) => inside === 0)
  const count = uids.reduce((sum, range) => sum + range.count, 0)
  const by = method === 'newuidmap' ? ', by newuidmap' : ''
  return `User ids: root inside is ${first?.outside} outside; ${count === 1 ? 'one id' : `${count} ids`}${by}`
}
