/** File systems in memory. tmpfs(5). */
import { fsconfig_create, fsconfig_set_string, fsmount, fsopen, move_mount } from '../../kernel/calls/mounts.js'
import { fchdir } from '../../kernel/calls/process.js'
import { DrydockError } from '../../kernel/errors.js'
import { ref, type Step } from '../../kernel/step.js'
import type { Word } from '../../kernel/words.js'
import { PLACE } from './attach.js'

/**
 * A tmpfs at PLACE in which this process stands afterwards: by the mount's own descriptor. Nobody else can have put a link
 * into it, so plain names are safe in it.
 */
export function ownTmpfs(path: string, attributes: readonly Word<'mount_attr'>[], options: Readonly<Record<string, string>>): Step[] {
  const context = ref('rootfs.fs')
  const tmpfs = ref('rootfs.tmpfs')
  return [
    fsopen('tmpfs', { keep: context.ref, why: `An empty /${path}: only what is put there now.` }),
    ...Object.entries({ source: 'tmpfs', ...options }).map(([key, value]) => fsconfig_set_string(context, key, value)),
    fsconfig_create(context),
    fsmount(context, attributes, { keep: tmpfs.ref, why: 'Its descriptor leads into it, which a path found before would not.' }),
    move_mount(tmpfs, '', { targetDirfd: PLACE, why: `At /${path}.` }),
    fchdir(tmpfs, { why: 'In a directory that was made this moment there are no links: from here on names will do.' }),
  ]
}

/** mount(8)'s words for flags of a mount: what they set, or take away. */
const FLAG_WORDS: Readonly<Record<string, { set?: Word<'mount'>; clear?: Word<'mount'> }>> = {
  ro: { set: 'rdonly' },
  rw: { clear: 'rdonly' },
  nosuid: { set: 'nosuid' },
  suid: { clear: 'nosuid' },
  nodev: { set: 'nodev' },
  dev: { clear: 'nodev' },
  noexec: { set: 'noexec' },
  exec: { clear: 'noexec' },
  noatime: { set: 'noatime' },
  atime: { clear: 'noatime' },
  relatime: { set: 'relatime' },
  norelatime: { clear: 'relatime' },
  strictatime: { set: 'strictatime' },
  nostrictatime: { clear: 'strictatime' },
  nodiratime: { set: 'nodiratime' },
  diratime: { clear: 'nodiratime' },
  sync: { set: 'synchronous' },
  async: { clear: 'synchronous' },
}

/** What tmpfs itself takes, with a value. */
const TMPFS_KEYS = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol', 'huge'])

/** `['size=64m', 'exec']` as flags and data for mount(2); flags beginning from `flags`. Throws a sentence about the first that is unknown. */
export function tmpfsOptions(options: readonly string[], flags: readonly Word<'mount'>[]): { flags: Word<'mount'>[]; data: string | null } {
  const set = new Set(flags)
  const data: string[] = []
  for (const option of options.flatMap((one) => one.split(',')).filter((one) => one !== '')) {
    const flag = FLAG_WORDS[option]
    if (flag?.set) set.add(flag.set)
    else if (flag?.clear) set.delete(flag.clear)
    else if (TMPFS_KEYS.has(option.slice(0, option.indexOf('=')))) data.push(option)
    else {
      throw new DrydockError(
        `a tmpfs has no option '${option}': it takes ${[...TMPFS_KEYS].join('=, ')}= and words such as exec or noexec`,
        {
          status: 400,
        },
      )
    }
  }
  return { flags: [...set], data: data.length > 0 ? data.join(',') : null }
}

/** The same words for a bind mount, which has no data and of which flags are only added: what the source has not got cannot be given. */
export function bindAttributes(options: readonly string[]): Word<'mount_attr'>[] {
  return options.flatMap((option): Word<'mount_attr'>[] => {
    const word = FLAG_WORDS[option]?.set
    if (word === 'nosuid' || word === 'nodev' || word === 'noexec' || word === 'rdonly' || word === 'noatime') return [word]
    if (FLAG_WORDS[option]?.clear) return []
    throw new DrydockError(`a bind mount has no option '${option}': it takes ro, nosuid, nodev, noexec and noatime`, { status: 400 })
  })
}

/** The same words for a file system in memory that is a mount of its own: attributes of the mount, and what tmpfs itself takes. */
export function memoryOptions(options: readonly string[]): { attributes: Word<'mount_attr'>[]; data: [string, string][] } {
  const { flags, data } = tmpfsOptions(options, [])
  const attributes = flags.flatMap((word): Word<'mount_attr'>[] => {
    if (word === 'nosuid' || word === 'nodev' || word === 'noexec' || word === 'noatime' || word === 'strictatime') return [word]
    if (word === 'nodiratime' || word === 'rdonly') return [word]
    if (word === 'relatime') return []
    throw new DrydockError(`a file system in memory has no option '${word}'`, { status: 400 })
  })
  const pairs = (data ?? '').split(',').filter((pair) => pair !== '')
  return { attributes, data: pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]) }
}
