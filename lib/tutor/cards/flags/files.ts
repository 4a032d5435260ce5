/** Words of the calls on files, descriptors and sockets. */
import type { WordNotes } from '../card.js'

export const OPEN: WordNotes<'open'> = {
  rdonly: 'for reading',
  wronly: 'for writing',
  rdwr: 'for reading and writing',
  creat: 'make the file if there is none, with the mode given',
  excl: 'with creat: fail if there is one already (and do not follow a link in its place)',
  noctty: 'a terminal that is opened does not become the controlling one',
  trunc: 'empty the file first',
  append: 'each write goes to the end',
  nonblock: 'never wait, answer EAGAIN instead',
  directory: 'fail unless it is a directory',
  nofollow: 'fail if the last part of the path is a symbolic link',
  cloexec: 'closes by itself at the execve, so that the container’s program does not get it',
  path: 'only a handle for the place: nothing can be read or written through it, but other calls can start from it',
  tmpfile: 'a file without a name in the directory given, gone when it is closed',
}

export const AT: WordNotes<'at'> = {
  fdcwd: 'relative paths start from the current directory',
  symlink_nofollow: 'if the path ends in a symbolic link, mean the link itself',
  removedir: 'remove a directory (rmdir), which must be empty',
  symlink_follow: 'if the path ends in a symbolic link, follow it',
  empty_path: 'the path is empty: mean what the descriptor itself names',
  no_automount: 'do not set off an automount on the way',
  recursive: 'with all mounts below',
}

export const RESOLVE: WordNotes<'resolve'> = {
  no_xdev: 'the path must not cross into another mount',
  no_magiclinks: 'links such as /proc/PID/fd/3, which jump without a path, are not followed',
  no_symlinks: 'no symbolic link anywhere in the path',
  beneath: 'the path must stay below the directory given; one that leaves it fails',
  in_root: 'treat the directory given as the root: absolute paths and links start there, “..” stops there',
  cached: 'only if nothing has to be read from a disk for it (Linux 5.12)',
}

export const FILE_TYPE: WordNotes<'file_type'> = {
  ifreg: 'an ordinary file',
  ifdir: 'a directory',
  ifchr: 'a character device (a stream of bytes: null, tty, random)',
  ifblk: 'a block device (a disk)',
  ififo: 'a fifo: a pipe with a name',
  ifsock: 'a socket with a name',
  iflnk: 'a symbolic link',
}

export const RENAME: WordNotes<'rename'> = {
  noreplace: 'fail if the new name is taken',
  exchange: 'swap the two names',
  whiteout: 'leave overlayfs’s mark for “deleted” at the old name',
}

export const XATTR: WordNotes<'xattr'> = {
  create: 'fail if the attribute is there already',
  replace: 'fail if the attribute is not there yet',
}

export const CLOSE_RANGE: WordNotes<'close_range'> = {
  unshare: 'take a table of descriptors of one’s own first, if it is shared',
  cloexec: 'do not close them now, but at the execve (Linux 5.11)',
}

export const FCNTL: WordNotes<'fcntl'> = {
  dupfd: 'copy to the lowest free number from the one given on',
  dupfd_cloexec: 'the same, and the copy closes at the execve',
  getfd: 'read the close-on-exec mark',
  setfd: 'set the close-on-exec mark: 1 closes at the execve, 0 survives it',
  getfl: 'read the status flags (append, nonblock) and how it is open',
  setfl: 'set the status flags',
  setpipe_sz: 'set how many bytes a pipe holds (64 KiB at first)',
  getpipe_sz: 'read how many bytes a pipe holds',
  fd_cloexec: 'the close-on-exec mark itself',
  ofd_setlk:
    'lock the file for as long as this opening of it lasts, in whichever processes; EAGAIN at once when somebody has it (Linux 3.15)',
}

export const SEEK: WordNotes<'seek'> = {
  set: 'count from the file’s begin',
  cur: 'count from where one is',
  end: 'count from the file’s end',
  data: 'to the next byte that the disk has: what lies before it is a hole',
  hole: 'to the next place for which the disk has nothing: it reads as zeros',
}

export const FLOCK_TYPE: WordNotes<'flock_type'> = {
  rdlck: 'a shared lock: others may read too',
  wrlck: 'an exclusive lock',
  unlck: 'no lock: give it up',
}

export const IOCTL: WordNotes<'ioctl'> = {
  tiocsctty: 'this terminal becomes the controlling terminal of the caller’s session: Ctrl-C there reaches it',
  tiocnotty: 'give the controlling terminal up',
  tiocswinsz: 'tell the terminal its size; programs in front get SIGWINCH',
  tiocgwinsz: 'ask for the terminal’s size',
  tiocgptn: 'ask a terminal’s master for its number: the slave is /dev/pts/NUMBER',
  tiocsptlck: 'lock or unlock the slave of a terminal; a fresh one is locked',
  tiocgptpeer: 'open the slave of a terminal from its master, with no path (Linux 4.13)',
  ns_get_userns: 'a descriptor of the user namespace that owns this namespace',
  ns_get_parent: 'a descriptor of the parent of this pid or user namespace',
  ns_get_nstype: 'which kind of namespace the descriptor is for',
  ns_get_owner_uid: 'the user who made this user namespace',
}

export const SOCKET_FAMILY: WordNotes<'socket_family'> = {
  unix: 'between processes of one machine, by a path or a descriptor',
  inet: 'IPv4',
  inet6: 'IPv6',
  netlink: 'between a process and the kernel: links, addresses, routes, firewall',
  packet: 'raw frames of a network device',
  bridge: 'the forwarding tables of bridges (in netlink messages; no sockets are of it)',
}

export const SOCKET_TYPE: WordNotes<'socket_type'> = {
  stream: 'bytes in order, connected (TCP)',
  dgram: 'single messages (UDP)',
  raw: 'messages with the headers in one’s own hand',
  seqpacket: 'single messages in order, connected',
  cloexec: 'the descriptor closes at the execve',
  nonblock: 'never wait, answer EAGAIN instead',
}

export const NETLINK_PROTOCOL: WordNotes<'netlink_protocol'> = {
  route: 'links, addresses, routes and neighbours (rtnetlink)',
  netfilter: 'the firewall: nftables, connection tracking',
  sock_diag: 'which sockets there are, and in what state',
  kobject_uevent: 'news of devices that come and go',
}

export const IP_PROTOCOL: WordNotes<'ip_protocol'> = {
  icmp: 'the internet’s messages about itself: echo, unreachable',
  tcp: 'bytes in order, connected',
  udp: 'single messages with a port',
}

export const SOCKOPT_LEVEL: WordNotes<'sockopt_level'> = {
  socket: 'an option that every kind of socket has',
  raw: 'an option of raw sockets',
  ipv6: 'an option of IPv6',
}

export const SO: WordNotes<'so'> = {
  peercred: 'who is at the other end of a unix socket: process, user, group, as the kernel noted them at the connect',
  reuseaddr: 'a port that only connections of the past still have may be bound',
  rcvtimeo: 'how long a call may wait for something to come; then it answers EAGAIN',
  sndtimeo: 'how long a call may wait until something can be sent; a connect answers EINPROGRESS then',
}

export const SHUTDOWN: WordNotes<'shutdown'> = {
  rd: 'nothing more is taken from the other side',
  wr: 'nothing more is sent: the other side reads the end',
  rdwr: 'both',
}

export const RAW_OPTION: WordNotes<'raw_option'> = {
  icmp_filter: 'which types of ICMP messages are kept away from the socket, a bit for each',
}

export const IPV6_OPTION: WordNotes<'ipv6_option'> = {
  v6only: 'the socket takes nothing that comes by IPv4, so that another one may have the port there',
}
