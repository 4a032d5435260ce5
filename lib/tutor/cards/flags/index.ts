/** The sentences for words, by group. Groups that stand inside of messages (netlink) or programs (BPF) only are not here. */
import type { Group } from '../../../kernel/words.js'
import type { WordNotes } from '../card.js'
import * as credentials from './credentials.js'
import * as files from './files.js'
import * as mounts from './mounts.js'
import * as processes from './process.js'

export const FLAG_NOTES = {
  clone: processes.CLONE,
  wait: processes.WAIT,
  signal: processes.SIGNAL,
  rlimit: processes.RLIMIT,
  keyctl: processes.KEYCTL,
  mount: mounts.MOUNT,
  umount: mounts.UMOUNT,
  fsopen: mounts.FSOPEN,
  fsconfig: mounts.FSCONFIG,
  fsmount: mounts.FSMOUNT,
  mount_attr: mounts.MOUNT_ATTR,
  move_mount: mounts.MOVE_MOUNT,
  open_tree: mounts.OPEN_TREE,
  open: files.OPEN,
  at: files.AT,
  resolve: files.RESOLVE,
  file_type: files.FILE_TYPE,
  rename: files.RENAME,
  seek: files.SEEK,
  xattr: files.XATTR,
  close_range: files.CLOSE_RANGE,
  fcntl: files.FCNTL,
  flock_type: files.FLOCK_TYPE,
  ioctl: files.IOCTL,
  socket_family: files.SOCKET_FAMILY,
  socket_type: files.SOCKET_TYPE,
  netlink_protocol: files.NETLINK_PROTOCOL,
  ip_protocol: files.IP_PROTOCOL,
  sockopt_level: files.SOCKOPT_LEVEL,
  so: files.SO,
  shutdown: files.SHUTDOWN,
  raw_option: files.RAW_OPTION,
  ipv6_option: files.IPV6_OPTION,
  prctl: credentials.PRCTL,
  cap_ambient: credentials.CAP_AMBIENT,
  securebits: credentials.SECUREBITS,
  capability: credentials.CAPABILITY,
  capability_version: credentials.CAPABILITY_VERSION,
  seccomp: credentials.SECCOMP,
  seccomp_filter: credentials.SECCOMP_FILTER,
  seccomp_ret: credentials.SECCOMP_RET,
  bpf: credentials.BPF,
} as const satisfies { readonly [G in Group]?: WordNotes<G> }
