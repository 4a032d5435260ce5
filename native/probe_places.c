/* Places in the tree that a container may be kept from, as their effect is: what can be read there, what written, and whether anything is
 * in it. And files that are different for every container. Nothing is written. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const places[] = {
	/* Docker's masked paths … */
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
	"/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/devices/system/cpu/cpu0/thermal_throttle",
	"/sys/firmware",
	/* … those that it makes read-only … */
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
	/* … and others that say or do something about the machine. */
	"/proc/config.gz", "/proc/kallsyms", "/proc/kpagecount", "/proc/mtrr", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
	"/proc/sys/kernel/modprobe", "/proc/sys/net/ipv4/ip_forward", "/proc/vmallocinfo", "/sys", "/sys/class/net", "/sys/fs/cgroup",
	"/sys/kernel/debug", "/sys/kernel/mm", "/sys/kernel/security", "/sys/kernel/tracing", "/sys/kernel/uevent_helper", "/sys/module",
	"/sys/power",
	/* What a program writes to. */
	"/", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/etc", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/tmp",
};

static void outcome(const char *key, bool good)
{
	if (good)
		out_null(key);
	else
		out_string(key, errno_name(errno));
}

/* One entry, or one byte. */
static void content(const char *path, bool directory)
{
	bool empty = true;
	if (directory) {
		DIR *dir = opendir(path);
		outcome("read", dir != NULL);
		if (dir == NULL)
			return;
		for (struct dirent *entry; empty && (entry = readdir(dir)) != NULL;)
			empty = !probe_no_dots(entry);
		closedir(dir);
	} else {
		int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		outcome("read", fd >= 0);
		if (fd < 0)
			return;
		char byte;
		empty = read(fd, &byte, 1) <= 0;
		close(fd);
	}
	out_boolean("empty", empty);
}

static void place(const char *path)
{
	struct stat status;
	if (stat(path, &status) < 0)
		return out_string(path, errno_name(errno));
	bool directory = S_ISDIR(status.st_mode);
	out_begin(path, '{');
	out_string("type", directory ? "dir" : S_ISREG(status.st_mode) ? "file" : "node");
	out_format("mode", "%04o", (unsigned)status.st_mode & 07777);
	/* Asks with the rights in effect and says EROFS for a mount that is read-only. */
	outcome("write", faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0);
	content(path, directory);
	out_end();
}

/* Switches of the network and ipc namespaces that engines set, or forget to. */
static void sysctls(void)
{
	static const char *const names[] = {
		"net/ipv4/ip_forward", "net/ipv4/ip_unprivileged_port_start", "net/ipv4/ping_group_range", "net/ipv6/conf/all/disable_ipv6",
		"net/ipv6/conf/default/disable_ipv6", "kernel/msgmax", "kernel/sem", "kernel/shmall", "kernel/shmmax", "fs/mqueue/queues_max",
		"user/max_user_namespaces",
	};
	out_begin("sysctls", '{');
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[128], text[256];
		snprintf(path, sizeof path, "/proc/sys/%s", names[i]);
		long length = read_text(path, text, sizeof text);
		text[strcspn(text, "\n")] = '\0';
		out_string(names[i], length < 0 ? errno_name((int)-length) : text);
	}
	out_end();
}

void probe_places(void)
{
	out_begin("places", '{');
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		place(places[i]);
	out_end();
	sysctls();
	probe_lines("hosts", "/etc/hosts");
	probe_lines("hostnameFile", "/etc/hostname");
	probe_lines("resolvConf", "/etc/resolv.conf");
}
