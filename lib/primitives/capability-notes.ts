/**
 * What each capability allows, and why a container has it or not: for lessons, the tutor and error messages. capabilities(7).
 * `allows` completes "it allows a process to …"; `container` is a sentence about Docker's default.
 */
import type { Capability } from '../kernel/calls/credentials.js'

export type CapabilityGroup =
  | 'files'
  | 'users'
  | 'processes'
  | 'network'
  | 'memory and messages'
  | 'devices'
  | 'the machine'
  | 'security rules'

export interface CapabilityNote {
  readonly group: CapabilityGroup
  readonly allows: string
  readonly container: string
}

// biome-ignore format: one table
export const CAPABILITY_NOTES: Readonly<Record<Capability, CapabilityNote>> = {
  chown: { group: 'files', allows: 'give any file to any owner and group', container: 'Given: package managers do it all the time, and only the container’s own files are in reach.' },
  dac_override: { group: 'files', allows: 'read, write and execute files whatever their permission bits say', container: 'Given: root is expected to be able to; what the container must not touch is kept out of its mounts.' },
  dac_read_search: { group: 'files', allows: 'read every file and open files by handle, without a path', container: 'Withheld: with open_by_handle_at it leads to files of the host outside the container’s root.' },
  fowner: { group: 'files', allows: 'change modes and attributes of files that belong to others', container: 'Given: installing software sets modes on files of many owners.' },
  fsetid: { group: 'files', allows: 'keep setuid and setgid bits on files that it changes', container: 'Given: archives are unpacked with these bits.' },
  setfcap: { group: 'files', allows: 'write capabilities into files', container: 'Given: packages such as ping bring some; no file can give more than the bounding set.' },
  linux_immutable: { group: 'files', allows: 'set and clear the immutable and append-only attributes', container: 'Withheld: it could make files that the host cannot remove.' },
  lease: { group: 'files', allows: 'take leases on files of others, which delay whoever opens them', container: 'Withheld: file servers want it, hardly anybody else.' },
  mknod: { group: 'devices', allows: 'make device nodes', container: 'Given: harmless as long as the device list of its cgroup decides which of them can be opened.' },
  setuid: { group: 'users', allows: 'become any user', container: 'Given: servers start as root and go on as somebody else.' },
  setgid: { group: 'users', allows: 'take any group, and any list of groups', container: 'Given: it goes with becoming another user.' },
  setpcap: { group: 'users', allows: 'drop from the bounding set, and hand its own capabilities on', container: 'Given: with it a program can lock itself up further; it never adds any.' },
  kill: { group: 'processes', allows: 'send signals to processes of any user', container: 'Given: the pid namespace leaves only the container’s own processes to send to.' },
  sys_nice: { group: 'processes', allows: 'raise priorities, and choose processors and memory nodes for others', container: 'Withheld: it would take time from other containers.' },
  sys_resource: { group: 'processes', allows: 'raise hard limits, and go beyond disk quotas', container: 'Withheld: it would undo the limits that were set.' },
  sys_ptrace: { group: 'processes', allows: 'trace and read processes of any user', container: 'Withheld: one’s own processes can be traced without it.' },
  checkpoint_restore: { group: 'processes', allows: 'save and restore processes with their ids', container: 'Withheld: that is the work of tools on the host.' },
  net_bind_service: { group: 'network', allows: 'listen on ports below 1024', container: 'Given: web servers do, in a network of their own.' },
  net_raw: { group: 'network', allows: 'use raw and packet sockets', container: 'Given, for ping; but it lets a container forge packets on its bridge, so drop it where nothing pings.' },
  net_admin: { group: 'network', allows: 'change interfaces, addresses, routes and firewall rules', container: 'Withheld: its network was made for it, and much code of the kernel lies behind it; VPNs ask for it.' },
  net_broadcast: { group: 'network', allows: 'send broadcasts, but in name only: the kernel never asks for it', container: 'Withheld, at no loss.' },
  ipc_lock: { group: 'memory and messages', allows: 'lock any amount of memory', container: 'Withheld: locked memory cannot be taken back; the limit memlock allows some.' },
  ipc_owner: { group: 'memory and messages', allows: 'use System V queues, semaphores and shared memory of others', container: 'Withheld: with an ipc namespace of its own it is not needed.' },
  sys_rawio: { group: 'devices', allows: 'use I/O ports, physical memory and raw disk commands', container: 'Withheld: it is the whole machine.' },
  sys_tty_config: { group: 'devices', allows: 'hang up and configure terminals', container: 'Withheld: the container has its own pseudoterminals.' },
  sys_chroot: { group: 'the machine', allows: 'call chroot, and enter mount namespaces', container: 'Given: mail servers and builds lock parts of themselves up with it; it leads nowhere outside after pivot_root.' },
  sys_admin: { group: 'the machine', allows: 'mount, enter namespaces, set the hostname, load BPF and some two hundred things more', container: 'Withheld: it is nearly root itself; what asks for it can often do with a user namespace.' },
  sys_module: { group: 'the machine', allows: 'load and remove kernel modules', container: 'Withheld: a module is the kernel, and the kernel is everybody’s.' },
  sys_boot: { group: 'the machine', allows: 'reboot, and load another kernel', container: 'Withheld: the machine is not the container’s to reboot.' },
  sys_time: { group: 'the machine', allows: 'set the clock', container: 'Withheld: there is one clock of the day for all.' },
  sys_pacct: { group: 'the machine', allows: 'switch process accounting', container: 'Withheld: accounting is one for the whole machine.' },
  wake_alarm: { group: 'the machine', allows: 'set timers that wake the machine from sleep', container: 'Withheld: nothing in a container should.' },
  block_suspend: { group: 'the machine', allows: 'keep the machine from going to sleep', container: 'Withheld: nothing in a container should.' },
  syslog: { group: 'the machine', allows: 'read and clear the kernel’s messages, and see its addresses', container: 'Withheld: messages are about everybody, and addresses help attacks.' },
  perfmon: { group: 'the machine', allows: 'watch the performance of the whole system', container: 'Withheld: it sees what others do.' },
  bpf: { group: 'the machine', allows: 'load BPF programs and use their maps', container: 'Withheld: programs inside the kernel are the host’s business.' },
  audit_write: { group: 'security rules', allows: 'write to the audit log', container: 'Given: login and sudo insist on it.' },
  audit_control: { group: 'security rules', allows: 'change the audit rules', container: 'Withheld: they are the host’s.' },
  audit_read: { group: 'security rules', allows: 'listen to the audit log', container: 'Withheld: it speaks of everybody.' },
  mac_override: { group: 'security rules', allows: 'ignore the rules of a Linux security module (Smack)', container: 'Withheld: such rules are there to hold.' },
  mac_admin: { group: 'security rules', allows: 'change the rules of a Linux security module', container: 'Withheld: the host makes them.' },
}
