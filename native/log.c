/* The json-file log. Entries are collected in a batch and written together; a file is rotated between two entries, before the one that
 * would be written to a file which has reached its size (moby, loggerutils/logfile.go), so a file passes the limit by less than an
 * entry. A disk that is full, or a log that somebody made unwritable, loses entries and is counted; it never stops the container. */
#define _GNU_SOURCE
#include "log.h"
#include "json.h"
#include "queue.h"
#include "timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Longer lines are cut into entries of this length, of which only the last one ends in \n (moby, logger/copier.go). */
#define LINE_MAX_BYTES ((size_t)16 << 10)
/* What describes the container in every entry. */
#define ATTRS_MAX_BYTES ((size_t)16 << 10)
#define BATCH_SIZE ((size_t)256 << 10)

static const char entry_start[] = "{\"log\":\"";

/* One shim writes one log; zero pages cost nothing until they are touched. */
static struct {
	uint8_t bytes[BATCH_SIZE];
	size_t length;
} batch;
static struct {
	uint8_t bytes[LINE_MAX_BYTES];
	size_t length;
} line[2];

/* `,"attrs":…`: the same for all entries of this log. */
static const char attrs_start[] = ",\"attrs\":";
static uint8_t attrs[sizeof attrs_start - 1 + ATTRS_MAX_BYTES];

int log_open(struct log *log, const uint8_t *path, size_t n, uint64_t max_size, unsigned max_files)
{
	struct stat status;
	*log = (struct log){.fd = -1, .max_size = max_size, .max_files = max_files};
	int error = place_open(&log->place, path, n);
	if (error != 0)
		return error;
	log->fd = openat(log->place.dir, log->place.name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (log->fd < 0 || fstat(log->fd, &status) < 0) {
		error = errno;
		log_close(log);
		return error;
	}
	log->size = (uint64_t)status.st_size;
	return 0;
}

int log_describe(struct log *log, const uint8_t *json, size_t n)
{
	if (n > ATTRS_MAX_BYTES)
		return E2BIG;
	/* An entry is a line. */
	if (memchr(json, '\n', n) != NULL)
		return EINVAL;
	memcpy(attrs, attrs_start, sizeof attrs_start - 1);
	memcpy(attrs + sizeof attrs_start - 1, json, n);
	log->described = sizeof attrs_start - 1 + n;
	return 0;
}

static size_t entries_in(const uint8_t *bytes, size_t n)
{
	size_t count = 0;
	const uint8_t *end = bytes + n;
	while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		count++;
		bytes++;
	}
	return count;
}

/* Take the last n bytes off the file. Its size is asked for: people truncate logs by hand. */
static void cut_end(struct log *log, size_t n)
{
	struct stat status;
	if (fstat(log->fd, &status) < 0 || status.st_size < (off_t)n || ftruncate(log->fd, status.st_size - (off_t)n) < 0)
		log->errors++;
}

void log_flush(struct log *log)
{
	size_t done = 0;
	while (done < batch.length) {
		ssize_t n = write(log->fd, batch.bytes + done, batch.length - done);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* The entry that was cut in half goes too, so that the file remains lines of JSON. Entries hold no bare newline. */
		const uint8_t *newline = done > 0 ? memrchr(batch.bytes, '\n', done) : NULL;
		size_t whole = newline == NULL ? 0 : (size_t)(newline - batch.bytes) + 1;
		if (whole < done)
			cut_end(log, done - whole);
		log->errors += entries_in(batch.bytes + whole, batch.length - whole);
		done = whole;
		break;
	}
	log->size += done;
	batch.length = 0;
}

/* "name.7"; false when it is longer than a name may be. */
static bool numbered(const struct log *log, unsigned number, char name[NAME_MAX + 1])
{
	return snprintf(name, NAME_MAX + 1, "%s.%u", log->place.name, number) <= NAME_MAX;
}

/* name → name.1 → name.2 …; the last one that is allowed is replaced by the one before it. */
static bool shift_files(const struct log *log)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	if (log->max_files == 1)
		/* Not truncated: whoever is reading it keeps the file that he has opened. */
		return unlinkat(log->place.dir, log->place.name, 0) == 0 || errno == ENOENT;
	unsigned last = log->max_files - 1;
	if (log->max_files == 0)
		for (last = 1; numbered(log, last, to) && faccessat(log->place.dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0; last++)
			;
	for (unsigned i = last; i > 1; i--)
		if (!numbered(log, i, to) || !numbered(log, i - 1, from) ||
		    (renameat(log->place.dir, from, log->place.dir, to) < 0 && errno != ENOENT))
			return false;
	return numbered(log, 1, to) && renameat(log->place.dir, log->place.name, log->place.dir, to) == 0;
}

static void rotate(struct log *log)
{
	int fd = shift_files(log)
	           ? openat(log->place.dir, log->place.name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640)
	           : -1;
	/* If it cannot be rotated the old file goes on (under whatever name it now has), and the next try is a whole size later. */
	if (fd < 0) {
		log->errors++;
	} else {
		close(log->fd);
		log->fd = fd;
	}
	log->size = 0;
}

/* The part of an entry behind the text; the same for all lines that one read has brought. */
struct tail {
	size_t length, attrs_at; /* attrs_at: where they go between */
	char bytes[96]; /* starts with the \n, which a piece of a longer line leaves out */
};

static void make_tail(struct tail *tail, int stream)
{
	struct timespec now;
	char at[TIMESTAMP_SIZE];
	clock_gettime(CLOCK_REALTIME, &now);
	timestamp_format(at, now);
	tail->attrs_at = (size_t)snprintf(tail->bytes, sizeof tail->bytes, "\\n\",\"stream\":\"%s\"", stream == 1 ? "stdout" : "stderr");
	tail->length = tail->attrs_at + (size_t)snprintf(tail->bytes + tail->attrs_at, sizeof tail->bytes - tail->attrs_at,
	                                                 ",\"time\":\"%s\"}\n", at);
}

static void add_entry(struct log *log, const struct tail *tail, const uint8_t *text, size_t n, bool whole_line)
{
	if (batch.length + sizeof entry_start + JSON_ESCAPED_MAX(n) + log->described + tail->length > BATCH_SIZE)
		log_flush(log);
	if (log->max_size > 0 && log->size + batch.length >= log->max_size) {
		log_flush(log);
		if (log->size >= log->max_size) /* the flush may have lost entries */
			rotate(log);
	}
	uint8_t *out = batch.bytes + batch.length;
	memcpy(out, entry_start, sizeof entry_start - 1);
	out += sizeof entry_start - 1;
	out += json_escape(out, text, n);
	size_t skip = whole_line ? 0 : 2;
	memcpy(out, tail->bytes + skip, tail->attrs_at - skip);
	out += tail->attrs_at - skip;
	memcpy(out, attrs, log->described);
	out += log->described;
	memcpy(out, tail->bytes + tail->attrs_at, tail->length - tail->attrs_at);
	batch.length = (size_t)(out - batch.bytes) + tail->length - tail->attrs_at;
}

void log_append(struct log *log, int stream, const uint8_t *bytes, size_t n)
{
	struct tail tail;
	uint8_t *held = line[stream - 1].bytes;
	size_t *length = &line[stream - 1].length;
	make_tail(&tail, stream);
	while (n > 0) {
		size_t room = LINE_MAX_BYTES - *length;
		size_t span = n < room ? n : room;
		const uint8_t *newline = memchr(bytes, '\n', span);
		size_t taken = newline == NULL ? span : (size_t)(newline - bytes);
		const uint8_t *text = bytes;
		size_t text_length = taken;
		if (*length > 0 || (newline == NULL && span < room)) { /* otherwise the text is all in one place already */
			memcpy(held + *length, bytes, taken);
			*length += taken;
			text = held;
			text_length = *length;
		}
		if (newline != NULL) {
			add_entry(log, &tail, text, text_length, true);
			*length = 0;
			taken++;
		} else if (text_length == LINE_MAX_BYTES) {
			/* Docker cuts at this very byte and turns a character that lies across it into U+FFFD; that loses text, so we cut before it. */
			size_t cut = json_whole_characters(text, text_length);
			add_entry(log, &tail, text, cut, false);
			memmove(held, text + cut, text_length - cut);
			*length = text_length - cut;
		}
		bytes += taken;
		n -= taken;
	}
}

void log_end_stream(struct log *log, int stream)
{
	size_t *length = &line[stream - 1].length;
	if (*length == 0)
		return;
	struct tail tail;
	make_tail(&tail, stream);
	add_entry(log, &tail, line[stream - 1].bytes, *length, false);
	*length = 0;
}

void log_close(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	place_close(&log->place);
}

void log_trim(void)
{
	if (batch.length == 0)
		release_pages(batch.bytes, sizeof batch.bytes);
}
