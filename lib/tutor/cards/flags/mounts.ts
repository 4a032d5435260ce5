/** Words of the calls on mounts. */
import type { WordNotes } from '../card.js'

export const MOUNT: WordNotes<'mount'> = {
  rdonly: 'nothing can be written through this mount',
  nosuid: 'setuid and setgid bits and file capabilities do nothing here: no file can give privileges',
  nodev: 'device nodes here cannot be opened',
  noexec: 'no program here can be started',
  synchronous: 'each write waits until it is on the disk',
  remount: 'do not mount anything new, change the settings of what is mounted there',
  mandlock: 'obsolete: mandatory file locks (without effect since Linux 5.15)',
  dirsync: 'changes of directories wait until they are on the disk',
  nosymfollow: 'symbolic links here are not followed (Linux 5.10)',
  noatime: 'reading does not change access times',
  nodiratime: 'reading does not change access times of directories',
  bind: 'show an existing directory or file at a second place; with remount: change this mount only, not the file system',
  move: 'take the mount from its place and put it here',
  rec: 'with everything that is mounted below as well',
  silent: 'the kernel writes fewer complaints to its log',
  unbindable: 'private, and nobody can bind it elsewhere',
  private: 'what is mounted below it is seen in this namespace only, and nothing arrives from others',
  slave: 'mounts of the host’s still arrive here, ours do not go there',
  shared: 'mounts below it appear in all copies of it, in other namespaces too (what systemd sets for “/”)',
  relatime: 'access times change at most once a day, or after the file was changed (the default)',
  strictatime: 'each read changes the access time',
  lazytime: 'times are kept in memory and written when there is an occasion',
}

export const UMOUNT: WordNotes<'umount'> = {
  force: 'give up requests that hang (network file systems); data may be lost',
  detach: 'take it off the tree at once, free it when its last user has gone',
  expire: 'unmount only if nobody used it since the last such call',
  nofollow: 'if the path ends in a symbolic link, do not follow it',
}

export const FSOPEN: WordNotes<'fsopen'> = { cloexec: 'the descriptor closes at the execve' }

export const FSMOUNT: WordNotes<'fsmount'> = { cloexec: 'the descriptor closes at the execve' }

export const FSCONFIG: WordNotes<'fsconfig'> = {
  set_flag: 'an option without a value, such as ro',
  set_string: 'an option with a string as value',
  set_binary: 'an option with bytes as value',
  set_path: 'an option with a path as value, looked up by the kernel',
  set_path_empty: 'the same; the path may be empty and then means the descriptor given',
  set_fd: 'an option with an open descriptor as value',
  cmd_create: 'make the file system from the options set (or find one that is made already)',
  cmd_reconfigure: 'give the options set to a file system that is made already',
}

export const MOUNT_ATTR: WordNotes<'mount_attr'> = {
  rdonly: 'nothing can be written through this mount',
  nosuid: 'setuid and setgid bits and file capabilities do nothing here',
  nodev: 'device nodes here cannot be opened',
  noexec: 'no program here can be started',
  noatime: 'reading does not change access times',
  strictatime: 'each read changes the access time',
  nodiratime: 'reading does not change access times of directories',
  idmap: 'owners of files are shown shifted by the map of a user namespace; on the disk they stay as they are',
  nosymfollow: 'symbolic links here are not followed (Linux 5.14)',
}

export const MOVE_MOUNT: WordNotes<'move_mount'> = {
  f_symlinks: 'follow a symbolic link at the end of the source path',
  f_empty_path: 'the source is the descriptor itself, its path is empty',
  t_symlinks: 'follow a symbolic link at the end of the target path',
  t_empty_path: 'the target is the descriptor itself, its path is empty',
}

export const OPEN_TREE: WordNotes<'open_tree'> = {
  clone: 'a detached copy instead of the mount itself',
  cloexec: 'the descriptor closes at the execve',
  empty_path: 'the path is empty: what the descriptor before it names, a file too',
}
