/* `shim --probe`: what a process sees from inside, as one JSON object. No shell and no tool is needed in the container, and nothing is
 * scraped: system calls and files of /proc, each value as the kernel gives it (numbers; masks in hexadecimal; lines as they are).
 * What cannot be found out is null, and "errors" says why. */
#define _GNU_SOURCE
#include "probe.h"
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

extern char **environ;

static void identity(void)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid, groups[1 << 10];
	getresuid(&uid, &euid, &suid);
	getresgid(&gid, &egid, &sgid);
	out_integer("pid", getpid());
	out_integer("ppid", getppid());
	out_integer("sid", getsid(0));
	out_integer("pgid", getpgrp());
	out_integer("uid", uid);
	out_integer("euid", euid);
	out_integer("suid", suid);
	out_integer("gid", gid);
	out_integer("egid", egid);
	out_integer("sgid", sgid);
	int count = getgroups(sizeof groups / sizeof *groups, groups);
	if (count < 0)
		return out_failed("groups", errno);
	out_begin("groups", '[');
	for (int i = 0; i < count; i++)
		out_integer(NULL, groups[i]);
	out_end();
}

/* By capget and prctl, not from /proc/self/status, so that it is known without /proc too. */
static void capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	if (syscall(SYS_capget, &header, data) < 0)
		return out_failed("capabilities", errno);
	uint64_t bounding = 0, ambient = 0;
	for (int i = 0; i < 64; i++) {
		bounding |= (uint64_t)(prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) << i;
		ambient |= (uint64_t)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1) << i;
	}
	out_begin("capabilities", '{');
	out_format("inheritable", "%08x%08x", data[1].inheritable, data[0].inheritable);
	out_format("permitted", "%08x%08x", data[1].permitted, data[0].permitted);
	out_format("effective", "%08x%08x", data[1].effective, data[0].effective);
	out_format("bounding", "%016llx", (unsigned long long)bounding);
	out_format("ambient", "%016llx", (unsigned long long)ambient);
	out_end();
}

static void settings(void)
{
	int signal = 0;
	out_integer("noNewPrivs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	out_integer("securebits", prctl(PR_GET_SECUREBITS));
	out_integer("dumpable", prctl(PR_GET_DUMPABLE));
	if (prctl(PR_GET_PDEATHSIG, &signal) < 0)
		out_failed("parentDeathSignal", errno);
	else
		out_integer("parentDeathSignal", signal);
	mode_t mask = umask(0);
	umask(mask);
	out_format("umask", "%04o", (unsigned)mask);
}

static void limit(const char *key, rlim_t value)
{
	if (value == RLIM_INFINITY)
		out_string(key, "unlimited");
	else
		out_integer(key, (int64_t)value);
}

static void limits(void)
{
	static const struct {
		const char *name;
		int resource;
	} table[] = {
		{ "cpu", RLIMIT_CPU },         { "fsize", RLIMIT_FSIZE },       { "data", RLIMIT_DATA },
		{ "stack", RLIMIT_STACK },     { "core", RLIMIT_CORE },         { "rss", RLIMIT_RSS },
		{ "nproc", RLIMIT_NPROC },     { "nofile", RLIMIT_NOFILE },     { "memlock", RLIMIT_MEMLOCK },
		{ "as", RLIMIT_AS },           { "locks", RLIMIT_LOCKS },       { "sigpending", RLIMIT_SIGPENDING },
		{ "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE },       { "rtprio", RLIMIT_RTPRIO },
		{ "rttime", RLIMIT_RTTIME },
	};
	out_begin("rlimits", '{');
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct rlimit value;
		if (getrlimit(table[i].resource, &value) < 0) {
			out_null(table[i].name);
			continue;
		}
		out_begin(table[i].name, '{');
		limit("soft", value.rlim_cur);
		limit("hard", value.rlim_max);
		out_end();
	}
	out_end();
}

static void names(void)
{
	struct utsname name;
	char cwd[4096];
	uname(&name);
	out_string("hostname", name.nodename);
	out_string("domainname", name.domainname);
	out_string("release", name.release);
	out_string("machine", name.machine);
	/* The call says "(unreachable)/…" for a directory outside of the root; the C library turns that into an error. */
	if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0)
		out_failed("cwd", errno);
	else
		out_string("cwd", cwd);
}

static void strings(const char *key, char **list)
{
	out_begin(key, '[');
	for (; *list != NULL; list++)
		out_string(NULL, *list);
	out_end();
}

static void affinity(void)
{
	unsigned long mask[1024 / (8 * sizeof(long))] = { 0 };
	size_t bits = 8 * sizeof *mask;
	if (syscall(SYS_sched_getaffinity, 0, sizeof mask, mask) < 0)
		return out_failed("cpus", errno);
	out_begin("cpus", '[');
	for (size_t i = 0; i < sizeof mask * 8; i++)
		if ((mask[i / bits] >> i % bits & 1) != 0)
			out_integer(NULL, (int64_t)i);
	out_end();
}

/* The terminal that rules the session, whatever stdio is. ENXIO: there is none. */
static void terminal(void)
{
	struct winsize size;
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == ENXIO || errno == ENOENT))
		return out_null("terminal");
	if (fd < 0)
		return out_failed("terminal", errno);
	out_begin("terminal", '{');
	if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
		out_integer("rows", size.ws_row);
		out_integer("columns", size.ws_col);
	}
	out_integer("foreground", tcgetpgrp(fd));
	out_end();
	close(fd);
}

int probe_main(int argc, char **argv)
{
	bool try = false;
	int paths = 0;
	/* What follows -- is there to be seen in "argv". */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--try") == 0)
			try = true;
		else if (strcmp(argv[i], "--path") == 0 && i + 1 < argc)
			argv[paths++] = argv[++i];
		else if (strcmp(argv[i], "--probe") != 0) {
			fprintf(stderr, "shim --probe: unknown argument %s; it takes --try, --path PATH, and anything after --\n", argv[i]);
			return 125;
		}
	out_begin(NULL, '{');
	identity();
	names();
	probe_arguments();
	strings("env", environ);
	capabilities();
	settings();
	probe_inherited();
	limits();
	affinity();
	terminal();
	probe_descriptors(); /* before files are opened here */
	probe_status();
	probe_files();
	probe_places();
	probe_devices();
	probe_links();
	probe_paths(paths, argv);
	if (try)
		probe_try();
	return out_finish() ? 0 : 1;
}
