/**
 * Where trees are read: a process that sees nothing but the one tree, read-only, and can make no call but those that read.
 *
 *     clone       mount, network, ipc and uts namespaces, and for an ordinary user a user namespace with the ids of the containers, so that
 *                 owners are theirs
 *     desk        a tmpfs in memory: where the tree is put together
 *     tree        a directory as it is, or layers as overlayfs joins them
 *     root        the tree becomes `/`, and the host's is gone: no link, no race with a container that still runs leads out
 *     privileges  what reading needs, a filter of the calls that are made, nothing else
 */
import { release } from 'node:os'
import { type Capability, capset, seccomp_set_mode_filter, set_no_new_privs } from '../../kernel/calls/credentials.js'
import { close, mkdir, open } from '../../kernel/calls/files.js'
import {
  fsconfig_create,
  fsmount,
  fsopen,
  mount,
  mount_setattr,
  move_mount,
  open_tree,
  pivot_root,
  umount2,
} from '../../kernel/calls/mounts.js'
import { chdir, clone, fchdir, type Namespace } from '../../kernel/calls/process.js'
import type { Shim } from '../../kernel/shim.js'
import { ref, type Step, text } from '../../kernel/step.js'
import type { Word } from '../../kernel/words.js'
import { type IdmapSpec, idmap } from '../../primitives/idmap.js'
import { runHelpers } from '../../primitives/idmap-helpers.js'
import { overlay } from '../../primitives/rootfs/overlay.js'
import { compileProfile, INTERPRETER_CALLS, type Profile } from '../../primitives/seccomp/index.js'

/**
 * Absolute paths: one directory as it is, or layers, the top one first, as a container sees them; of those, when `within` is said, what is below that
 * directory (a path inside, with no link in it).
 */
export type Tree = { readonly directory: string } | { readonly layers: readonly string[]; readonly within?: string }

const DESK = ref('pack.desk')
const TREE = ref('pack.tree')

/** Put the shim's child into the tree. */
export async function confine(shim: Shim, tree: Tree, ids: IdmapSpec | undefined): Promise<void> {
  const kinds: Namespace[] = ['mnt', 'net', 'ipc', 'uts']
  if (ids) kinds.unshift('user')
  const mapped = ids ? idmap(ids).steps : []
  await shim.run([clone(...kinds), ...mapped.filter(({ phase }) => phase === 'admit')])
  if (ids) await runHelpers(ids, shim.childPid as number, 'the containers')
  const become = mapped.filter(({ phase }) => phase !== 'admit')
  await shim.run([...become, ...desk(), ...treeOnDesk(tree, ids !== undefined), ...leave(), ...privileges(ids !== undefined)])
}

/** A tmpfs on top of `/`. Paths go on meaning the host's: what a process calls `/` is below it, and only the descriptor leads there. */
function desk(): Step[] {
  const context = ref('pack.context')
  return [
    mount(null, '/', null, ['rec', 'private'], null, { why: 'Nothing mounted from here on reaches the host.' }),
    fsopen('tmpfs', { keep: context.ref, why: 'An empty file system, where mount points can be made without touching anything.' }),
    fsconfig_create(context),
    fsmount(context, ['nosuid', 'nodev', 'noexec'], { keep: DESK.ref }),
    close(context),
    move_mount(DESK, '/', { why: 'Some place in the tree of mounts it must have: on top of the root, where no path leads.' }),
    mkdir('tree', 0o700, { dirfd: DESK }),
    mkdir('nothing', 0o755, { dirfd: DESK }),
  ]
}

const READ_ONLY: readonly Word<'mount_attr'>[] = ['rdonly', 'nosuid', 'nodev', 'noexec']

function treeOnDesk(tree: Tree, rootless: boolean): Step[] {
  const place = text`/proc/self/fd/${DESK}/tree`
  const nothing = text`/proc/self/fd/${DESK}/nothing`
  if ('directory' in tree) {
    return [
      open_tree(tree.directory, ['clone', 'cloexec'], { keep: TREE.ref, why: 'The directory as a mount of its own.' }),
      move_mount(TREE, place),
      ...settled(TREE),
    ]
  }
  // Overlay wants two layers when it has no upper directory. Below the only one is nothing, and what it says is deleted is not shown.
  const lower = tree.layers.length === 1 ? [tree.layers[0] as string, '/proc/self/cwd'] : tree.layers
  return [
    chdir(nothing),
    ...overlay({ lower, target: place, followed: !rootless }, { rootless }),
    ...(tree.within === undefined
      ? [open(place, ['path', 'directory'], { keep: TREE.ref, why: 'The layers as one.' })]
      : [
          open_tree(text`/proc/self/fd/${DESK}/tree${tree.within}`, ['clone', 'cloexec'], {
            keep: TREE.ref,
            why: 'Of the layers as one, this directory.',
          }),
          move_mount(TREE, place),
        ]),
    ...settled(TREE),
  ]
}

function settled(mounted: typeof TREE): Step[] {
  return [
    mount_setattr('', { set: READ_ONLY, dirfd: mounted }, { why: 'It is only read; and no device in it can be opened.' }),
    fchdir(mounted),
    close(mounted),
  ]
}

function leave(): Step[] {
  return [
    pivot_root('.', '.', { why: 'The tree becomes /, and the host’s is laid on top of it …' }),
    // What is on top of a mount goes first: on the tree lies the host's root, and on that the desk.
    umount2('.', ['detach'], { why: '… and taken away: first the desk, which still lies on it …' }),
    umount2('.', ['detach'], { why: '… then itself. From here on no path leads to the host.' }),
    chdir('/'),
    close(DESK),
  ]
}

/** The calls of reader.ts; what the child itself makes to hear of them and to end. */
const CALLS = [
  ...['openat2', 'openat', 'close', 'fchdir', 'getdents64', 'statx', 'readlinkat', 'llistxattr', 'lgetxattr', 'pread64', 'lseek'],
  ...INTERPRETER_CALLS,
  'exit_group',
]

const FILTER: Profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: CALLS, action: 'SCMP_ACT_ALLOW' }] }

function privileges(rootless: boolean): Step[] {
  // Overlay's own attributes are `trusted.` when root made them, which only CAP_SYS_ADMIN sees (xattr(7)).
  const kept: Capability[] = rootless ? ['dac_read_search'] : ['dac_read_search', 'sys_admin']
  const { program } = compileProfile(FILTER, { capabilities: [], kernel: release() })
  return [
    capset({ effective: kept, permitted: kept, inheritable: [] }, { why: 'Reading what anybody has closed, and no more.' }),
    set_no_new_privs(),
    seccomp_set_mode_filter(program, [], { why: 'From here on it can read, and nothing else.' }),
  ]
}
