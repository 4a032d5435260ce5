import { describe, expect, it } from 'vitest'
import * as bpf from '../../../lib/kernel/calls/bpf.js'
import * as credentials from '../../../lib/kernel/calls/credentials.js'
import * as files from '../../../lib/kernel/calls/files.js'
import * as internet from '../../../lib/kernel/calls/internet.js'
import * as mounts from '../../../lib/kernel/calls/mounts.js'
import * as processes from '../../../lib/kernel/calls/process.js'
import * as reading from '../../../lib/kernel/calls/reading.js'
import * as sockets from '../../../lib/kernel/calls/sockets.js'
import { address_add, link_add, link_delete, link_set, link_up, route_add, veth_add } from '../../../lib/kernel/netlink/steps.js'
import { child, ref, type Step, text } from '../../../lib/kernel/step.js'
import { WORDS } from '../../../lib/kernel/words.js'
import { FORMS } from '../../../lib/repl/forms/index.js'
import { nearest } from '../../../lib/repl/near.js'
import { parseLine } from '../../../lib/repl/parse.js'
import { cardOf } from '../../../lib/tutor/cards/index.js'
import { constructors, exampleSteps } from '../../support/steps.js'

const stepsOf = (line: string): Step[] => parseLine(line).calls.map(({ step }) => step)
const problem = (line: string): string => {
  try {
    parseLine(line)
  } catch (error) {
    return (error as Error).message
  }
  return 'no problem'
}

const { execve, execveat } = processes
const program = Uint8Array.of(0x20, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0xff, 0x7f)
const hex = `hex:${Buffer.from(program).toString('hex')}`

/** By constructor: lines, and the step that each must become. */
const TYPED: Record<string, [line: string, step: Step][]> = {
  bpf_prog_load_cgroup_device: [[`p = bpf prog_load ${hex}`, bpf.bpf_prog_load_cgroup_device(program, { keep: 'p' })]],
  bpf_prog_attach_cgroup_device: [['bpf prog_attach <cg> <p>', bpf.bpf_prog_attach_cgroup_device(ref('cg'), ref('p'))]],

  setresuid: [
    ['setresuid 0', credentials.setresuid(0)],
    ['setresuid unchanged 1000 0x0', credentials.setresuid(-1, 1000, 0)],
  ],
  setresgid: [['setresgid 1000 1000 1000', credentials.setresgid(1000)]],
  setgroups: [
    ['setgroups', credentials.setgroups([])],
    ['setgroups 1,2,3', credentials.setgroups([1, 2, 3])],
  ],
  capset: [
    ['capset', credentials.capset({ effective: [], permitted: [], inheritable: [] })],
    [
      'capset permitted=chown,kill effective=cap_chown',
      credentials.capset({ effective: ['chown'], permitted: ['chown', 'kill'], inheritable: [] }),
    ],
  ],
  capget: [['capget', credentials.capget()]],
  capbset_drop: WORDS.capability.map((name) => [`prctl capbset_drop ${name}`, credentials.capbset_drop(name)]),
  set_keepcaps: [
    ['prctl set_keepcaps 1', credentials.set_keepcaps(true)],
    ['set_keepcaps 0', credentials.set_keepcaps(false)],
  ],
  set_no_new_privs: [['prctl set_no_new_privs', credentials.set_no_new_privs()]],
  cap_ambient_raise: [
    ['prctl cap_ambient raise net_raw', credentials.cap_ambient_raise('net_raw')],
    ['cap_ambient_raise CAP_NET_RAW', credentials.cap_ambient_raise('net_raw')],
  ],
  cap_ambient_clear_all: [['prctl cap_ambient clear_all', credentials.cap_ambient_clear_all()]],
  set_pdeathsig: [['prctl set_pdeathsig SIGKILL', credentials.set_pdeathsig('kill')]],
  set_dumpable: [['prctl set_dumpable 0', credentials.set_dumpable(false)]],
  set_child_subreaper: [['prctl set_child_subreaper 1', credentials.set_child_subreaper(true)]],
  set_securebits: [['prctl set_securebits noroot|keep_caps', credentials.set_securebits(['noroot', 'keep_caps'])]],
  seccomp_set_mode_filter: [
    [`seccomp set_mode_filter ${hex}`, credentials.seccomp_set_mode_filter(program)],
    [`seccomp set_mode_filter ${hex} log,tsync`, credentials.seccomp_set_mode_filter(program, ['log', 'tsync'])],
  ],
  ns_get_owner_uid: [['ioctl <ns> ns_get_owner_uid', credentials.ns_get_owner_uid(ref('ns'))]],

  open: [
    ['fd = openat /etc/passwd rdonly', files.open('/etc/passwd', ['rdonly'], { keep: 'fd' })],
    ['openat /new O_WRONLY|O_CREAT 0600', files.open('/new', ['wronly', 'creat'], { mode: 0o600 })],
    ['d=open /proc/<child>/ns path,directory', files.open(text`/proc/${child}/ns`, ['path', 'directory'], { keep: 'd' })],
    ['openat etc rdonly dirfd=<d>', files.open('etc', ['rdonly'], { dirfd: ref('d') })],
  ],
  openat2: [
    ['openat2 /x rdonly beneath,no_symlinks', files.openat2('/x', { flags: ['rdonly'], resolve: ['beneath', 'no_symlinks'] })],
    [
      'openat2 x wronly,creat 0 644 dirfd=<d>',
      files.openat2('x', { flags: ['wronly', 'creat'], resolve: [], mode: 0o644 }, { dirfd: ref('d') }),
    ],
  ],
  read: [
    ['read <fd> 100', files.read(ref('fd'), 100)],
    ['read 0', files.read(0, 4096)],
  ],
  write: [
    ['write <fd> "0 1000 1\\n"', files.write(ref('fd'), '0 1000 1\n')],
    ['write 1 \'a "b" \\n\'', files.write(1, 'a "b" \\n')],
    ['write 1 hex:00ff', files.write(1, Uint8Array.of(0, 255))],
    ['write 1 "hex:00ff"', files.write(1, 'hex:00ff')],
  ],
  close: [['close <fd>', files.close(ref('fd'))]],
  close_range: [
    ['close_range 3', files.close_range(3)],
    ['close_range 3 cloexec', files.close_range(3, ['cloexec'])],
  ],
  dup3: [['dup3 <slave> 0', files.dup3(ref('slave'), 0)]],
  fcntl: WORDS.fcntl.filter((word) => word !== 'ofd_setlk').map((word) => [`fcntl 3 ${word} 1`, files.fcntl(3, word, 1)]),
  fcntl_ofd_setlk: [['fcntl <lease> ofd_setlk', files.fcntl_ofd_setlk(ref('lease'))]],
  pipe2: [['pipe2 reader writer', files.pipe2('reader', 'writer')]],
  mkdir: [
    ['mkdirat /x', files.mkdir('/x')],
    ['mkdir "/a b" 0700', files.mkdir('/a b', 0o700)],
    ['mkdir x dirfd=5', files.mkdir('x', undefined, { dirfd: 5 })],
  ],
  rmdir: [
    ['unlinkat /x removedir', files.rmdir('/x')],
    ['rmdir /x', files.rmdir('/x')],
  ],
  rmdir_tree: [['rmdir_tree /x', files.rmdir_tree('/x')]],
  remove_tree: [['remove_tree /x', files.remove_tree('/x')]],
  thaw_tree: [['thaw_tree /x', files.thaw_tree('/x')]],
  unlink: [
    ['unlinkat /x', files.unlink('/x')],
    ['unlink x dirfd=<d>', files.unlink('x', { dirfd: ref('d') })],
  ],
  rename: [['renameat2 /a /b', files.rename('/a', '/b')]],
  link: [['linkat /a /b', files.link('/a', '/b')]],
  symlink: [
    ['symlinkat ../a /b', files.symlink('../a', '/b')],
    ['symlink a b dirfd=<d>', files.symlink('a', 'b', { dirfd: ref('d') })],
  ],
  readlink: [['readlinkat /proc/self/ns/uts', files.readlink('/proc/self/ns/uts')]],
  mknod: [
    ['mknodat /dev/null ifchr 666 1:3', files.mknod('/dev/null', 'ifchr', 0o666, [1, 3])],
    ['mknod /fifo ififo 0600', files.mknod('/fifo', 'ififo', 0o600)],
  ],
  chmod: [['fchmodat /tmp 1777', files.chmod('/tmp', 0o1777)]],
  chown: [
    ['fchownat /x 0 0', files.chown('/x', 0, 0)],
    ['chown /x 1000 1000 nofollow', files.chown('/x', 1000, 1000, { nofollow: true })],
    ['chown "" 1000 -1 dirfd=<map>', files.chown('', 1000, -1, { dirfd: ref('map') })],
  ],
  statfs: [['statfs /sys/fs/cgroup', files.statfs('/sys/fs/cgroup')]],
  setxattr: [['setxattr /x user.a "b c"', files.setxattr('/x', 'user.a', 'b c')]],
  getdents64: [['getdents64 <dir> 32768', reading.getdents64(ref('dir'), 32768)]],
  statx: [
    ['statx /etc/passwd', reading.statx('/etc/passwd')],
    ['statx file dirfd=<dir>', reading.statx('file', { dirfd: ref('dir') })],
  ],
  llistxattr: [['llistxattr /file 256', reading.llistxattr('/file', 256)]],
  lgetxattr: [['lgetxattr /file user.note 16', reading.lgetxattr('/file', 'user.note', 16)]],
  pread64: [['pread64 <file> 10 20', reading.pread64(ref('file'), 10, 20)]],
  lseek: [['lseek 3 0 data', reading.lseek(3, 0, 'data')]],
  getxattr: [['getxattr /file user.note 16', files.getxattr('/file', 'user.note', 16)]],
  ioctl_tiocsctty: [['ioctl 0 tiocsctty', files.ioctl_tiocsctty(0)]],
  ioctl_tiocnotty: [['ioctl 0 tiocnotty', files.ioctl_tiocnotty(0)]],
  ioctl_tiocsptlck: [
    ['ioctl 0 tiocsptlck', files.ioctl_tiocsptlck(0, false)],
    ['ioctl 0 tiocsptlck lock', files.ioctl_tiocsptlck(0, true)],
  ],
  ioctl_tiocgptpeer: [['ioctl 0 tiocgptpeer', files.ioctl_tiocgptpeer(0)]],
  ioctl_tiocswinsz: [['ioctl 0 tiocswinsz 24 80', files.ioctl_tiocswinsz(0, 24, 80)]],

  mount: [
    ['mount proc /proc proc nosuid,nodev', mounts.mount('proc', '/proc', 'proc', ['nosuid', 'nodev'])],
    ['mount - / - rec,private', mounts.mount(null, '/', null, ['rec', 'private'])],
    ['mount /a /b NULL MS_BIND|MS_REC', mounts.mount('/a', '/b', null, ['bind', 'rec'])],
    ['mount x /x tmpfs 0 size=1m,mode=755', mounts.mount('x', '/x', 'tmpfs', [], 'size=1m,mode=755')],
    ['mount "-" /x tmpfs', mounts.mount('-', '/x', 'tmpfs')],
  ],
  umount2: [
    ['umount2 . detach', mounts.umount2('.', ['detach'])],
    ['umount /x', mounts.umount2('/x')],
  ],
  pivot_root: [['pivot_root . .', mounts.pivot_root('.', '.')]],
  chroot: [['chroot /new', mounts.chroot('/new')]],
  open_tree: [
    ['t = open_tree /a clone,cloexec recursive', mounts.open_tree('/a', ['clone', 'cloexec'], { recursive: true, keep: 't' })],
    ['open_tree /a', mounts.open_tree('/a')],
  ],
  move_mount: [['move_mount <t> /b dirfd=<d>', mounts.move_mount(ref('t'), '/b', { targetDirfd: ref('d') })]],
  fsopen: [['fs = fsopen overlay', mounts.fsopen('overlay', { keep: 'fs' })]],
  fsconfig_set_string: [['fsconfig <fs> set_string lowerdir+ /a', mounts.fsconfig_set_string(ref('fs'), 'lowerdir+', '/a')]],
  fsconfig_set_flag: [['fsconfig <fs> set_flag userxattr', mounts.fsconfig_set_flag(ref('fs'), 'userxattr')]],
  fsconfig_create: [['fsconfig <fs> cmd_create', mounts.fsconfig_create(ref('fs'))]],
  fsmount: [['fsmount <fs> nosuid,nodev', mounts.fsmount(ref('fs'), ['nosuid', 'nodev'])]],
  mount_setattr: [
    ['mount_setattr / propagation=private recursive', mounts.mount_setattr('/', { propagation: ['private'], recursive: true })],
    ['mount_setattr /x set=rdonly clear=noexec', mounts.mount_setattr('/x', { set: ['rdonly'], clear: ['noexec'] })],
    ['mount_setattr "" set=idmap userns=<ns> dirfd=<t>', mounts.mount_setattr('', { set: ['idmap'], userns: ref('ns'), dirfd: ref('t') })],
  ],

  clone3: [
    ['clone3 uts,pid,mnt', processes.clone3(['uts', 'pid', 'mnt'])],
    ['clone3 CLONE_NEWNS|CLONE_NEWPID', processes.clone3(['mnt', 'pid'])],
    ['clone3 pid cgroup=<cg>', processes.clone3(['pid'], { cgroup: ref('cg') })],
    ['clone3', processes.clone3([])],
  ],
  clone: [['clone uts|pid', processes.clone('uts', 'pid')]],
  unshare: [['unshare net', processes.unshare(['net'])]],
  setns: [
    ['setns <fd>', processes.setns(ref('fd'))],
    ['setns <pidfd> uts,mnt', processes.setns(ref('pidfd'), ['uts', 'mnt'])],
  ],
  pidfd_open: [['p = pidfd_open <child>', processes.pidfd_open(child, { keep: 'p' })]],
  pidfd_getfd: [['pidfd_getfd <pidfd> 5', processes.pidfd_getfd(ref('pidfd'), 5)]],
  kill: [
    ['kill <child> term', processes.kill(child, 'term')],
    ['kill -1 SIGTERM', processes.kill(-1, 'term')],
  ],
  pidfd_send_signal: [['pidfd_send_signal <pidfd> kill', processes.pidfd_send_signal(ref('pidfd'), 'kill')]],
  getpid: [['getpid', processes.getpid()]],
  getppid: [['getppid', processes.getppid()]],
  getuid: [['getuid', processes.getuid()]],
  geteuid: [['geteuid', processes.geteuid()]],
  setsid: [['setsid', processes.setsid()]],
  execve: [
    ['execve /bin/sh', execve('/bin/sh', ['/bin/sh'])],
    ['execve /bin/sh -c "echo  a" A=b', execve('/bin/sh', ['/bin/sh', '-c', 'echo  a', 'A=b'])],
    ['execve A=b C="d e" argv0=sh /bin/sh -i', execve('/bin/sh', ['sh', '-i'], ['A=b', 'C=d e'])],
  ],
  execveat: [['execveat A=b <shim> shim --fd 3', execveat(ref('shim'), ['shim', '--fd', '3'], ['A=b'])]],
  chdir: [['chdir "/a b"', processes.chdir('/a b')]],
  fchdir: [['fchdir <d>', processes.fchdir(ref('d'))]],
  setrlimit: [
    ['prlimit64 nofile 1024 unlimited', processes.setrlimit('nofile', 1024, Number.POSITIVE_INFINITY)],
    ['setrlimit RLIMIT_CORE 0 0', processes.setrlimit('core', 0, 0)],
  ],
  umask: [['umask 022', processes.umask(0o22)]],
  nanosleep: [['nanosleep 20', processes.nanosleep(20)]],
  join_session_keyring: [['keyctl join_session_keyring box', processes.join_session_keyring('box')]],
  sethostname: [['sethostname box', processes.sethostname('box')]],
  setdomainname: [['setdomainname example', processes.setdomainname('example')]],
  uname: [['uname', processes.uname()]],
  wait4: [
    ['wait4 -1 nohang', processes.wait4(-1, { flags: ['nohang'] })],
    ['wait4 <child>', processes.wait4(child)],
  ],

  socket: [
    ['s = socket unix stream', sockets.socket('unix', 'stream', 0, { keep: 's' })],
    ['socket netlink raw 4', sockets.socket('netlink', 'raw', 4)],
  ],
  rtnetlink_socket: [
    ['net = socket netlink raw route', sockets.rtnetlink_socket({ keep: 'net' })],
    ['rtnetlink_socket', sockets.rtnetlink_socket()],
  ],
  icmp_socket: [['ping = socket inet raw icmp', internet.icmp_socket({ keep: 'ping' })]],
  bind_inet: [['bind <s> inet 0.0.0.0 80', internet.bind_inet(ref('s'), '0.0.0.0', 80)]],
  connect_inet: [['connect <s> inet 10.0.0.1 80', internet.connect_inet(ref('s'), '10.0.0.1', 80)]],
  accept4: [['c = accept4 <s>', internet.accept4(ref('s'), { keep: 'c' })]],
  sendto: [
    ['sendto <s> hello 10.0.0.1 53', internet.sendto(ref('s'), 'hello', '10.0.0.1', 53)],
    ['sendto <s> hex:00ff 10.0.0.1', internet.sendto(ref('s'), Uint8Array.of(0, 255), '10.0.0.1')],
  ],
  recvfrom: [['recvfrom <s> 1500', internet.recvfrom(ref('s'), 1500)]],
  setsockopt_rcvtimeo: [['setsockopt <s> socket rcvtimeo 1500', internet.setsockopt_rcvtimeo(ref('s'), 1500)]],
  setsockopt_sndtimeo: [['setsockopt 3 socket sndtimeo 2000', internet.setsockopt_sndtimeo(3, 2000)]],
  setsockopt_v6only: [['setsockopt <s> ipv6 v6only', internet.setsockopt_v6only(ref('s'))]],
  setsockopt_icmp_filter: [['setsockopt <s> raw icmp_filter echo_reply', internet.setsockopt_icmp_filter(ref('s'), ['echo_reply'])]],
  nfnetlink_socket: [['f = socket netlink raw netfilter', sockets.nfnetlink_socket({ keep: 'f' })]],
  setsockopt_reuseaddr: [['setsockopt <s> socket reuseaddr', internet.setsockopt_reuseaddr(ref('s'))]],
  bind_unix: [['bind <s> /run/x.sock', sockets.bind_unix(ref('s'), '/run/x.sock')]],
  connect_unix: [['connect <s> /run/x.sock', sockets.connect_unix(ref('s'), '/run/x.sock')]],
  listen: [['listen <s> 16', sockets.listen(ref('s'), 16)]],
  getsockopt_peercred: [['getsockopt <s> socket peercred', sockets.getsockopt_peercred(ref('s'))]],
  shutdown: [['shutdown <s> wr', sockets.shutdown(ref('s'), 'wr')]],
  netlink: [
    ['netlink <net> link set lo up', link_up(ref('net'), 'lo')],
    ['netlink <net> link set eth0 netns <child>', link_set(ref('net'), 'eth0', { netns: { pid: child } })],
    ['netlink <net> link add br0 type bridge', link_add(ref('net'), 'bridge', { name: 'br0' })],
    ['netlink <net> link add a type veth peer name b netns 1', veth_add(ref('net'), { name: 'a', peer: { name: 'b', netns: { pid: 1 } } })],
    ['netlink <net> link delete a', link_delete(ref('net'), 'a')],
    ['netlink <net> address add 10.0.0.2/24 dev 2', address_add(ref('net'), 2, '10.0.0.2/24')],
    ['netlink <net> route add default via 10.0.0.1', route_add(ref('net'), { to: 'default', via: '10.0.0.1' })],
    [`netlink <net> ${hex}`, sockets.netlink(ref('net'), { bytes: program, shown: '<16 bytes>' })],
  ],
}

describe('parseLine', () => {
  it('can say every constructor', () => {
    expect(Object.keys(TYPED).sort()).toEqual(constructors())
    expect([...new Set(FORMS.map(({ maker }) => maker))].sort()).toEqual(constructors().filter((name) => name !== 'clone'))
  })

  it.each(Object.entries(TYPED))('makes the steps of %s', (_, lines) => {
    for (const [line, step] of lines) expect(stepsOf(line), line).toEqual([step])
  })

  it('knows every name that a step can have', () => {
    for (const { call } of Object.values(exampleSteps()).flat()) {
      expect(
        FORMS.some((form) => form.call === call),
        call,
      ).toBe(true)
      expect(cardOf(call), call).toBeDefined()
    }
  })

  it('takes the actor, alone or before a call', () => {
    expect(parseLine('host')).toEqual({ tolerant: false, actor: 'host', calls: [] })
    expect(stepsOf('host getpid')).toEqual([processes.getpid({ actor: 'host' })])
    expect(stepsOf('container fd = openat /x rdonly')).toEqual([files.open('/x', ['rdonly'], { actor: 'container', keep: 'fd' })])
  })

  it('takes lines that may fail, empty lines and remarks', () => {
    expect(parseLine('- mkdirat /x').tolerant).toBe(true)
    expect(stepsOf('-mkdirat /x')).toEqual([files.mkdir('/x')])
    expect(parseLine('   ').calls).toEqual([])
    expect(parseLine('# nothing').calls).toEqual([])
    expect(stepsOf('getpid # who am I')).toEqual([processes.getpid()])
    expect(stepsOf('mkdirat /a#b')).toEqual([files.mkdir('/a#b')])
  })

  it('writes and reads files by path', () => {
    expect(stepsOf('host write /proc/<child>/uid_map "0 1000 1"')).toEqual([
      files.open(text`/proc/${child}/uid_map`, ['wronly'], { actor: 'host', keep: 'file' }),
      files.write(ref('file'), '0 1000 1', { actor: 'host' }),
      files.close(ref('file'), { actor: 'host' }),
    ])
    expect(stepsOf('read /proc/self/status 100')).toEqual([
      files.open('/proc/self/status', ['rdonly'], { keep: 'file' }),
      files.read(ref('file'), 100),
      files.close(ref('file')),
    ])
    expect(parseLine('read ./x').calls.map(({ always }) => always)).toEqual([undefined, undefined, true])
  })

  it('reads numbers as C does', () => {
    expect(stepsOf('dup3 0x10 017')).toEqual([files.dup3(16, 15)])
    expect(stepsOf('kill -0x2 kill')).toEqual([processes.kill(-2, 'kill')])
    expect(stepsOf('fchmodat /x 0o644')).toEqual([files.chmod('/x', 0o644)])
  })

  it('reads quotes and escapes', () => {
    expect(stepsOf('write 1 "a\\x41\\t\\\\\\""')).toEqual([files.write(1, 'aA\t\\"')])
    expect(stepsOf("sethostname a'b c'd")).toEqual([processes.sethostname('ab cd')])
    expect(stepsOf('sethostname ""')).toEqual([processes.sethostname('')])
    expect(stepsOf('sethostname a\\ b')).toEqual([processes.sethostname('a b')])
    expect(stepsOf("chdir '/<child>'")).toEqual([processes.chdir('/<child>')])
    expect(stepsOf('chdir /a<b')).toEqual([processes.chdir('/a<b')])
  })
})

describe('mistakes', () => {
  it.each([
    ['mout proc /proc proc', 'there is no call mout: did you mean mount?'],
    ['frobnicate', 'there is no call frobnicate; help lists what can be typed'],
    ['mount proc /proc proc nosud', 'mount: nosud is not a mount flag: did you mean nosuid?'],
    ['clone utz', 'clone: utz is not a clone flag: did you mean uts?'],
    ['clone pidfd', 'clone: pidfd is not a clone flag; there are uts, pid, mnt'],
    ['umount2 / sideways', 'umount2: sideways is not a umount flag; there are force, detach, expire, nofollow'],
    ['mount proc', 'mount: TARGET is missing, a path; it is typed mount SOURCE TARGET TYPE [FLAGS] [DATA]'],
    ['umount2 / detach now', 'umount2: now is one word too many; it is typed umount2 TARGET [FLAGS]'],
    ['unlinkat /x removdir', 'unlinkat: removdir is one word too many: did you mean removedir?'],
    ['prctl', 'prctl: which operation? there are '],
    ['prctl set_keepcap 1', 'prctl: set_keepcap cannot stand here: did you mean set_keepcaps?'],
    ['prctl cap_ambient rise chown', 'prctl: rise cannot stand here: did you mean raise?'],
    ['ioctl 0 tiocsct', 'ioctl: tiocsct cannot stand here: did you mean tiocsctty?'],
    ['close fd', 'close: fd is not a descriptor (a number, or <name> of one that was kept)'],
    ['kill 1 sigfoo', 'kill: sigfoo is not a signal'],
    ['prctl capbset_drop sys_admn', 'prctl: sys_admn is not a capability: did you mean sys_admin'],
    ['mkdirat /x 999', 'mkdirat: 999 is not a mode (an octal number: 755, 0644, 1777)'],
    ['dup3 1 0x', 'dup3: 0x is not a number (12, 0x1f, 017)'],
    ['mknodat /x ifchr 666 1', 'mknodat: 1 is not the two numbers of a device (1:3)'],
    ['write 1 "a', 'the quotes " are not closed'],
    ["write 1 'a", "the quotes ' are not closed"],
    ['write 1 a\\', 'the line ends with a backslash, which should stand before a letter'],
    ['write 1 <child>', 'write: <child>: a kept number can stand in a path or for a number, not in this string'],
    ['write 1 hex:0', 'write: hex:0 is not hex: and an even number of hexadecimal digits'],
    ['fd = ', 'fd = must be followed by a call'],
    ['9 = getpid', '9 cannot be the name of a number: letters, digits and _ can'],
    ['fd = read /x', 'read of a path closes the file again, so that there is nothing to keep'],
    ['pipe2 a 9b', 'pipe2: 9b is not a name (letters, digits, _)'],
    ['setgroups 1,x', 'setgroups: 1,x is not numbers separated by commas'],
    ['seccomp set_mode_filter hex:00', 'seccomp: hex:00 is not a program as hex:…, 8 bytes an instruction'],
    ['prlimit64 nofile many 1', 'prlimit64: many is not a number or “unlimited”'],
    ['netlink 3 link set lo upp', 'netlink: upp is not one of up, down, netns, mtu, address: did you mean up?'],
    ['netlink 3 address add 10.0.0.1/24 dev eth0', 'netlink: eth0 is not the index of a device (a number, or lo)'],
    ['netlink 3 link', 'netlink: not a request that can be typed here; there are link set NAME'],
  ])('%s', (line, sentence) => {
    expect(problem(line).slice(0, sentence.length)).toBe(sentence)
  })

  it('are one sentence each', () => {
    for (const line of ['mout', 'mount', 'clone x', 'prctl', 'netlink 3', 'write 1 "']) expect(problem(line)).not.toContain('\n')
  })
})

describe('nearest', () => {
  it('counts letters changed, left out, put in and swapped', () => {
    expect(nearest('nosiud', WORDS.mount)).toEqual(['nosuid'])
    expect(nearest('mnt', ['mount', 'mnt', 'unmount'])[0]).toBe('mnt')
    expect(nearest('xyz', WORDS.mount)).toEqual([])
  })
})
