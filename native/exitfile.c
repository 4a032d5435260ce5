/* The last word about a container, for whoever asks when no shim is left: a file that is there whole or not at all. */
#define _GNU_SOURCE
#include "monitor.h"
#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool oom_was_killed(struct monitor *monitor)
{
	if (monitor->oom_fd < 0 && monitor->oom_path != NULL)
		monitor->oom_fd = open(monitor->oom_path, O_RDONLY | O_CLOEXEC);
	if (monitor->oom_fd < 0)
		return false;
	char text[512]; /* memory.events has six short lines, memory.oom_control three */
	ssize_t n = pread(monitor->oom_fd, text, sizeof text - 1, 0);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, "oom_kill ", 9) == 0)
			return strtoull(line + 9, NULL, 10) > 0;
	}
	return false;
}

static int describe(const struct monitor *monitor, char *text, size_t size)
{
	char started[TIMESTAMP_SIZE], finished[TIMESTAMP_SIZE], lost[48] = "";
	int signal = WIFSIGNALED(monitor->status) ? WTERMSIG(monitor->status) : 0;
	const struct rusage *usage = &monitor->usage;
	timestamp_format(started, monitor->started);
	timestamp_format(finished, monitor->finished);
	if (monitor->log.errors > 0)
		snprintf(lost, sizeof lost, ",\"logErrors\":%llu", (unsigned long long)monitor->log.errors);
	return snprintf(text, size,
			"{\"exitCode\":%d,\"signal\":%d,\"oomKilled\":%s,\"startedAt\":\"%s\",\"finishedAt\":\"%s\","
			"\"maxRssKiB\":%ld,\"userMicros\":%lld,\"systemMicros\":%lld%s}\n",
			signal > 0 ? 128 + signal : WEXITSTATUS(monitor->status), signal, monitor->oom_killed ? "true" : "false", started,
			finished, usage->ru_maxrss, (long long)usage->ru_utime.tv_sec * 1000000 + usage->ru_utime.tv_usec,
			(long long)usage->ru_stime.tv_sec * 1000000 + usage->ru_stime.tv_usec, lost);
}

static bool write_whole(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, text, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		text += done;
		n -= (size_t)done;
	}
	return true;
}

bool exit_file_write(struct monitor *monitor)
{
	const struct place *place = &monitor->exit_file;
	char text[512], temporary[32];
	if (place->dir < 0)
		return false;
	int length = describe(monitor, text, sizeof text);
	/* The number makes the name this shim's own; the directory is the container's, so nobody else writes there. */
	snprintf(temporary, sizeof temporary, ".exit-%ld.new", (long)getpid());
	int fd = openat(place->dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	bool ok = write_whole(fd, text, (size_t)length) && fsync(fd) == 0;
	ok = close(fd) == 0 && ok;
	ok = ok && renameat(place->dir, temporary, place->dir, place->name) == 0;
	if (!ok)
		unlinkat(place->dir, temporary, 0);
	else
		fsync(place->dir); /* the name too; where directories cannot be synced it is there all the same */
	return ok;
}
