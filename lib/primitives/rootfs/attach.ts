/**
 * Places inside the new root. Its files are somebody else's: an image may have a symbolic link where a directory is expected, and
 * followed in the ordinary way it would lead a mount, or a directory that is made for one, into the host's tree. So every path inside is looked
 * up by openat2(2) from the descriptor of the root: RESOLVE_IN_ROOT takes `/` and `..` as a chroot would, RESOLVE_NO_MAGICLINKS refuses the links
 * of /proc that jump. What was looked up is then used by its descriptor and not by its path again.
 */
import { mkdir, mknod, openat2 } from '../../kernel/calls/files.js'
import { move_mount } from '../../kernel/calls/mounts.js'
import { fchdir } from '../../kernel/calls/process.js'
import { ref, type Step } from '../../kernel/step.js'

/** The root's own descriptor: of the mount, not of the directory below it. */
export const ROOT = ref('rootfs.root')

/** The place that was looked up last. */
export const PLACE = ref('rootfs.place')

/** A mount that hangs nowhere yet. */
export const TREE = ref('rootfs.tree')

/** Makes and opens directories inside, each once: it remembers what it has asked for already. */
export class Places {
  readonly #made = new Set<string>()
  #opened: string | undefined

  /** PLACE becomes this directory; what is missing of its path is made. */
  directory(parts: readonly string[]): Step[] {
    const steps: Step[] = []
    for (const [index, name] of parts.entries()) {
      const path = parts.slice(0, index + 1).join('/')
      if (this.#made.has(path)) continue
      this.#made.add(path)
      if (index > 0) steps.push(...this.#open(parts.slice(0, index).join('/')))
      steps.push(
        mkdir(name, 0o755, {
          dirfd: index === 0 ? ROOT : PLACE,
          allow: ['EEXIST'],
          why: `/${path}, unless the image has it: mkdirat does not follow a link at the end.`,
        }),
      )
    }
    return [...steps, ...this.#open(parts.join('/'))]
  }

  /** The detached mount is attached at this directory. */
  attachDirectory(parts: readonly string[], tree = TREE): Step[] {
    const steps = this.directory(parts)
    // What lies at this path from now on is another directory than the one that is open.
    this.#opened = undefined
    return [...steps, move_mount(tree, '', { targetDirfd: PLACE, why: `… and hung up at /${parts.join('/')}.` })]
  }

  /**
   * The detached mount, of a file, is attached at this path. A link at its end is covered and not followed, so that one which leads nowhere
   * (/etc/resolv.conf in images that were made from a machine) is no trouble.
   */
  attachFile(parts: readonly string[], tree = TREE): Step[] {
    const name = parts.at(-1) as string
    const parent = parts.slice(0, -1)
    const directory = parent.length > 0 ? PLACE : ROOT
    return [
      ...(parent.length > 0 ? this.directory(parent) : []),
      mknod(name, 'ifreg', 0o644, [0, 0], {
        dirfd: directory,
        allow: ['EEXIST'],
        why: 'A file is mounted on a file; an empty one will do.',
      }),
      move_mount(tree, name, { targetDirfd: directory, why: `… and hung up at /${parts.join('/')}.` }),
    ]
  }

  /** A file system that mount(2) makes goes where this process stands: PLACE becomes its working directory. */
  stand(parts: readonly string[]): Step[] {
    const steps = this.directory(parts)
    this.#opened = undefined
    return [...steps, fchdir(PLACE, { why: 'By its descriptor: “.” is this directory, whatever its path leads to by now.' })]
  }

  #open(path: string): Step[] {
    if (this.#opened === path) return []
    this.#opened = path
    return [
      openat2(
        path,
        { flags: ['path', 'directory'], resolve: ['in_root', 'no_magiclinks'] },
        { dirfd: ROOT, keep: PLACE.ref, why: `/${path} as the container sees it: no link of the image leads out of the root.` },
      ),
    ]
  }
}

/**
 * PLACE becomes a directory right below the root that must be one. runc refuses links for /proc and /sys too: with one, a volume could stand
 * where the program, and drydock's own later steps, look for the kernel's files (CVE-2019-19921).
 */
export function topDirectory(name: string): Step[] {
  return [
    mkdir(name, 0o755, { dirfd: ROOT, allow: ['EEXIST'], why: `An image need not have /${name}.` }),
    openat2(
      name,
      { flags: ['path', 'directory'], resolve: ['in_root', 'no_magiclinks', 'no_symlinks'] },
      { dirfd: ROOT, keep: PLACE.ref, why: `/${name} itself; an image that has a link there is refused (ELOOP).` },
    ),
  ]
}
