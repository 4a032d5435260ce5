#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shim.h"

/* A stream that somebody has set to O_NONBLOCK is waited for: its flags belong to everybody who has it open. */
static bool try_again(int fd, short events)
{
	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	struct pollfd ready = { .fd = fd, .events = events };
	return poll(&ready, 1, -1) >= 0 || errno == EINTR;
}

bool write_all(int fd, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	while (length) {
		ssize_t n = send(fd, at, length, MSG_NOSIGNAL);
		if (n < 0) {
			if (!try_again(fd, POLLOUT))
				return false;
			continue;
		}
		at += n;
		length -= (size_t)n;
	}
	return true;
}

int read_all(int fd, void *bytes, size_t length)
{
	uint8_t *at = bytes;
	while (length) {
		ssize_t n = read(fd, at, length);
		if (n == 0)
			return 0;
		if (n < 0) {
			if (!try_again(fd, POLLIN))
				return -1;
			continue;
		}
		at += n;
		length -= (size_t)n;
	}
	return 1;
}

int read_frame(int fd, uint8_t *type, struct buffer *body)
{
	uint8_t header[5];
	int got = read_all(fd, header, sizeof header);
	if (got != 1)
		return got;
	uint32_t length;
	memcpy(&length, header, sizeof length);
	if (length < 1 || length > LONGEST_FRAME)
		return -2;
	*type = header[4];
	body->length = 0;
	if (!buffer_reserve(body, length - 1))
		return -3;
	body->length = length - 1;
	return body->length ? read_all(fd, body->data, body->length) : 1;
}

bool send_frame(int fd, uint8_t type, const void *body, size_t length)
{
	uint32_t size = (uint32_t)length + 1;
	uint8_t header[5];
	memcpy(header, &size, sizeof size);
	header[4] = type;
	struct iovec parts[2] = { { header, sizeof header }, { (void *)(uintptr_t)body, length } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = length ? 2 : 1 };
	ssize_t n;
	while ((n = sendmsg(fd, &message, MSG_NOSIGNAL)) < 0)
		if (!try_again(fd, POLLOUT))
			return false;
	size_t sent = (size_t)n;
	if (sent < sizeof header) {
		if (!write_all(fd, header + sent, sizeof header - sent))
			return false;
		sent = sizeof header;
	}
	return !length || write_all(fd, (const uint8_t *)body + (sent - sizeof header), length - (sent - sizeof header));
}

bool send_error(int fd, enum refusal code, const char *text)
{
	uint8_t body[256];
	size_t length = strnlen(text, sizeof body - 1);
	body[0] = (uint8_t)code;
	memcpy(body + 1, text, length);
	return send_frame(fd, ERROR_TEXT, body, length + 1);
}

void exit_body(uint8_t body[EXIT_BODY], int status, uint64_t ns, const struct rusage *usage, bool oom_killed)
{
	int32_t wait_status = status;
	uint64_t rss = (uint64_t)usage->ru_maxrss;
	uint64_t user = (uint64_t)usage->ru_utime.tv_sec * 1000000u + (uint64_t)usage->ru_utime.tv_usec;
	uint64_t system = (uint64_t)usage->ru_stime.tv_sec * 1000000u + (uint64_t)usage->ru_stime.tv_usec;
	memcpy(body, &wait_status, 4);
	memcpy(body + 4, &ns, 8);
	memcpy(body + 12, &rss, 8);
	memcpy(body + 20, &user, 8);
	memcpy(body + 28, &system, 8);
	body[36] = oom_killed;
}
