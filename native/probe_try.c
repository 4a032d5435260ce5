/* `shim --probe --try`: calls that a container may be forbidden to make, each in a child of its own, each with arguments that change
 * nothing: the kernel looks at the permission first and then refuses the rest with another errno (EINVAL, EFAULT, ENODEV …), or what is
 * changed is the child's alone and ends with it. So EPERM and EACCES (and ENOSYS, with which Docker's filter hides clone3) mean
 * "forbidden"; success or anything else means that the call would have been let through. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define NOWHERE ((void *)8) /* an address that is never mapped: EFAULT, but after the permission */
#define NOBODY 65534
/* Is a directory, and no mount point. */
#define PLAIN_DIRECTORY "/proc/self/task"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* Mounts: may_mount() is asked before anything else is. */
static long try_mount(void) { return CALL(mount, NULL, "/", "no-such-filesystem", 0, NULL); }
static long try_umount(void) { return CALL(umount2, PLAIN_DIRECTORY, 0); }
static long try_pivot_root(void) { return CALL(pivot_root, PLAIN_DIRECTORY, PLAIN_DIRECTORY); }
static long try_fsopen(void) { return CALL(fsopen, "no-such-filesystem", 0); }
static long try_open_tree(void) { return CALL(open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE: detached, gone with its descriptor */); }
static long try_chroot(void) { return CALL(chroot, "/"); }

/* Namespaces: the child's own. */
static long try_unshare_mnt(void) { return CALL(unshare, CLONE_NEWNS); }
static long try_unshare_uts(void) { return CALL(unshare, CLONE_NEWUTS); }
static long try_unshare_ipc(void) { return CALL(unshare, CLONE_NEWIPC); }
static long try_unshare_pid(void) { return CALL(unshare, CLONE_NEWPID); }
static long try_unshare_net(void) { return CALL(unshare, CLONE_NEWNET); }
static long try_unshare_user(void) { return CALL(unshare, CLONE_NEWUSER); }
static long try_unshare_cgroup(void) { return CALL(unshare, CLONE_NEWCGROUP); }
static long try_unshare_time(void) { return CALL(unshare, CLONE_NEWTIME); }

static long try_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : CALL(setns, fd, CLONE_NEWUTS); /* where it is already */
}

static long try_clone_user(void)
{
	/* Without CLONE_VM, so the new process has its own copy of this stack. The order of the arguments behind the second one differs
	 * between architectures; all are 0. */
	long pid = CALL(clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	return pid;
}
static long try_clone3(void) { return CALL(clone3, NOWHERE, 64); }

/* Keys, other processes, kernel programs. */
static long try_keyctl(void) { return CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0); }
static long try_add_key(void) { return CALL(add_key, "user", NOWHERE, NULL, 0, KEY_SPEC_PROCESS_KEYRING); }
static long try_request_key(void) { return CALL(request_key, "user", NOWHERE, NULL, 0); }
static long try_traceme(void) { return CALL(ptrace, PTRACE_TRACEME, 0, NULL, NULL); }
static long try_seize(void) { return CALL(ptrace, PTRACE_SEIZE, getppid(), NULL, NULL); } /* does not stop it, and ends with the child */
static long try_signal_init(void) { return CALL(kill, 1, 0); } /* signal 0: only the permission */
static long try_kcmp(void) { return CALL(kcmp, getpid(), getppid(), 1 /* KCMP_VM */, 0, 0); }

static long try_bpf(void)
{
	union bpf_attr attributes;
	memset(&attributes, 0, sizeof attributes); /* no instructions: no program */
	return CALL(bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}

static long try_perf(void)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK };
	return CALL(perf_event_open, &attributes, 0, -1, -1, 0);
}

static long try_userfaultfd(void) { return CALL(userfaultfd, 0); }

static long try_io_uring(void)
{
	uint64_t parameters[15] = { 0 };
	return CALL(io_uring_setup, 1, parameters);
}

static long try_fanotify(void) { return CALL(fanotify_init, 4 /* FAN_CLASS_CONTENT */, 0); }

/* The machine. */
static long try_reboot(void) { return CALL(reboot, 0, 0, 0, NULL); } /* none of the magic numbers */
static long try_kexec(void) { return CALL(kexec_load, 0, 1000, NULL, 0x8000); } /* too many segments, no such flag */
static long try_init_module(void) { return CALL(init_module, NULL, 0, ""); }
static long try_delete_module(void) { return CALL(delete_module, "", O_NONBLOCK); }
static long try_swapon(void) { return CALL(swapon, "", 0); }
static long try_swapoff(void) { return CALL(swapoff, ""); }
static long try_acct(void) { return CALL(acct, NOWHERE); }
static long try_syslog(void) { return CALL(syslog, 2 /* read */, NULL, 0); }
#ifdef SYS_iopl
static long try_iopl(void) { return CALL(iopl, 3); }
static long try_ioperm(void) { return CALL(ioperm, 0x80, 1, 1); }
#endif

/* Time: a time zone more than 15 hours from Greenwich, a tick of no length. */
static long try_settimeofday(void)
{
	struct timezone zone = { .tz_minuteswest = 100000 };
	return CALL(settimeofday, NULL, &zone);
}

static long try_adjtimex(void)
{
	struct timex change = { .modes = ADJ_TICK, .tick = 0 };
	return CALL(adjtimex, &change);
}

/* The clock's new value is read before the permission is looked at: this shows a filter only. */
static long try_clock_settime(void) { return CALL(clock_settime, CLOCK_REALTIME, NOWHERE); }

static long try_sethostname(void) { return CALL(sethostname, NOWHERE, 1); }
static long try_setdomainname(void) { return CALL(setdomainname, NOWHERE, 1); }

/* The process itself. */
static long try_setuid(void) { return CALL(setuid, NOBODY); }
static long try_setgid(void) { return CALL(setgid, NOBODY); }

static long try_setgroups(void)
{
	gid_t group = NOBODY;
	return CALL(setgroups, 1, &group);
}

static long try_bounding(void) { return prctl(PR_CAPBSET_DROP, 63, 0, 0, 0); } /* no such capability */
static long try_personality(void) { return CALL(personality, 0x0040000 /* ADDR_NO_RANDOMIZE */); }
static long try_nice(void) { return CALL(setpriority, PRIO_PROCESS, 0, -20); }

static long try_realtime(void)
{
	struct sched_param parameter = { .sched_priority = 1 };
	return CALL(sched_setscheduler, 0, SCHED_FIFO, &parameter);
}

static long try_raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_CORE, &limit) < 0)
		return -1;
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	limit.rlim_max = 1;
	return setrlimit(RLIMIT_CORE, &limit);
}

static long try_vhangup(void)
{
	setsid(); /* without a terminal, so that there is none to hang up */
	return CALL(vhangup);
}

/* Files. */
static long make_node(mode_t mode, dev_t device, bool open_it)
{
	static const char *const directories[] = { "/tmp", "/dev", "/dev/shm", "." };
	long result = -1;
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		char path[64];
		snprintf(path, sizeof path, "%s/.drydock-probe-%ld", directories[i], (long)getpid());
		result = CALL(mknodat, AT_FDCWD, path, mode | 0600, device);
		bool made = result == 0;
		if (made && open_it)
			result = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		int error = errno;
		if (made)
			unlink(path);
		errno = error;
		if (result == 0 || (error != EROFS && error != ENOENT && error != EACCES))
			break;
	}
	return result;
}

static long try_mknod(void) { return make_node(S_IFCHR, makedev(1, 3), false); }
static long try_mknod_block(void) { return make_node(S_IFBLK, makedev(7, 0), false); }
/* Once /dev/kmem: no driver has the number now (ENXIO), but the cgroup's rules for devices are asked first (EPERM). */
static long try_open_device(void) { return make_node(S_IFCHR, makedev(1, 2), true); }

static long try_open_by_handle(void)
{
	uint32_t handle[4] = { 8, 1, ~0u, ~0u }; /* eight bytes, of a file that there is not: ESTALE */
	return CALL(open_by_handle_at, AT_FDCWD, handle, O_RDONLY);
}

static long try_write_sysctl(void) { return open("/proc/sys/kernel/hostname", O_WRONLY | O_CLOEXEC); }
static long try_write_sysrq(void) { return open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC); }

/* Sockets. */
static long try_raw_socket(void) { return CALL(socket, AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP); }
static long try_packet_socket(void) { return CALL(socket, AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); }
static long try_vsock(void) { return CALL(socket, AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0); }

static long try_low_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = __builtin_bswap16(1), .sin_addr.s_addr = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&address, sizeof address);
}

static const struct {
	const char *name;
	long (*call)(void);
} attempts[] = {
	{ "mount", try_mount },
	{ "umount2", try_umount },
	{ "pivot_root", try_pivot_root },
	{ "fsopen", try_fsopen },
	{ "open_tree", try_open_tree },
	{ "chroot", try_chroot },
	{ "unshare mnt", try_unshare_mnt },
	{ "unshare uts", try_unshare_uts },
	{ "unshare ipc", try_unshare_ipc },
	{ "unshare pid", try_unshare_pid },
	{ "unshare net", try_unshare_net },
	{ "unshare user", try_unshare_user },
	{ "unshare cgroup", try_unshare_cgroup },
	{ "unshare time", try_unshare_time },
	{ "setns uts", try_setns },
	{ "clone user", try_clone_user },
	{ "clone3", try_clone3 },
	{ "keyctl", try_keyctl },
	{ "add_key", try_add_key },
	{ "request_key", try_request_key },
	{ "ptrace traceme", try_traceme },
	{ "ptrace seize", try_seize },
	{ "kill init", try_signal_init },
	{ "kcmp", try_kcmp },
	{ "bpf", try_bpf },
	{ "perf_event_open", try_perf },
	{ "userfaultfd", try_userfaultfd },
	{ "io_uring_setup", try_io_uring },
	{ "fanotify_init", try_fanotify },
	{ "reboot", try_reboot },
	{ "kexec_load", try_kexec },
	{ "init_module", try_init_module },
	{ "delete_module", try_delete_module },
	{ "swapon", try_swapon },
	{ "swapoff", try_swapoff },
	{ "acct", try_acct },
	{ "syslog", try_syslog },
#ifdef SYS_iopl
	{ "iopl", try_iopl },
	{ "ioperm", try_ioperm },
#endif
	{ "settimeofday", try_settimeofday },
	{ "adjtimex", try_adjtimex },
	{ "clock_settime", try_clock_settime },
	{ "sethostname", try_sethostname },
	{ "setdomainname", try_setdomainname },
	{ "setuid", try_setuid },
	{ "setgid", try_setgid },
	{ "setgroups", try_setgroups },
	{ "prctl capbset_drop", try_bounding },
	{ "personality", try_personality },
	{ "setpriority", try_nice },
	{ "sched_setscheduler", try_realtime },
	{ "setrlimit raise", try_raise_limit },
	{ "vhangup", try_vhangup },
	{ "mknod", try_mknod },
	{ "mknod block", try_mknod_block },
	{ "open device", try_open_device },
	{ "open_by_handle_at", try_open_by_handle },
	{ "write sysctl", try_write_sysctl },
	{ "write sysrq", try_write_sysrq },
	{ "socket raw", try_raw_socket },
	{ "socket packet", try_packet_socket },
	{ "socket vsock", try_vsock },
	{ "bind port 1", try_low_port },
};

static void report(const char *name, int status)
{
	out_begin(name, '{');
	if (WIFSIGNALED(status)) {
		out_integer("signal", WTERMSIG(status)); /* SIGSYS: a filter that kills */
		out_boolean("allowed", false);
	} else {
		int error = WEXITSTATUS(status);
		if (error == 0)
			out_null("errno");
		else
			out_string("errno", errno_name(error));
		out_boolean("allowed", error != EPERM && error != EACCES && error != ENOSYS && error != EROFS);
	}
	out_end();
}

void probe_try(void)
{
	out_begin("try", '{');
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		int status;
		pid_t child = fork();
		if (child < 0) {
			out_null(attempts[i].name);
			continue;
		}
		if (child == 0) /* an errno is at most 133: it fits into an exit status */
			_exit(attempts[i].call() < 0 ? errno : 0);
		if (waitpid(child, &status, 0) == child)
			report(attempts[i].name, status);
		else
			out_null(attempts[i].name);
	}
	out_end();
}
