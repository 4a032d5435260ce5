/** The mount that becomes `/`, and the way out of the host's tree. mount_namespaces(7), pivot_root(2). */
import { open } from '../../kernel/calls/files.js'
import { mount, move_mount, open_tree, pivot_root, umount2 } from '../../kernel/calls/mounts.js'
import { chdir, fchdir, umask } from '../../kernel/calls/process.js'
import type { Step } from '../../kernel/step.js'
import { ROOT } from './attach.js'
import { overlay } from './overlay.js'
import type { Root } from './spec.js'

/** Nothing mounted from here on reaches the host, and modes are what the steps say. */
export function ownTree(): Step[] {
  return [
    umask(0, { why: 'Directories and nodes get the modes that are named here; the program gets a umask of its own later.' }),
    mount(null, '/', null, ['rec', 'private'], null, {
      why: 'A new mount namespace starts as a copy that still echoes: nothing mounted from here on reaches the host.',
    }),
  ]
}

/** ROOT becomes the mount that will be `/`. */
export function makeRoot(root: Root, options: { rootless: boolean; kernel?: string }): Step[] {
  if (root.kind === 'directory') {
    return [
      open_tree(root.path, ['clone', 'cloexec'], {
        recursive: true,
        keep: ROOT.ref,
        why: 'pivot_root wants a mount, and a plain directory is none: a bind mount of it, held by its descriptor …',
      }),
      move_mount(ROOT, root.path, { why: '… and hung up, where it does not matter.' }),
    ]
  }
  return [
    ...overlay(root, options),
    open(root.target, ['path', 'directory'], {
      keep: ROOT.ref,
      why: 'The layers as one, held by a descriptor: all paths inside start here.',
    }),
  ]
}

export function leaveHost(): Step[] {
  return [
    fchdir(ROOT, { why: 'The new root is where “.” has to be.' }),
    pivot_root('.', '.', { why: 'The root becomes /, and the host’s tree is laid on top of it …' }),
    umount2('.', ['detach'], { why: '… and taken away: from here on no path leads to the host.' }),
    chdir('/', { why: 'And “.” is a directory of the new tree again.' }),
  ]
}
