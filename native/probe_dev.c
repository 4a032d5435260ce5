/* /dev: each node, two directories deep (/dev/pts/0, /dev/net/tun), and whether the harmless ones can be opened. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* null, zero, full, random, urandom and tty: opening another one may do something (a watchdog begins to count). */
static bool is_harmless(const struct stat *status)
{
	unsigned number = minor(status->st_rdev);
	if (!S_ISCHR(status->st_mode))
		return false;
	return (major(status->st_rdev) == 1 && (number == 3 || number == 5 || number == 7 || number == 8 || number == 9)) ||
	       (major(status->st_rdev) == 5 && number == 0);
}

static void opened(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return out_null("open");
	}
	out_string("open", errno_name(errno));
}

static void node(const char *directory, const char *name, int depth);

static void nodes(const char *directory, int depth)
{
	struct dirent **list;
	int count = scandir(directory, &list, probe_no_dots, probe_by_name);
	if (count < 0 && depth == 0)
		return out_failed("dev", errno);
	if (depth == 0)
		out_begin("dev", '[');
	for (int i = 0; i < count; i++) {
		node(directory, list[i]->d_name, depth);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
	if (depth == 0)
		out_end();
}

static void node(const char *directory, const char *name, int depth)
{
	char path[512];
	struct stat status;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path || lstat(path, &status) < 0)
		return;
	out_begin(NULL, '{');
	out_string("name", path + strlen("/dev/"));
	out_string("type", probe_type(status.st_mode));
	out_format("mode", "%04o", (unsigned)status.st_mode & 07777);
	out_integer("uid", status.st_uid);
	out_integer("gid", status.st_gid);
	if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
		out_format("device", "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	if (is_harmless(&status))
		opened(path);
	const char *target = S_ISLNK(status.st_mode) ? probe_link_target(directory, name) : NULL;
	if (target != NULL)
		out_string("target", target);
	out_end();
	if (S_ISDIR(status.st_mode) && depth < 1)
		nodes(path, depth + 1);
}

void probe_devices(void)
{
	nodes("/dev", 0);
}
