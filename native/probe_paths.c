/* `--path PATH`: how a path looks from inside, as often as it is given. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MOST_BYTES 1024

/* The beginning of a regular file; devices and pipes might keep us waiting. */
static void content(const char *path)
{
	char bytes[MOST_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	if (n < 0)
		out_string("unreadable", errno_name(errno));
	else
		out_bytes("content", bytes, (size_t)n);
	if (fd >= 0)
		close(fd);
}

static void entries(const char *path)
{
	struct dirent **list;
	int count = scandir(path, &list, probe_no_dots, probe_by_name);
	if (count < 0) {
		out_string("unreadable", errno_name(errno));
		return;
	}
	out_begin("entries", '[');
	for (int i = 0; i < count; i++)
		out_string(NULL, list[i]->d_name);
	out_end();
}

static void look(const char *path)
{
	struct stat status;
	struct statfs fs;
	char target[4096];
	out_begin(path, '{');
	if (lstat(path, &status) < 0) {
		out_string("error", errno_name(errno));
		out_end();
		return;
	}
	ssize_t n = readlink(path, target, sizeof target);
	if (n >= 0)
		out_bytes("target", target, (size_t)n);
	out_string("type", probe_type(status.st_mode));
	out_format("mode", "%04o", (unsigned)status.st_mode & 07777);
	out_integer("uid", status.st_uid);
	out_integer("gid", status.st_gid);
	if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
		out_format("device", "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	if (statfs(path, &fs) == 0) {
		out_format("fileSystem", "%lx", (unsigned long)fs.f_type);
		out_integer("bytes", (int64_t)fs.f_blocks * fs.f_bsize);
	}
	/* "EROFS" on a read-only mount, whoever asks. */
	out_string("write", faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? "allowed" : errno_name(errno));
	if (S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))
		content(path);
	if (S_ISDIR(status.st_mode))
		entries(path);
	if (S_ISCHR(status.st_mode)) {
		int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		out_string("open", fd >= 0 ? "allowed" : errno_name(errno));
		if (fd >= 0)
			close(fd);
	}
	out_end();
}

void probe_paths(int count, char **paths)
{
	if (count == 0)
		return;
	out_begin("paths", '{');
	for (int i = 0; i < count; i++)
		look(paths[i]);
	out_end();
}
