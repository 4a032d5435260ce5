/* What the kernel shows of a process as files. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char text[256 << 10]; /* mountinfo of a busy host has some hundred lines */

long read_text(const char *path, char *into, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size_t length = 0;
	ssize_t n = 0;
	while (length < size - 1 && (n = read(fd, into + length, size - 1 - length)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		length += (size_t)n;
	}
	long result = n < 0 ? -errno : (long)length;
	close(fd);
	into[length] = '\0';
	return result;
}

/* The whole argv as execve got it, this program's own name included. */
void probe_arguments(void)
{
	long length = read_text("/proc/self/cmdline", text, sizeof text);
	if (length < 0)
		return out_failed("argv", (int)-length);
	out_begin("argv", '[');
	for (char *at = text; at < text + length; at += strlen(at) + 1)
		out_string(NULL, at);
	out_end();
}

/* The value of a line "Name:\tvalue" in /proc/self/status, up to its end; NULL: this kernel has no such line. */
static char *status_line(char *status, const char *name, char **end)
{
	size_t length = strlen(name);
	for (char *line = status; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ':') {
			char *value = line + length + 1;
			*end = strchrnul(value, '\n');
			return value + strspn(value, " \t");
		}
	}
	return NULL;
}

static void status_integer(char *status, const char *key, const char *name)
{
	char *end, *value = status_line(status, name, &end);
	if (value == NULL)
		out_null(key);
	else
		out_integer(key, strtoll(value, NULL, 10));
}

static void status_mask(char *status, const char *key, const char *name)
{
	char *end, *value = status_line(status, name, &end);
	if (value == NULL)
		out_null(key);
	else
		out_bytes(key, value, (size_t)(end - value));
}

void probe_status(void)
{
	static char status[8192];
	long length = read_text("/proc/self/status", status, sizeof status);
	if (length < 0)
		return out_failed("status", (int)-length);
	status_integer(status, "seccomp", "Seccomp");
	status_integer(status, "seccompFilters", "Seccomp_filters");
	out_begin("nsPid", '[');
	char *end, *value = status_line(status, "NSpid", &end);
	while (value != NULL && value < end) {
		out_integer(NULL, strtoll(value, &value, 10));
		value += strspn(value, " \t");
	}
	out_end();
	out_begin("signals", '{');
	status_mask(status, "blocked", "SigBlk");
	status_mask(status, "ignored", "SigIgn");
	status_mask(status, "caught", "SigCgt");
	out_end();
}

void probe_lines(const char *key, const char *path)
{
	long length = read_text(path, text, sizeof text);
	if (length < 0)
		return out_failed(key, (int)-length);
	out_begin(key, '[');
	for (char *line = text, *end; line < text + length; line = end + 1) {
		end = strchrnul(line, '\n');
		out_bytes(NULL, line, (size_t)(end - line));
	}
	out_end();
}

int probe_by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

int probe_no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

const char *probe_link_target(const char *dir, const char *name)
{
	static char target[4097];
	char path[512];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	ssize_t n = readlink(path, target, sizeof target - 1);
	target[n < 0 ? 0 : n] = '\0';
	return n < 0 ? NULL : target;
}

static void namespaces(void)
{
	struct dirent **list;
	int count = scandir("/proc/self/ns", &list, probe_no_dots, probe_by_name);
	if (count < 0)
		return out_failed("namespaces", errno);
	out_begin("namespaces", '{');
	for (int i = 0; i < count; i++) {
		const char *target = probe_link_target("/proc/self/ns", list[i]->d_name);
		if (target == NULL)
			out_null(list[i]->d_name);
		else
			out_string(list[i]->d_name, target);
		free(list[i]);
	}
	free(list);
	out_end();
}

void probe_files(void)
{
	namespaces();
	long length = read_text("/proc/self/oom_score_adj", text, sizeof text);
	if (length < 0)
		out_failed("oomScoreAdj", (int)-length);
	else
		out_integer("oomScoreAdj", strtoll(text, NULL, 10));
	probe_lines("mountinfo", "/proc/self/mountinfo");
	probe_lines("cgroup", "/proc/self/cgroup");
	probe_lines("uidMap", "/proc/self/uid_map");
	probe_lines("gidMap", "/proc/self/gid_map");
}

void probe_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return out_failed("fds", errno);
	out_begin("fds", '[');
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		int fd = atoi(entry->d_name);
		if (!probe_no_dots(entry) || fd == dirfd(dir))
			continue;
		out_begin(NULL, '{');
		out_integer("fd", fd);
		const char *target = probe_link_target("/proc/self/fd", entry->d_name);
		out_string("target", target != NULL ? target : "");
		out_boolean("cloexec", (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		out_integer("flags", fcntl(fd, F_GETFL));
		out_end();
	}
	out_end();
	closedir(dir);
}

const char *probe_type(unsigned mode)
{
	return S_ISCHR(mode) ? "char" : S_ISBLK(mode) ? "block" : S_ISDIR(mode) ? "dir" : S_ISLNK(mode) ? "link" : S_ISREG(mode) ? "file"
	       : S_ISFIFO(mode) ? "fifo" : "socket";
}
