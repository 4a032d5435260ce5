/** Names of the capabilities by their bit, linux/capability.h: they are part of the kernel's promise to programs. Free of Node: the page uses it too. */

export const CAPABILITIES: readonly string[] = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
]

/** Names in a set, by ascending bit; `bits` is hexadecimal as /proc/PID/status has it. One that is younger than this table is called by its number: `cap_41`. */
export function capabilityNames(bits: string): string[] {
  const set = BigInt(`0x${bits}`)
  const names: string[] = []
  for (let number = 0; set >> BigInt(number) !== 0n; number++) {
    if ((set >> BigInt(number)) & 1n) names.push(CAPABILITIES[number] ?? `cap_${number}`)
  }
  return names
}
