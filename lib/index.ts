/**
 * What a lesson imports: a learner needs this file and no other. Constructors bear the names of the system calls that they
 * stand for and take words instead of numbers; each returns a step, and a list of steps is all that an exercise asks for.
 *
 *     import { clone, execve, type Step, sethostname } from '../../lib/index.js'
 *
 *     export function hostname({ name }: { name: string }): Step[] {
 *       return [clone('uts'), sethostname(name), execve('/bin/sleep', ['sleep', '60'])]
 *     }
 */

// Fragments into one list, in the order of the phases.
export { type PlannedStep, plan } from './container/plan.js'
// Ids: who one is; capabilities: what one may do; and what can be given up for ever.
export {
  type Capability,
  cap_ambient_clear_all,
  cap_ambient_raise,
  capbset_drop,
  capget,
  capset,
  set_keepcaps,
  set_no_new_privs,
  setgroups,
  setresgid,
  setresuid,
} from './kernel/calls/credentials.js'
// Files and directories, device nodes, descriptors and pipes.
export {
  chmod,
  chown,
  close,
  close_range,
  dup3,
  getxattr,
  ioctl_tiocgptpeer,
  ioctl_tiocsctty,
  ioctl_tiocsptlck,
  ioctl_tiocswinsz,
  link,
  mkdir,
  mknod,
  open,
  openat2,
  pipe2,
  read,
  readlink,
  rename,
  rmdir,
  setxattr,
  statfs,
  symlink,
  unlink,
  write,
} from './kernel/calls/files.js'
// The network: a line to the kernel's network stack, and what can be asked for on it (links, addresses, routes), each as the ip command
// would; and sockets, by which packets go out and come in.
export {
  accept4,
  bind_inet,
  connect_inet,
  icmp_socket,
  recvfrom,
  sendto,
  setsockopt_icmp_filter,
  setsockopt_rcvtimeo,
} from './kernel/calls/internet.js'
// Mounts, and where a process's tree of files begins.
// The same in smaller pieces (Linux 5.2): a file system that is configured option by option, a mount that hangs nowhere yet.
export {
  chroot,
  fsconfig_create,
  fsconfig_set_flag,
  fsconfig_set_string,
  fsmount,
  fsopen,
  mount,
  mount_setattr,
  move_mount,
  open_tree,
  pivot_root,
  umount2,
} from './kernel/calls/mounts.js'
// Processes: made, entered, signalled, waited for, and turned into other programs; and their names.
export {
  chdir,
  clone,
  clone3,
  execve,
  fchdir,
  getpid,
  getppid,
  getuid,
  kill,
  type Namespace,
  nanosleep,
  pidfd_getfd,
  pidfd_open,
  pidfd_send_signal,
  setdomainname,
  sethostname,
  setns,
  setsid,
  uname,
  unshare,
  wait4,
} from './kernel/calls/process.js'
export { bind_unix, connect_unix, getsockopt_peercred, listen, rtnetlink_socket, shutdown, socket } from './kernel/calls/sockets.js'
export { echoRequest } from './kernel/icmp.js'
export type { Device, NetworkNamespace } from './kernel/netlink/device.js'
export { loopbackUp } from './kernel/netlink/loopback.js'
export {
  address_add,
  bridge_add,
  link_delete,
  link_down,
  link_set,
  link_up,
  route_add,
  route_delete,
  veth_add,
} from './kernel/netlink/steps.js'
// Steps: who makes them (after the clone the container does, unless `host(…)` says otherwise), numbers that earlier steps kept
// under a name (`ref('name')`, and `child` for the pid that clone3 returned), and strings with such numbers in them (`text`).
// A primitive returns its steps as a fragment, each in its phase (`inPhase`), and `plan` puts the steps of many into the one order that works.
export { child, container, type Fragment, host, inPhase, type Phase, ref, type Step, type StepOptions, text } from './kernel/step.js'
// The primitives, a fragment each: limits; namespaces, and so the process; a cable into a bridge, or the loopback alone; the program with the rights
// that it keeps; a root of its own; a filter for its calls; a terminal, or pipes.
// Root in pieces: the names of all capabilities, and a filter that forbids a few system calls.
export { ALL_CAPABILITIES, dockerSets, lastCapability } from './primitives/capabilities.js'
export { cgroups } from './primitives/cgroups/index.js'
export { namespaces } from './primitives/namespaces.js'
export { cable, loopback } from './primitives/network.js'
export { process as program } from './primitives/process.js'
export { rootfs } from './primitives/rootfs/index.js'
export { forbid } from './primitives/seccomp/forbid.js'
export { seccomp } from './primitives/seccomp/index.js'
export { stdio } from './primitives/stdio.js'
