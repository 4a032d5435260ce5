/** One or more calls of every constructor in lib/kernel/calls, with all of their words: for tests that must leave none out. */
import * as bpf from '../../lib/kernel/calls/bpf.js'
import * as credentials from '../../lib/kernel/calls/credentials.js'
import * as files from '../../lib/kernel/calls/files.js'
import * as internet from '../../lib/kernel/calls/internet.js'
import * as mounts from '../../lib/kernel/calls/mounts.js'
import * as processes from '../../lib/kernel/calls/process.js'
import * as reading from '../../lib/kernel/calls/reading.js'
import * as sockets from '../../lib/kernel/calls/sockets.js'
import { echoRequest } from '../../lib/kernel/icmp.js'
import { ref, type Step, text } from '../../lib/kernel/step.js'
import { WORDS } from '../../lib/kernel/words.js'

const MODULES = { bpf, credentials, files, internet, mounts, processes, reading, sockets }

/** Exported functions that make no step. */
const NO_STEPS = new Set(['capabilityBits', 'makedev'])

/** Names of all constructors. */
export function constructors(): string[] {
  return Object.values(MODULES)
    .flatMap((module) => Object.entries(module))
    .filter(([name, value]) => typeof value === 'function' && !NO_STEPS.has(name))
    .map(([name]) => name)
    .sort()
}

const program = new Uint8Array(16)
const path = text`/proc/${ref('child')}/uid_map`

/** By constructor: the steps of some calls of it. */
export function exampleSteps(): Record<string, Step[]> {
  const { execve, execveat } = processes
  return {
    bpf_prog_load_cgroup_device: [bpf.bpf_prog_load_cgroup_device(program, { keep: 'program' })],
    bpf_prog_attach_cgroup_device: [bpf.bpf_prog_attach_cgroup_device(ref('cgroup'), ref('program'))],

    setresuid: [credentials.setresuid(0), credentials.setresuid(credentials.UNCHANGED, 1000, 0)],
    setresgid: [credentials.setresgid(0), credentials.setresgid(credentials.UNCHANGED, 1000, 0)],
    setgroups: [credentials.setgroups([]), credentials.setgroups([1, 2, 3])],
    capset: [
      credentials.capset({ effective: [], permitted: [], inheritable: [] }),
      credentials.capset({ effective: ['chown'], permitted: ['chown', 'kill'], inheritable: ['kill'] }),
    ],
    capget: [credentials.capget()],
    capbset_drop: WORDS.capability.map((name) => credentials.capbset_drop(name)),
    set_keepcaps: [credentials.set_keepcaps(true), credentials.set_keepcaps(false)],
    set_no_new_privs: [credentials.set_no_new_privs()],
    cap_ambient_raise: [credentials.cap_ambient_raise('net_bind_service')],
    cap_ambient_clear_all: [credentials.cap_ambient_clear_all()],
    set_pdeathsig: [credentials.set_pdeathsig('kill')],
    set_dumpable: [credentials.set_dumpable(true), credentials.set_dumpable(false)],
    set_child_subreaper: [credentials.set_child_subreaper(true)],
    set_securebits: [credentials.set_securebits(['noroot', 'no_setuid_fixup']), credentials.set_securebits([])],
    seccomp_set_mode_filter: [
      credentials.seccomp_set_mode_filter(program),
      credentials.seccomp_set_mode_filter(program, [...WORDS.seccomp_filter]),
    ],
    ns_get_owner_uid: [credentials.ns_get_owner_uid(ref('ns'))],

    open: [files.open(path, [...WORDS.open], { mode: 0o600, keep: 'map' }), files.open('a b', ['wronly'], { dirfd: ref('dir') })],
    openat2: [
      files.openat2('etc/passwd', { flags: ['rdonly'], resolve: [...WORDS.resolve] }, { dirfd: ref('dir'), keep: 'file' }),
      files.openat2('x', { flags: ['wronly', 'creat'], resolve: [], mode: 0o644 }),
    ],
    read: [files.read(ref('map'), 4096), files.read(0, 1)],
    write: [files.write(ref('map'), '0 100000 65536\n'), files.write(1, 'max'), files.write(1, Uint8Array.of(0, 255))],
    close: [files.close(ref('map')), files.close(3)],
    close_range: [files.close_range(3), files.close_range(3, [...WORDS.close_range])],
    dup3: [files.dup3(ref('slave'), 0), files.dup3(5, 1)],
    fcntl: WORDS.fcntl.filter((word) => word !== 'ofd_setlk').map((word) => files.fcntl(3, word, 1)),
    fcntl_ofd_setlk: [files.fcntl_ofd_setlk(ref('lease'))],
    pipe2: [files.pipe2('reader', 'writer')],
    mkdir: [files.mkdir('/sys/fs/cgroup/box'), files.mkdir('dev', 0o700, { dirfd: ref('dir') })],
    rmdir: [files.rmdir('/sys/fs/cgroup/box'), files.rmdir('dev', { dirfd: ref('dir') })],
    rmdir_tree: [files.rmdir_tree('/sys/fs/cgroup/box')],
    remove_tree: [files.remove_tree('/var/lib/drydock/overlay/box')],
    thaw_tree: [files.thaw_tree('/sys/fs/cgroup/freezer/box')],
    unlink: [files.unlink('/run/box.sock')],
    rename: [files.rename('/a', '/b')],
    link: [files.link('/a', '/b')],
    symlink: [files.symlink('/proc/self/fd', '/dev/fd'), files.symlink('pts/ptmx', 'ptmx', { dirfd: ref('dir') })],
    readlink: [files.readlink('/proc/self/ns/uts')],
    mknod: [
      files.mknod('/dev/null', 'ifchr', 0o666, [1, 3]),
      files.mknod('/dev/loop0', 'ifblk', 0o660, [7, 300]),
      files.mknod('/run/fifo', 'ififo', 0o600),
      files.mknod('/run/file', 'ifreg', 0o644),
    ],
    chmod: [files.chmod('/tmp', 0o1777)],
    chown: [
      files.chown('/tmp', 0, 0),
      files.chown('/link', 1000, 1000, { nofollow: true }),
      files.chown('', 1000, 5, { dirfd: ref('slave') }),
    ],
    getdents64: [reading.getdents64(ref('dir'), 32768)],
    statx: [reading.statx('/etc/passwd'), reading.statx('file', { dirfd: ref('dir') })],
    llistxattr: [reading.llistxattr('/file', 256)],
    lgetxattr: [reading.lgetxattr('/usr/bin/ping', 'security.capability', 24)],
    pread64: [reading.pread64(ref('file'), 4096, 8192)],
    lseek: WORDS.seek.map((whence) => reading.lseek(ref('file'), 0, whence)),
    statfs: [files.statfs('/sys/fs/cgroup')],
    getxattr: [files.getxattr('/file', 'user.note'), files.getxattr('/dir', 'trusted.overlay.opaque', 1)],
    setxattr: [files.setxattr('/file', 'user.note', 'a b'), files.setxattr('/file', 'user.bytes', Uint8Array.of(0, 1))],
    ioctl_tiocsctty: [files.ioctl_tiocsctty(0)],
    ioctl_tiocnotty: [files.ioctl_tiocnotty(0)],
    ioctl_tiocsptlck: [files.ioctl_tiocsptlck(ref('master'), false), files.ioctl_tiocsptlck(3, true)],
    ioctl_tiocgptpeer: [files.ioctl_tiocgptpeer(ref('master'), { keep: 'slave' })],
    ioctl_tiocswinsz: [files.ioctl_tiocswinsz(0, 24, 80)],

    mount: [
      mounts.mount('proc', '/proc', 'proc', ['nosuid', 'nodev', 'noexec']),
      mounts.mount(null, '/', null, ['rec', 'private']),
      mounts.mount('/a', '/b', null, ['bind', 'rec']),
      mounts.mount(null, '/b', null, ['remount', 'bind', 'rdonly']),
      mounts.mount('/b', '/c', null, ['move']),
      mounts.mount('overlay', '/merged', 'overlay', [], 'lowerdir=/a:/b,upperdir=/u,workdir=/w'),
      mounts.mount('x', '/x', 'tmpfs', [...WORDS.mount]),
    ],
    umount2: [mounts.umount2('.', ['detach']), mounts.umount2('/x', [...WORDS.umount]), mounts.umount2('/x')],
    pivot_root: [mounts.pivot_root('.', '.')],
    chroot: [mounts.chroot('/new')],
    open_tree: [
      mounts.open_tree('/a', undefined, { recursive: true, keep: 'tree' }),
      mounts.open_tree('/a', []),
      mounts.open_tree('a', ['clone'], { dirfd: ref('dir') }),
    ],
    move_mount: [
      mounts.move_mount(ref('tree'), '/b'),
      mounts.move_mount(ref('tree'), 'b', { targetDirfd: ref('dir') }),
      mounts.move_mount(ref('tree'), '', { targetDirfd: ref('dir') }),
    ],
    fsopen: [mounts.fsopen('overlay', { keep: 'fs' })],
    fsconfig_set_string: [mounts.fsconfig_set_string(ref('fs'), 'lowerdir+', '/a')],
    fsconfig_set_flag: [mounts.fsconfig_set_flag(ref('fs'), 'userxattr')],
    fsconfig_create: [mounts.fsconfig_create(ref('fs'))],
    fsmount: [mounts.fsmount(ref('fs'), [...WORDS.mount_attr]), mounts.fsmount(ref('fs'))],
    mount_setattr: [
      mounts.mount_setattr('/', { propagation: ['private'], recursive: true }),
      mounts.mount_setattr('/x', { set: ['rdonly', 'nosuid'], clear: ['noexec'] }),
      mounts.mount_setattr('/x', { clear: ['rdonly'] }),
      mounts.mount_setattr('', { set: ['idmap'], userns: ref('ns'), dirfd: ref('tree') }),
    ],

    clone3: [processes.clone3([...KINDS]), processes.clone3(['pid'], { cgroup: ref('cgroup') }), processes.clone3([])],
    clone: [processes.clone('uts', 'pid')],
    unshare: [processes.unshare([...KINDS])],
    setns: [processes.setns(ref('ns')), processes.setns(ref('pidfd'), ['uts', 'mnt']), processes.setns(ref('ns'), ['net'])],
    pidfd_open: [processes.pidfd_open(ref('child'), { keep: 'process' }), processes.pidfd_open(1)],
    pidfd_getfd: [processes.pidfd_getfd(ref('pidfd'), 5, { keep: 'copy' })],
    kill: WORDS.signal.map((signal) => processes.kill(ref('child'), signal)),
    pidfd_send_signal: [processes.pidfd_send_signal(ref('pidfd'), 'term')],
    getpid: [processes.getpid()],
    getppid: [processes.getppid()],
    getuid: [processes.getuid()],
    geteuid: [processes.geteuid()],
    setsid: [processes.setsid()],
    execve: [execve('/bin/sh', ['sh', '-c', 'echo "a b"'], ['PATH=/bin', "NAME=it's"]), execve('/bin/true', ['/bin/true'])],
    execveat: [execveat(ref('shim'), ['shim', '--fd', '3'], ['A=b'])],
    chdir: [processes.chdir('/a b')],
    fchdir: [processes.fchdir(ref('dir'))],
    setrlimit: WORDS.rlimit.map((resource) => processes.setrlimit(resource, 1024, Number.POSITIVE_INFINITY)),
    umask: [processes.umask(0o22), processes.umask(0)],
    nanosleep: [processes.nanosleep(1500), processes.nanosleep(20)],
    join_session_keyring: [processes.join_session_keyring('box')],
    sethostname: [processes.sethostname('box')],
    setdomainname: [processes.setdomainname('example')],
    uname: [processes.uname()],
    wait4: [processes.wait4(-1, { flags: [...WORDS.wait] }), processes.wait4(ref('child'))],

    icmp_socket: [internet.icmp_socket({ keep: 'ping' })],
    bind_inet: [internet.bind_inet(ref('socket'), '0.0.0.0', 80), internet.bind_inet(3, '::', 53)],
    connect_inet: [internet.connect_inet(ref('socket'), '10.0.0.1', 80), internet.connect_inet(3, 'fd00::1', 80)],
    accept4: [internet.accept4(ref('socket'), { keep: 'client' })],
    sendto: [
      internet.sendto(ref('ping'), echoRequest(1, 1), '10.0.0.1', 0, { shown: '{echo request}' }),
      internet.sendto(3, 'hello', '10.0.0.1', 53),
    ],
    recvfrom: [internet.recvfrom(ref('ping'), 1500)],
    setsockopt_rcvtimeo: [internet.setsockopt_rcvtimeo(ref('ping'), 1500)],
    setsockopt_sndtimeo: [internet.setsockopt_sndtimeo(3, 2000)],
    setsockopt_reuseaddr: [internet.setsockopt_reuseaddr(ref('socket'))],
    setsockopt_v6only: [internet.setsockopt_v6only(ref('socket'))],
    setsockopt_icmp_filter: [internet.setsockopt_icmp_filter(ref('ping'), [...WORDS.icmp])],

    socket: [sockets.socket('unix', 'stream', 0, { keep: 'socket' }), sockets.socket('inet6', 'dgram', 17)],
    rtnetlink_socket: [sockets.rtnetlink_socket({ keep: 'net' })],
    nfnetlink_socket: [sockets.nfnetlink_socket({ keep: 'filter' })],
    bind_unix: [sockets.bind_unix(ref('socket'), '/run/box.sock')],
    connect_unix: [sockets.connect_unix(ref('socket'), '/run/box.sock')],
    listen: [sockets.listen(ref('socket'), 16)],
    getsockopt_peercred: [sockets.getsockopt_peercred(ref('client'), { keepPid: 'caller' })],
    shutdown: WORDS.shutdown.map((how) => sockets.shutdown(ref('client'), how)),
    netlink: [sockets.netlink(ref('net'), { bytes: new Uint8Array(16), shown: 'link set lo up' })],
  }
}

const KINDS: readonly processes.Namespace[] = ['uts', 'pid', 'mnt', 'ipc', 'net', 'user', 'cgroup', 'time']
