/** The kernel's own files: /proc, /sys and /sys/fs/cgroup. OCI runtime specification, config-linux.md, "Default Filesystems". */
import { close, mkdir, openat2, symlink } from '../../kernel/calls/files.js'
import { mount, mount_setattr, move_mount, open_tree } from '../../kernel/calls/mounts.js'
import { fchdir } from '../../kernel/calls/process.js'
import { ref, type Step } from '../../kernel/step.js'
import { PLACE, ROOT, TREE, topDirectory } from './attach.js'
import type { CgroupView, KernelFilesSpec } from './spec.js'
import { ownTmpfs } from './tmpfs.js'

const FLAGS = ['nosuid', 'nodev', 'noexec'] as const

export function proc(spec: KernelFilesSpec): Step[] {
  if (spec.rootless && spec.sharedPid) return hostsOwn('proc', false)
  return [
    ...topDirectory('proc'),
    fchdir(PLACE, { why: 'The mount goes where this process stands.' }),
    mount('proc', '.', 'proc', FLAGS, null, { why: 'A proc shows the processes of the pid namespace that mounts it.' }),
  ]
}

export function sys(spec: KernelFilesSpec): Step[] {
  const readOnly = !spec.sysWritable
  if (spec.sysfs !== undefined) {
    const made = ref(spec.sysfs)
    return [
      ...topDirectory('sys'),
      move_mount(made, '', { targetDirfd: PLACE, why: 'The sysfs of the network that was joined, as the host has made it.' }),
      close(made),
    ]
  }
  if (spec.rootless && spec.sharedNet) return hostsOwn('sys', readOnly)
  return [
    ...topDirectory('sys'),
    fchdir(PLACE, { why: 'The mount goes where this process stands.' }),
    mount('sysfs', '.', 'sysfs', readOnly ? [...FLAGS, 'rdonly'] : FLAGS, null, {
      why: 'And a sysfs the devices of the network namespace that mounts it.',
    }),
  ]
}

/** A user namespace may mount only what belongs to it; of a namespace that it shares it can have the host's, with all that is below. */
function hostsOwn(name: 'proc' | 'sys', readOnly: boolean): Step[] {
  return [
    open_tree(`/${name}`, ['clone', 'cloexec'], {
      recursive: true,
      keep: TREE.ref,
      why: `The namespace that a new /${name} would show belongs to the host, so only the host’s own can be had …`,
    }),
    ...(readOnly ? [mount_setattr('', { set: ['rdonly'], recursive: true, dirfd: TREE }, { why: '… to read …' })] : []),
    ...topDirectory(name),
    move_mount(TREE, '', { targetDirfd: PLACE, why: `… at /${name}.` }),
  ]
}

/** The container's part of the cgroup trees. With version 2 alone one mount; with version 1 a directory that holds one for each hierarchy. */
export function cgroupFiles(view: CgroupView): Step[] {
  const { hierarchies, namespace = true, writable = false } = view
  if (hierarchies.length === 0) return []
  const flags = writable ? FLAGS : ([...FLAGS, 'rdonly'] as const)
  const why = 'A cgroup file system shows the tree from the cgroup namespace’s top down: the container’s own part.'
  const open = openat2(
    'sys/fs/cgroup',
    { flags: ['path', 'directory'], resolve: ['in_root', 'no_magiclinks', 'no_symlinks'] },
    { dirfd: ROOT, keep: PLACE.ref, why: 'The kernel has made a directory for it.' },
  )
  const show = (place: string, { version, name, controllers, path }: CgroupView['hierarchies'][number]): Step[] => {
    if (!namespace) {
      return [
        mount(path, place, null, ['bind'], null, { why: 'Without a cgroup namespace: the directory of the container’s own cgroup.' }),
        mount_setattr(place, { set: flags }),
      ]
    }
    if (version === 2) return [mount('cgroup', place, 'cgroup2', flags, null, { why })]
    return [mount('cgroup', place, 'cgroup', flags, controllers.length > 0 ? controllers.join(',') : `none,name=${name}`, { why })]
  }
  const [first] = hierarchies
  if (hierarchies.length === 1 && first?.version === 2 && namespace) return [open, fchdir(PLACE), ...show('.', first)]
  const steps = [open, ...ownTmpfs('sys/fs/cgroup', FLAGS, { mode: '755' })]
  for (const hierarchy of hierarchies) {
    steps.push(mkdir(hierarchy.name, 0o755), ...show(hierarchy.name, hierarchy))
    if (hierarchy.controllers.length > 1 && hierarchy.version === 1) {
      for (const controller of hierarchy.controllers) {
        steps.push(symlink(hierarchy.name, controller, { why: 'Programs look for one controller by its name alone.' }))
      }
    }
  }
  return writable ? steps : [...steps, mount_setattr('.', { set: ['rdonly'] }, { why: 'And nothing can be added to it.' })]
}
