/* JSON for the probe. */
#define _GNU_SOURCE
#include "probe.h"
#include "json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_ERRORS 32

static struct {
	char bytes[64 << 10];
	size_t length;
	bool failed;
	int depth;
	char closing[8];
	bool empty[8];
	struct {
		const char *key;
		int error;
	} errors[MOST_ERRORS];
	int error_count;
} out;

static void flush(void)
{
	for (size_t done = 0; done < out.length && !out.failed;) {
		ssize_t n = write(STDOUT_FILENO, out.bytes + done, out.length - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			out.failed = true;
	}
	out.length = 0;
}

static void put(const char *text, size_t n)
{
	while (n > 0) {
		size_t room = sizeof out.bytes - out.length, part = n < room ? n : room;
		memcpy(out.bytes + out.length, text, part);
		out.length += part;
		text += part;
		n -= part;
		if (out.length == sizeof out.bytes)
			flush();
	}
}

static void put_quoted(const void *bytes, size_t n)
{
	uint8_t escaped[JSON_ESCAPED_MAX(256)];
	put("\"", 1);
	while (n > 0) {
		/* A character must not be cut in two: each half would be shown as a wrong one. */
		size_t part = n > 256 ? json_whole_characters(bytes, 256) : n;
		put((const char *)escaped, json_escape(escaped, bytes, part));
		bytes = (const uint8_t *)bytes + part;
		n -= part;
	}
	put("\"", 1);
}

static void begin_value(const char *key)
{
	if (out.depth > 0 && !out.empty[out.depth - 1])
		put(",\n", out.depth == 1 ? 2 : 1);
	if (out.depth > 0)
		out.empty[out.depth - 1] = false;
	if (key != NULL) {
		put_quoted(key, strlen(key));
		put(":", 1);
	}
}

void out_begin(const char *key, char bracket)
{
	begin_value(key);
	put(&bracket, 1);
	out.closing[out.depth] = bracket == '{' ? '}' : ']';
	out.empty[out.depth++] = true;
}

void out_end(void)
{
	put(&out.closing[--out.depth], 1);
}

void out_bytes(const char *key, const void *bytes, size_t n)
{
	begin_value(key);
	put_quoted(bytes, n);
}

void out_string(const char *key, const char *text)
{
	out_bytes(key, text, strlen(text));
}

void out_integer(const char *key, int64_t value)
{
	char text[24];
	begin_value(key);
	put(text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value));
}

void out_boolean(const char *key, bool value)
{
	begin_value(key);
	put(value ? "true" : "false", value ? 4 : 5);
}

void out_null(const char *key)
{
	begin_value(key);
	put("null", 4);
}

void out_format(const char *key, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	out_string(key, text);
}

void out_failed(const char *key, int error)
{
	out_null(key);
	if (out.error_count < MOST_ERRORS) {
		out.errors[out.error_count].key = key;
		out.errors[out.error_count++].error = error;
	}
}

bool out_finish(void)
{
	out_begin("errors", '{');
	for (int i = 0; i < out.error_count; i++)
		out_string(out.errors[i].key, errno_name(out.errors[i].error));
	out_end();
	out_end();
	put("\n", 1);
	flush();
	return !out.failed;
}

const char *errno_name(int error)
{
#define NAME(error) [error] = #error
	static const char *const names[] = {
		NAME(EPERM), NAME(ENOENT), NAME(ESRCH), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(E2BIG), NAME(ENOEXEC), NAME(EBADF),
		NAME(ECHILD), NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EFAULT), NAME(ENOTBLK), NAME(EBUSY), NAME(EEXIST), NAME(EXDEV),
		NAME(ENODEV), NAME(ENOTDIR), NAME(EISDIR), NAME(EINVAL), NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY), NAME(ETXTBSY), NAME(EFBIG),
		NAME(ENOSPC), NAME(ESPIPE), NAME(EROFS), NAME(EMLINK), NAME(EPIPE), NAME(EDOM), NAME(ERANGE), NAME(EDEADLK), NAME(ENAMETOOLONG),
		NAME(ENOLCK), NAME(ENOSYS), NAME(ENOTEMPTY), NAME(ELOOP), NAME(ENODATA), NAME(EPROTO), NAME(EBADMSG), NAME(EOVERFLOW),
		NAME(EUSERS), NAME(ENOTSOCK), NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT), NAME(EOPNOTSUPP), NAME(EPFNOSUPPORT),
		NAME(EAFNOSUPPORT), NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(ENETDOWN), NAME(ENETUNREACH), NAME(ENOBUFS), NAME(ETIMEDOUT),
		NAME(ECONNREFUSED), NAME(EALREADY), NAME(ESTALE), NAME(EDQUOT), NAME(ENOKEY), NAME(EKEYEXPIRED), NAME(EKEYREVOKED),
		NAME(EKEYREJECTED), NAME(EOWNERDEAD), NAME(ENOTRECOVERABLE),
	};
#undef NAME
	static char number[24];
	if (error >= 0 && (size_t)error < sizeof names / sizeof *names && names[error] != NULL)
		return names[error];
	snprintf(number, sizeof number, "errno %d", error);
	return number;
}
