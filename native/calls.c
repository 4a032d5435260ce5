#define _GNU_SOURCE
#include "calls.h"

#include <string.h>
#include <sys/syscall.h>

/* A letter an argument: i integer · s string · S string or NULL · v array of strings · p buffer · P buffer or NULL (a number
 * behind them: at least so many bytes) · n length of the buffer before it · x small integer or buffer (ioctl, prctl).
 * BLOCKS: may wait for somebody else, so the client's end must be able to interrupt it. */
#define CALL(name, signature) { #name, SYS_##name, signature, PLAIN }
#define WAITING(name, signature) { #name, SYS_##name, signature, BLOCKS }

static const struct call calls[] = {
	/* processes and namespaces */
	{ "clone3", SYS_clone3, "p64n", CLONE },
	CALL(unshare, "i"),
	CALL(setns, "ii"),
	CALL(pidfd_open, "ii"),
	CALL(pidfd_getfd, "iii"),
	CALL(pidfd_send_signal, "iiPi"),
	CALL(kill, "ii"),
	WAITING(wait4, "iP4iP144"),
	WAITING(waitid, "iiP128iP144"),
	CALL(getpid, ""),
	CALL(getppid, ""),
	CALL(gettid, ""),
	CALL(getsid, "i"),
	CALL(setsid, ""),
	CALL(setpgid, "ii"),
	CALL(getpgid, "i"),
	CALL(prctl, "ixxxx"),
	CALL(prlimit64, "iiP16P16"),
	CALL(setpriority, "iii"),
	CALL(sched_setaffinity, "iip8"),
	CALL(sched_setscheduler, "iip4"),
	CALL(ioprio_set, "iii"),
	CALL(personality, "i"),
	CALL(umask, "i"),
	WAITING(nanosleep, "p16P16"),
	{ "execve", SYS_execve, "svv", EXEC },
	{ "execveat", SYS_execveat, "isvvi", EXEC },
	{ "exit_group", SYS_exit_group, "i", EXIT },
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
	CALL(fsconfig, "iiSSi"),
	CALL(fsmount, "iii"),
	CALL(mount_setattr, "isip32n"),
	/* files */
	WAITING(openat, "isii"),
	WAITING(openat2, "isp24n"),
	WAITING(read, "ipn"),
	WAITING(write, "ipn"),
	CALL(pwrite64, "ipni"),
	CALL(close, "i"),
	CALL(close_range, "iii"),
	CALL(dup, "i"),
	CALL(dup3, "iii"),
	CALL(fcntl, "iix"),
	CALL(ioctl, "iix"),
	CALL(pipe2, "p8i"),
	CALL(mkdirat, "isi"),
	CALL(unlinkat, "isi"),
	CALL(renameat2, "isisi"),
	CALL(linkat, "isisi"),
	CALL(symlinkat, "sis"),
	CALL(readlinkat, "ispn"),
	CALL(mknodat, "isii"),
	CALL(fchmod, "ii"),
	CALL(fchmodat, "isi"),
	CALL(fchown, "iii"),
	CALL(fchownat, "isiii"),
	CALL(faccessat, "isi"),
	CALL(utimensat, "iSP32i"),
	CALL(truncate, "si"),
	CALL(ftruncate, "ii"),
	CALL(statx, "isiip256"),
	CALL(fstat, "ip144"),
	CALL(newfstatat, "isp144i"),
	CALL(statfs, "sp120"),
	CALL(fstatfs, "ip120"),
	CALL(getdents64, "ipn"),
	CALL(getcwd, "pn"),
	CALL(chdir, "s"),
	CALL(fchdir, "i"),
	CALL(setxattr, "sspni"),
	CALL(lsetxattr, "sspni"),
	CALL(getxattr, "sspn"),
	CALL(lgetxattr, "sspn"),
	CALL(removexattr, "ss"),
	CALL(lremovexattr, "ss"),
	CALL(sync, ""),
	CALL(fsync, "i"),
	CALL(syncfs, "i"),
	CALL(memfd_create, "si"),
	CALL(eventfd2, "ii"),
	/* credentials */
	CALL(setresuid, "iii"),
	CALL(setresgid, "iii"),
	CALL(setuid, "i"),
	CALL(setgid, "i"),
	CALL(getuid, ""),
	CALL(geteuid, ""),
	CALL(getgid, ""),
	CALL(getegid, ""),
	CALL(setgroups, "iP4"),
	CALL(capget, "p8P24"),
	CALL(capset, "p8p24"),
	CALL(seccomp, "iiP16"),
	CALL(bpf, "ipn"),
	CALL(keyctl, "ixxxx"),
	CALL(add_key, "ssPii"),
	/* sockets */
	CALL(socket, "iii"),
	CALL(socketpair, "iiip8"),
	CALL(bind, "ipn"),
	CALL(listen, "ii"),
	WAITING(connect, "ipn"),
	CALL(setsockopt, "iiipn"),
	/* what a container may not do: lesson 3 tries these. Arguments that cannot do harm are the plan's business. */
	CALL(reboot, "iiiS"),
	CALL(init_module, "p1is"),
	CALL(swapon, "si"),
	CALL(acct, "S"),
	CALL(settimeofday, "P16P8"),
	CALL(clock_settime, "ip16"),
	CALL(ptrace, "iixx"),
	CALL(perf_event_open, "p112iiii"),
	/* functions of our own, special.c */
	{ "netlink", -1, "ipP", NETLINK },
	{ "rmdir_tree", -1, "s", RMDIR_TREE },
};

const struct call *call_find(const uint8_t *name, size_t length)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!strncmp(calls[i].name, (const char *)name, length) && calls[i].name[length] == 0)
			return &calls[i];
	return NULL;
}
