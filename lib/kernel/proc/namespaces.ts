/** Which namespaces a process is in, by their inode numbers. namespaces(7): two processes share one when the numbers are equal. */
import { DrydockError } from '../errors.js'
import { type Pid, readProcLink } from './read.js'

/** The files of /proc/PID/ns. The two `…_for_children` are those that the next child is born in. */
export const NAMESPACE_FILES = [
  'uts',
  'pid',
  'pid_for_children',
  'mnt',
  'ipc',
  'net',
  'user',
  'cgroup',
  'time',
  'time_for_children',
] as const

export type NamespaceFile = (typeof NAMESPACE_FILES)[number]

/** Inode numbers. A kind is absent where this kernel has none (`time` before Linux 5.6), or where a zombie has left it. */
export type Namespaces = { readonly [Kind in NamespaceFile]?: number }

/** `uts:[4026531838]` → 4026531838. The word before it is that of the kind: `pid` for pid_for_children too. */
export function parseNamespaceLink(target: string): number {
  const match = /^[a-z]+:\[([0-9]+)\]$/.exec(target)
  if (!match) throw new DrydockError(`this names no namespace: ${JSON.stringify(target)}`)
  return Number(match[1])
}

/** Inode number of one namespace of a process. An error for another user's process: looking needs the right to trace it. */
export function readNamespace(pid: Pid, kind: NamespaceFile, root = '/proc'): number | undefined {
  const target = readProcLink(`${root}/${pid}/ns/${kind}`)
  return target === undefined ? undefined : parseNamespaceLink(target)
}

/** All namespaces of a process; undefined when it is not there (any more). */
export function readNamespaces(pid: Pid, root = '/proc'): Namespaces | undefined {
  const found: { -readonly [Kind in NamespaceFile]?: number } = {}
  for (const kind of NAMESPACE_FILES) {
    const inode = readNamespace(pid, kind, root)
    if (inode !== undefined) found[kind] = inode
  }
  return Object.keys(found).length > 0 ? found : undefined
}

/** The kinds in which two processes differ; kinds that one of them lacks are not compared. */
export function differingNamespaces(one: Namespaces, other: Namespaces): NamespaceFile[] {
  return NAMESPACE_FILES.filter((kind) => one[kind] !== undefined && other[kind] !== undefined && one[kind] !== other[kind])
}
