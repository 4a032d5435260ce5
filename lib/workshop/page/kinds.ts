/** The kinds of namespaces, in the order in which they are drawn, and what each divides, in a learner's words. */
export const KINDS = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'time'] as const

export type Kind = (typeof KINDS)[number]

export const KIND_WORDS: Readonly<Record<Kind, string>> = {
  user: 'who is who',
  mnt: 'files',
  pid: 'processes',
  net: 'network',
  uts: 'host name',
  ipc: 'shared memory',
  cgroup: 'view of limits',
  time: 'clocks',
}
