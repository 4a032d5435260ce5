/** Mounts of another container's: its shared memory, a volume that lives in memory. */
import { close, open } from '../../kernel/calls/files.js'
import { open_tree } from '../../kernel/calls/mounts.js'
import { setns } from '../../kernel/calls/process.js'
import { type Ref, ref, type Step } from '../../kernel/step.js'

/** A mount that a process has at this path in its own mounts. */
export interface OtherMount {
  /** As the shim's pid namespace numbers it. */
  readonly pid: number
  readonly path: string
}

/**
 * A mount of another mount namespace, as one that hangs nowhere yet. Only who is in there can take a copy of it (open_tree(2), EINVAL). This process has a
 * namespace of its own already, and comes back to it: all that it holds of the other one is that mount. Whatever the path leads to in there is the other
 * container's own.
 */
export function takeOther({ pid, path }: OtherMount, into: Ref): Step[] {
  const [own, other] = [ref('rootfs.own'), ref('rootfs.other')]
  return [
    open('/proc/self/ns/mnt', ['rdonly'], { keep: own.ref, why: 'The way back.' }),
    open(`/proc/${pid}/ns/mnt`, ['rdonly'], { keep: other.ref, why: `What is shared is seen in the other container’s own mounts alone …` }),
    setns(other, ['mnt'], { why: '… so this process goes in …' }),
    open_tree(path, ['clone', 'cloexec'], { keep: into.ref, why: `… takes ${path} along, as a mount that hangs nowhere yet …` }),
    setns(own, ['mnt'], { why: '… and is back.' }),
    close(other),
    close(own),
  ]
}
