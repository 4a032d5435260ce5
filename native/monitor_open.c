/* The MONITOR frame: parse it whole, then open everything that it names, so that an error is an answer and not a surprise after exec. */
#define _GNU_SOURCE
#include "bytes.h"
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define DETACH 1
#define TTY 2
#define KEEP_STDIN 4

struct path {
	const uint8_t *bytes;
	uint16_t length;
};

static struct path take_path(struct cursor *cursor)
{
	struct path path = { .length = take_u16(cursor) };
	path.bytes = take(cursor, path.length);
	return path;
}

static bool is_slot(uint8_t slot)
{
	return slot < SLOTS || slot == NO_SLOT;
}

/* The counter file of a cgroup. The plan itself may make that cgroup, in a batch that comes after MONITOR; then it is opened after exec. */
static int open_oom(struct monitor *monitor, struct path path)
{
	static char name[PATH_MAX];
	if (path.length >= sizeof name)
		return ENAMETOOLONG;
	if (memchr(path.bytes, '\0', path.length) != NULL)
		return EINVAL;
	memcpy(name, path.bytes, path.length);
	name[path.length] = '\0';
	monitor->oom_fd = open(name, O_RDONLY | O_CLOEXEC);
	if (monitor->oom_fd < 0 && errno != ENOENT)
		return errno;
	monitor->oom_path = monitor->oom_fd < 0 ? name : NULL;
	return 0;
}

static int open_all(struct monitor *monitor, struct path log, struct path exit_file, struct path socket, struct path oom,
		    struct path attrs, uint32_t max_size, uint16_t max_files)
{
	int error = 0;
	if (log.length > 0)
		error = log_open(&monitor->log, log.bytes, log.length, max_size, max_files);
	if (error == 0 && attrs.length > 0)
		error = log_describe(&monitor->log, attrs.bytes, attrs.length);
	if (error == 0 && exit_file.length > 0)
		error = place_open(&monitor->exit_file, exit_file.bytes, exit_file.length);
	if (error == 0 && oom.length > 0)
		error = open_oom(monitor, oom);
	/* Last: a socket is the only one of these that others can see. */
	if (error == 0 && socket.length > 0)
		error = listener_open(monitor, socket.bytes, socket.length);
	return error;
}

int monitor_open(struct shim *shim, const uint8_t *body, size_t length)
{
	struct monitor *monitor = monitor_of(shim);
	if (monitor->configured)
		return EALREADY;
	struct cursor cursor = { (uint8_t *)(uintptr_t)body, (uint8_t *)(uintptr_t)body + length, false };
	uint8_t flags = take_u8(&cursor), slot[3];
	for (int i = 0; i < 3; i++)
		slot[i] = take_u8(&cursor);
	uint32_t max_size = take_u32(&cursor);
	uint16_t max_files = take_u16(&cursor);
	struct path log = take_path(&cursor), exit_file = take_path(&cursor), socket = take_path(&cursor), oom = take_path(&cursor);
	struct path attrs = { .length = 0 };
	if (cursor.at != cursor.end) /* clients of before it was there do not send it */
		attrs = take_path(&cursor);
	if (cursor.bad || cursor.at != cursor.end || (flags & ~(DETACH | TTY | KEEP_STDIN)) != 0)
		return EINVAL;
	if (!is_slot(slot[0]) || !is_slot(slot[1]) || !is_slot(slot[2]) || ((flags & TTY) != 0 && slot[1] == NO_SLOT))
		return EINVAL;

	int error = open_all(monitor, log, exit_file, socket, oom, attrs, max_size, max_files);
	if (error != 0) {
		listener_close(monitor);
		place_close(&monitor->exit_file);
		log_close(&monitor->log);
		if (monitor->oom_fd >= 0)
			close(monitor->oom_fd);
		monitor->oom_fd = -1;
		monitor->oom_path = NULL;
		return error;
	}
	monitor->detach = (flags & DETACH) != 0;
	monitor->tty = (flags & TTY) != 0;
	monitor->keep_stdin = (flags & KEEP_STDIN) != 0;
	memcpy(monitor->slot, slot, sizeof slot);
	monitor->configured = true;
	return 0;
}
