#define _GNU_SOURCE
#include "calls.h"

#include <string.h>
#include <sys/syscall.h>

/* Younger than some distribution's headers. From 424 on a call has one number on every architecture. */
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

/* A letter an argument:
 *   i integer · s string · S string or NULL · v array of strings · V array or NULL · p buffer · P buffer or NULL (a number behind
 *   them: at least so many bytes) · n length of the buffer before it · N how many 32-bit items the buffer after it holds · x a
 *   number of 32 bits or a buffer (what it is depends on another argument: ioctl, prctl, fcntl) · | the rest may be left out (0)
 * A call that writes to memory must be told how much: that is what the letters are for. */
#define CALL(name, signature) { #name, SYS_##name, signature, PLAIN, NULL }
#define KIND(name, signature, kind) { #name, SYS_##name, signature, kind, NULL }
#define FUNCTION(name, signature) { #name, -1, signature, OWN, call_##name }

static const struct call calls[] = {
	/* processes and namespaces */
	KIND(clone3, "p64n", CLONE),
	KIND(unshare, "i", CREDENTIALS),
	KIND(setns, "ii", CREDENTIALS),
	CALL(pidfd_open, "ii"),
	CALL(pidfd_getfd, "iii"),
	CALL(pidfd_send_signal, "iiPi"),
	CALL(kill, "ii"),
	CALL(tgkill, "iii"),
	KIND(wait4, "iP4iP144", WAIT),
	KIND(waitid, "iiP128iP144", WAIT),
	CALL(getpid, ""),
	CALL(getppid, ""),
	CALL(gettid, ""),
	CALL(getsid, "i"),
	CALL(setsid, ""),
	CALL(getpgid, "i"),
	CALL(setpgid, "ii"),
	KIND(prctl, "i|xxxx", PRCTL),
	CALL(prlimit64, "iiP16P16"),
	CALL(getpriority, "ii"),
	CALL(setpriority, "iii"),
	CALL(sched_setaffinity, "iip"),
	CALL(sched_setscheduler, "iip4"),
	CALL(ioprio_set, "iii"),
	CALL(personality, "i"),
	CALL(umask, "i"),
	KIND(nanosleep, "p16P16", SLEEP),
	KIND(clock_nanosleep, "iip16P16", SLEEP),
	CALL(sched_yield, ""),
	KIND(execve, "svV", EXEC),
	KIND(execveat, "isvVi", EXEC),
	KIND(exit_group, "i", EXIT),

	/* names */
	CALL(sethostname, "pn"),
	CALL(setdomainname, "pn"),
	CALL(uname, "p390"),

	/* mounts */
	CALL(mount, "SsSiS"),
	CALL(umount2, "si"),
	CALL(pivot_root, "ss"),
	CALL(chroot, "s"),
	CALL(open_tree, "isi"),
	CALL(move_mount, "isisi"),
	CALL(fsopen, "si"),
	CALL(fsconfig, "iiSxi"),
	CALL(fsmount, "iii"),
	CALL(fspick, "isi"),
	CALL(mount_setattr, "isip32n"),
	CALL(statfs, "sp120"),
	CALL(fstatfs, "ip120"),

	/* open descriptors */
	CALL(openat, "isi|i"),
	CALL(openat2, "isp24n"),
	CALL(read, "ipn"),
	CALL(write, "ipn"),
	CALL(pread64, "ipni"),
	CALL(pwrite64, "ipni"),
	CALL(lseek, "iii"),
	KIND(close, "i", CLOSE),
	KIND(close_range, "iii", CLOSE),
	CALL(dup, "i"),
	KIND(dup3, "iii", CLOSE),
	CALL(fcntl, "ii|x"),
	CALL(ioctl, "ii|x"),
	CALL(flock, "ii"),
	CALL(pipe2, "p8i"),
	CALL(memfd_create, "si"),
	CALL(eventfd2, "ii"),
	KIND(sendfile, "iiP8i", TRANSFER),
	CALL(copy_file_range, "iP8iP8ii"),
	CALL(splice, "iP8iP8ii"),
	CALL(fsync, "i"),
	CALL(fdatasync, "i"),
	CALL(syncfs, "i"),
	CALL(sync, ""),

	/* names in directories */
	CALL(mkdirat, "isi"),
	CALL(unlinkat, "isi"),
	CALL(renameat2, "isisi"),
	CALL(linkat, "isisi"),
	CALL(symlinkat, "sis"),
	CALL(readlinkat, "ispn"),
	CALL(mknodat, "isii"),
	CALL(faccessat, "isi"),
	CALL(faccessat2, "isii"),
	CALL(newfstatat, "isp144i"),
	CALL(statx, "isiip256"),
	CALL(fstat, "ip144"),
	CALL(fchmod, "ii"),
	CALL(fchmodat, "isi"),
	CALL(fchown, "iii"),
	CALL(fchownat, "isiii"),
	CALL(utimensat, "iSP32i"),
	CALL(truncate, "si"),
	CALL(ftruncate, "ii"),
	CALL(fallocate, "iiii"),
	CALL(getdents64, "ipn"),
	CALL(getcwd, "pn"),
	CALL(chdir, "s"),
	CALL(fchdir, "i"),
	CALL(setxattr, "ssPni"),
	CALL(lsetxattr, "ssPni"),
	CALL(fsetxattr, "isPni"),
	CALL(getxattr, "ssPn"),
	CALL(lgetxattr, "ssPn"),
	CALL(fgetxattr, "isPn"),
	CALL(listxattr, "sPn"),
	CALL(llistxattr, "sPn"),
	CALL(removexattr, "ss"),
	CALL(lremovexattr, "ss"),

	/* who one is and what one may */
	KIND(setresuid, "iii", CREDENTIALS),
	KIND(setresgid, "iii", CREDENTIALS),
	KIND(setreuid, "ii", CREDENTIALS),
	KIND(setregid, "ii", CREDENTIALS),
	KIND(setuid, "i", CREDENTIALS),
	KIND(setgid, "i", CREDENTIALS),
	KIND(setfsuid, "i", CREDENTIALS),
	KIND(setfsgid, "i", CREDENTIALS),
	CALL(getuid, ""),
	CALL(geteuid, ""),
	CALL(getgid, ""),
	CALL(getegid, ""),
	CALL(getresuid, "p4p4p4"),
	CALL(getresgid, "p4p4p4"),
	CALL(setgroups, "NP"),
	CALL(getgroups, "NP"),
	CALL(capget, "p8P24"),
	KIND(capset, "p8p24", CREDENTIALS),
	KIND(seccomp, "iiP", SECCOMP),
	CALL(keyctl, "i|xxxx"),
	CALL(add_key, "ssPni"),
	CALL(request_key, "ssSi"),

	/* sockets */
	CALL(socket, "iii"),
	CALL(socketpair, "iiip8"),
	CALL(bind, "ipn"),
	CALL(listen, "ii"),
	CALL(accept4, "iPPi"),
	CALL(connect, "ipn"),
	CALL(shutdown, "ii"),
	CALL(sendto, "ipni|Pn"),
	CALL(recvfrom, "ipni|PP"),
	CALL(sendmsg, "ip56i"),
	CALL(recvmsg, "ip56i"),
	CALL(getsockname, "ipp4"),
	CALL(getsockopt, "iiipp4"),
	CALL(setsockopt, "iiiPn"),

	/* what a container may not do: lesson 3 tries these, with arguments that would do no harm if they were allowed */
	CALL(reboot, "iiiS"),
	CALL(init_module, "pns"),
	CALL(delete_module, "si"),
	CALL(kexec_load, "iipi"),
	CALL(swapon, "si"),
	CALL(swapoff, "s"),
	CALL(acct, "S"),
	CALL(settimeofday, "P16P8"),
	CALL(clock_settime, "ip16"),
	CALL(adjtimex, "p208"),
	CALL(ptrace, "ii|xx"),
	CALL(process_vm_readv, "ipipii"),
	CALL(perf_event_open, "p112iiii"),
	CALL(open_by_handle_at, "ip8i"),
	CALL(name_to_handle_at, "isp8p4i"),
	CALL(userfaultfd, "i"),
	CALL(quotactl, "iSip"),
	CALL(syslog, "iPn"),
	CALL(vhangup, ""),
#ifdef SYS_iopl
	CALL(iopl, "i"),
	CALL(ioperm, "iii"),
#endif

	/* older names, which arm64 never had */
#ifdef SYS_open
	CALL(open, "si|i"),
	CALL(creat, "si"),
	CALL(mkdir, "si"),
	CALL(rmdir, "s"),
	CALL(unlink, "s"),
	CALL(rename, "ss"),
	CALL(renameat, "isis"),
	CALL(link, "ss"),
	CALL(symlink, "ss"),
	CALL(readlink, "spn"),
	CALL(mknod, "sii"),
	CALL(access, "si"),
	CALL(stat, "sp144"),
	CALL(lstat, "sp144"),
	CALL(chmod, "si"),
	CALL(chown, "sii"),
	CALL(lchown, "sii"),
	KIND(dup2, "ii", CLOSE),
	CALL(pipe, "p8"),
#endif

	/* functions of our own, special.c and tree.c */
	FUNCTION(netlink, "ip|P"),
	FUNCTION(bpf, "ipn"),
	FUNCTION(rmdir_tree, "s"),
	FUNCTION(thaw_tree, "s"),
	FUNCTION(remove_tree, "s"),
};

const struct call *call_find(const uint8_t *name, size_t length)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (calls[i].name[0] == (length ? *name : 0) && strlen(calls[i].name) == length && !memcmp(calls[i].name, name, length))
			return &calls[i];
	return NULL;
}
