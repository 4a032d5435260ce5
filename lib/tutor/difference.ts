/** What an act changed, in groups of lines: in the shim, in the child, in a child that is new, in files. */
import { changesBetween, type ProcessState } from './changes.js'

export interface States {
  readonly host: ProcessState | undefined
  readonly container: ProcessState | undefined
}

export interface ChangeGroup {
  readonly title: string
  /** The title itself is a change. */
  readonly news?: boolean
  readonly lines: readonly string[]
}

export interface Difference {
  readonly before: States
  readonly after: States
  readonly files: readonly string[]
  /** The child runs another program now. */
  readonly executed: boolean
  /** The ids of a new child, in words. */
  readonly pids: (child: ProcessState) => string
}

/** The groups that there are. */
export function changeGroups({ before, after, files, executed, pids }: Difference): ChangeGroup[] {
  const born = before.container === undefined ? after.container : undefined
  // The pipes and the channel to the child come with the clone, go with the exec, and are the tutor's and the shim's own.
  // So is what an execve is there for.
  const mine = executed ? /^[+-]? ?descriptor |^… and \d+ more descriptors|^program / : /^[+-]? ?descriptor /
  const lesson = (changes: string[]) => (born || executed ? changes.filter((line) => !mine.test(line)) : changes)
  const between = (one: ProcessState | undefined, other: ProcessState | undefined) =>
    one && other ? lesson(changesBetween(one, other)) : []
  const groups: ChangeGroup[] = [
    { title: 'changed in the child:', lines: between(before.container, after.container) },
    { title: 'changed in the shim:', lines: between(before.host, after.host) },
    { title: 'changed in files:', lines: files },
  ].filter(({ lines }) => lines.length > 0)
  return born ? [...birth(born, between(before.host, born), pids, executed), ...groups] : groups
}

function birth(born: ProcessState, differences: readonly string[], pids: Difference['pids'], executed: boolean): ChangeGroup[] {
  const news = { title: `a new process: ${pids(born)}`, news: true, lines: [] }
  if (differences.length > 0) return [news, { title: 'where it differs from the shim, which made it:', lines: differences }]
  return executed ? [news] : [news, { title: 'it differs from the shim, which made it, in nothing else', lines: [] }]
}

/** The same as lines, those of a group further in than its title. */
export const linesOfGroups = (groups: readonly ChangeGroup[]): string[] =>
  groups.flatMap(({ title, lines }) => [title, ...lines.map((line) => `  ${line}`)])
