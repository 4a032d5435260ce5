/* The client's side of a shim and of a monitor. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

void put_all(int fd, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	while (n > 0) {
		ssize_t done = write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		CHECK(done > 0);
		at += done;
		n -= (size_t)done;
	}
}

void put_frame(int fd, uint8_t type, const void *body, size_t length)
{
	CHECK(send_frame(fd, type, body, length));
}

static size_t get_all(int fd, uint8_t *into, size_t n)
{
	size_t done = 0;
	while (done < n) {
		ssize_t part = read(fd, into + done, n - done);
		if (part < 0 && errno == EINTR)
			continue;
		CHECK(part >= 0);
		if (part == 0)
			break;
		done += (size_t)part;
	}
	return done;
}

bool get_frame(int fd, struct frame *frame)
{
	static uint8_t *body;
	static size_t room;
	uint8_t head[5];
	uint32_t length;
	size_t got = get_all(fd, head, sizeof head);
	if (got == 0)
		return false;
	CHECK(got == sizeof head, "a frame's head ends after %zu bytes", got);
	memcpy(&length, head, 4);
	CHECK(length >= 1 && length <= LONGEST_FRAME, "length %u", length);
	if (length > room) {
		body = realloc(body, length);
		room = length;
	}
	frame->type = head[4];
	frame->length = length - 1;
	frame->body = body;
	CHECK(get_all(fd, body, length - 1) == length - 1);
	return true;
}

struct frame expect_frame(int fd, uint8_t type)
{
	struct frame frame;
	CHECK(get_frame(fd, &frame), "the stream ended instead of a frame %#x", type);
	CHECK(frame.type == type, "frame %#x (\"%.*s\") instead of %#x", frame.type, frame.type == ERROR_TEXT ? (int)frame.length - 1 : 0,
	      (char *)frame.body + 1, type);
	return frame;
}

int expect_exit(int fd)
{
	struct frame frame;
	do
		CHECK(get_frame(fd, &frame), "the stream ended before EXIT");
	while (frame.type != EXIT_STATUS);
	CHECK(frame.length == EXIT_BODY);
	int32_t status;
	memcpy(&status, frame.body, 4);
	return status;
}

int expect_exit_and_end(int fd)
{
	struct frame frame;
	int status = expect_exit(fd);
	expect_frame(fd, ENDED);
	CHECK(!get_frame(fd, &frame));
	return status;
}

int connect_to_monitor(const struct run *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, in_dir(run, "sock"));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

int attach(const struct run *run, uint8_t flags)
{
	int fd = connect_to_monitor(run);
	put_frame(fd, ATTACH, &flags, 1);
	return fd;
}

int control(const struct run *run)
{
	int fd = connect_to_monitor(run);
	put_frame(fd, CONTROL, NULL, 0);
	struct frame hello = expect_frame(fd, HELLO);
	uint32_t says[2];
	CHECK(hello.length == sizeof says);
	memcpy(says, hello.body, sizeof says);
	CHECK(says[0] == PROTOCOL_VERSION && says[1] == (uint32_t)run->shim);
	return fd;
}

char *slurp(const char *path, size_t *length)
{
	static char *text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (fd < 0)
		return NULL;
	CHECK(fstat(fd, &status) == 0);
	text = realloc(text, (size_t)status.st_size + 1);
	*length = get_all(fd, (uint8_t *)text, (size_t)status.st_size);
	text[*length] = '\0';
	close(fd);
	return text;
}
