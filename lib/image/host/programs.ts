/** Which of the machine's programs make a userland that one can look around in, and where they are looked for. */
import { realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Where distributions put programs, NixOS among them. Not $PATH: what a user has put there is not the machine's. */
export const PROGRAM_DIRECTORIES: readonly string[] = [
  '/usr/bin',
  '/usr/sbin',
  '/bin',
  '/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/run/current-system/sw/bin',
]

/** Without it there is no userland. */
export const SHELL = 'sh'

/** What is put in besides the applets of busybox, where that has not got it. */
export const ESSENTIAL: readonly string[] = [
  ...[SHELL, 'bash', 'ps', 'ip', 'ping', 'hostname', 'getent', 'mount', 'umount'],
  ...['cat', 'echo', 'env', 'false', 'id', 'ls', 'sleep', 'stty', 'true', 'tty', 'uname'],
]

/**
 * What is put in without busybox, where the machine has it. Small ones: nslookup, for example, would bring 60 MB of libraries along; getent
 * asks the same question.
 */
export const PROGRAMS: readonly string[] = [
  ...ESSENTIAL,
  ...['kill', 'pgrep', 'free', 'top', 'sysctl', 'nc', 'unshare', 'nsenter', 'setpriv', 'setsid', 'dmesg'],
  ...['grep', 'sed', 'awk', 'find', 'xargs', 'more', 'less', 'tar', 'gzip', 'clear', 'diff'],
  // coreutils
  ...['[', 'basename', 'chgrp', 'chmod', 'chown', 'chroot', 'cp', 'cut', 'date', 'dd', 'df', 'dirname', 'du', 'expr', 'head', 'ln'],
  ...['mkdir', 'mkfifo', 'mknod', 'mktemp', 'mv', 'nproc', 'od', 'printf', 'pwd', 'readlink', 'realpath', 'rm', 'rmdir', 'seq'],
  ...['sha256sum', 'sort', 'stat', 'sync', 'tail', 'tee', 'test', 'timeout', 'touch', 'tr', 'truncate', 'uniq', 'wc', 'whoami', 'yes'],
]

/** Descriptions of the terminals that a shell inside is likely to meet (terminfo(5)); without them it cannot edit a line or clear a screen. */
export const TERMINALS: readonly string[] = [
  'dumb',
  'linux',
  'screen',
  'screen-256color',
  'tmux-256color',
  'vt100',
  'xterm',
  'xterm-256color',
]

export const TERMINAL_DIRECTORIES: readonly string[] = ['/etc/terminfo', '/lib/terminfo', '/usr/share/terminfo']

/** The file behind the first executable of this name, links resolved. */
export function findProgram(name: string, directories: readonly string[]): string | undefined {
  for (const directory of directories) {
    const path = join(directory, name)
    const found = statSync(path, { throwIfNoEntry: false })
    if (found?.isFile() && (found.mode & 0o111) !== 0) return realpathSync(path)
  }
  return undefined
}
