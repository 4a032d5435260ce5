/* JSON escaping, timestamps, queues and the log file, compared with slow and obvious versions of the same. */
#define _GNU_SOURCE
#include "../json.h"
#include "../log.h"
#include "../queue.h"
#include "../timestamp.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static unsigned turn = 1;

static unsigned any(unsigned below)
{
	turn = turn * 1103515245 + 12345;
	return (turn >> 8) % below;
}

/* --- escaping ------------------------------------------------------------------------------------------------------------------------- */

/* A code point and how many bytes it takes; -1 and 1 for a byte that begins none. By the table of RFC 3629, section 4. */
static int decode(const uint8_t *s, size_t n, size_t *took)
{
	static const struct {
		uint8_t first, last, low, high;
		int more;
	} rows[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 1 }, { 0xe0, 0xe0, 0xa0, 0xbf, 2 }, { 0xe1, 0xec, 0x80, 0xbf, 2 }, { 0xed, 0xed, 0x80, 0x9f, 2 },
		{ 0xee, 0xef, 0x80, 0xbf, 2 }, { 0xf0, 0xf0, 0x90, 0xbf, 3 }, { 0xf1, 0xf3, 0x80, 0xbf, 3 }, { 0xf4, 0xf4, 0x80, 0x8f, 3 },
	};
	*took = 1;
	if (s[0] < 0x80)
		return s[0];
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		if (s[0] < rows[r].first || s[0] > rows[r].last)
			continue;
		if ((size_t)rows[r].more >= n || s[1] < rows[r].low || s[1] > rows[r].high)
			return -1;
		int code = s[0] & (0x3f >> rows[r].more);
		for (int i = 1; i <= rows[r].more; i++) {
			if (s[i] < 0x80 || s[i] > 0xbf)
				return -1;
			code = code << 6 | (s[i] & 0x3f);
		}
		*took = (size_t)rows[r].more + 1;
		return code;
	}
	return -1;
}

static size_t slow_escape(char *out, const uint8_t *in, size_t n)
{
	char *start = out;
	for (size_t i = 0, took; i < n; i += took) {
		int code = decode(in + i, n - i, &took);
		if (code == '\n')
			out += sprintf(out, "\\n");
		else if (code == '\r')
			out += sprintf(out, "\\r");
		else if (code == '"' || code == '\\')
			out += sprintf(out, "\\%c", code);
		else if (code < 0)
			out += sprintf(out, "\\ufffd");
		else if (code < 0x20 || code == '<' || code == '>' || code == '&' || code == 0x2028 || code == 0x2029)
			out += sprintf(out, "\\u%04x", (unsigned)code);
		else {
			memcpy(out, in + i, took);
			out += took;
		}
	}
	return (size_t)(out - start);
}

/* Text of a random kind: plain, with quotes, UTF-8 of all lengths, or any bytes. */
static size_t make_text(uint8_t *into, size_t n)
{
	static const char *const pieces[] = {
		"ä", "€", "😀", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaa", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", "\xf0\x9f\x98", "\xe2\x82",
		"\"", "\\", "<&>", "\t", "\x1b[0m", "\x7f", "\r", "\b\f", "\xef\xbf\xbd", "\x01", "a", "the end ", "\xf0\x90\x80\x80", "\xe0\xa0\x80",
	};
	size_t length = 0;
	unsigned kind = any(4);
	while (length < n) {
		if (kind == 0 || (kind == 1 && any(20) > 0)) {
			into[length++] = (uint8_t)(0x20 + any(0x5f));
		} else if (kind == 3) {
			into[length++] = (uint8_t)any(256);
		} else {
			const char *piece = pieces[any(sizeof pieces / sizeof *pieces)];
			size_t part = strlen(piece);
			if (length + part > n)
				part = n - length;
			memcpy(into + length, piece, part);
			length += part;
		}
	}
	return length;
}

static void escape(void)
{
	static uint8_t in[600], out[JSON_ESCAPED_MAX(sizeof in)];
	static char expected[JSON_ESCAPED_MAX(sizeof in)];
	for (int i = 0; i < 60000; i++) {
		uint8_t *copy;
		size_t n = make_text(in, any(i % 4 == 0 ? sizeof in : 40));
		/* At the very end of an allocation, so that reading too far is seen by the sanitizer. */
		copy = malloc(n + 1);
		memcpy(copy + 1, in, n);
		memset(out, 0xee, sizeof out);
		size_t length = json_escape(out, copy + 1, n), slow = slow_escape(expected, in, n);
		CHECK(length == slow && memcmp(out, expected, slow) == 0, "\"%.*s\" instead of \"%.*s\"", (int)length, out, (int)slow, expected);
		CHECK(JSON_ESCAPED_MAX(n) == sizeof out || out[JSON_ESCAPED_MAX(n)] == 0xee, "it wrote further than it says");
		free(copy);
	}
}

static void escape_each_byte(void)
{
	char expected[64];
	uint8_t out[JSON_ESCAPED_MAX(33)], in[33];
	for (int byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < sizeof in; at++) {
			memset(in, 'x', sizeof in);
			in[at] = (uint8_t)byte;
			size_t length = json_escape(out, in, sizeof in), slow = slow_escape(expected, in, sizeof in);
			CHECK(length == slow && memcmp(out, expected, slow) == 0, "byte %02x at %zu", byte, at);
		}
}

static void whole_characters(void)
{
	CHECK(json_whole_characters((const uint8_t *)"abc", 3) == 3);
	CHECK(json_whole_characters((const uint8_t *)"ab\xc3\xa4", 4) == 4);
	CHECK(json_whole_characters((const uint8_t *)"ab\xc3", 3) == 2);
	CHECK(json_whole_characters((const uint8_t *)"ab\xf0\x9f\x98", 5) == 2);
	CHECK(json_whole_characters((const uint8_t *)"ab\xf0\x9f\x98\x80", 6) == 6);
	CHECK(json_whole_characters((const uint8_t *)"\x80\x80\x80\x80\x80", 5) == 5);
	CHECK(json_whole_characters((const uint8_t *)"\xf0", 1) == 1); /* never nothing at all */
}

static void timestamps(void)
{
	char text[TIMESTAMP_SIZE], expected[64], day[40];
	static const long fractions[][2] = { { 0, 0 }, { 1, 9 }, { 10, 8 }, { 123456789, 9 }, { 500000000, 1 }, { 999999999, 9 }, { 120000000, 2 } };
	for (int i = 0; i < 200000; i++) {
		struct timespec at = { .tv_sec = (time_t)any(1u << 24) * 1000 + any(1000), .tv_nsec = 0 };
		if (i < 3000)
			at.tv_sec = (time_t)i * 86400 * 11 + 86399; /* every month of 90 years, at the last second of a day */
		long digits = fractions[i % 7][1];
		at.tv_nsec = fractions[i % 7][0];
		struct tm tm;
		gmtime_r(&at.tv_sec, &tm);
		strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(expected, sizeof expected, "%s.%09ld", day, at.tv_nsec);
		expected[strlen(day) + (digits > 0 ? 1 + (size_t)digits : 0)] = '\0';
		strcat(expected, "Z");
		CHECK(timestamp_format(text, at) == strlen(expected) && strcmp(text, expected) == 0, "%s instead of %s", text, expected);
	}
}

static void queues(void)
{
	static uint8_t bytes[300000], head[300000];
	struct queue queue = { 0 };
	uint64_t put = 0, taken = 0;
	for (int i = 0; i < 20000; i++) {
		size_t n = any(3) == 0 ? any(sizeof bytes) : any(500);
		if (queue_length(&queue) < 3 * QUEUE_LIMIT && any(2) == 0) {
			make_noise(3, put, bytes, n);
			CHECK(queue_append(&queue, bytes, n));
			put += n;
		} else {
			if (n > queue_length(&queue))
				n = queue_length(&queue);
			if (any(40) == 0)
				n = queue_length(&queue);
			for (size_t done = 0, part; done < n; done += part) {
				part = n - done < sizeof head ? n - done : sizeof head;
				memcpy(head, queue_bytes(&queue), part);
				check_noise(3, taken, head, part);
				queue_skip(&queue, part);
				taken += part;
			}
		}
		CHECK(queue_length(&queue) == put - taken);
		CHECK(queue_length(&queue) > 0 || queue.size <= 256 << 10, "an empty queue keeps %zu bytes", queue.size);
	}
	queue_release(&queue);
}

/* --- the log ----------------------------------------------------------------------------------------------------------------------------- */

static char dir[] = "/tmp/drydock-log-XXXXXX";

static const char *path_of(const char *name)
{
	static char paths[4][64];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

static void clean_up(void)
{
	static const char *const names[] = { "log", "log.1", "log.2", "log.3", "log.4", "log.5", "log.6", "log.7", "log.8", "log.9" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_of(names[i]));
	rmdir(dir);
}

static void open_log(struct log *log, uint64_t max_size, unsigned max_files)
{
	CHECK(mkdtemp(dir) != NULL);
	atexit(clean_up);
	const char *path = path_of("log");
	CHECK(log_open(log, (const uint8_t *)path, strlen(path), max_size, max_files) == 0);
}

/* The next entry of a log, without its time, which must look like one. Returns where it goes on; NULL at the end. */
static char *next_entry(char *at, char **text, size_t *length, int *stream)
{
	if (*at == '\0')
		return NULL;
	char *end = strchr(at, '\n');
	CHECK(end != NULL && strncmp(at, "{\"log\":\"", 8) == 0, "\"%.80s\"", at);
	*end = '\0';
	*text = at + 8;
	char *tail = at;
	for (char *found = at; (found = strstr(found, "\",\"stream\":\"std")) != NULL; found++)
		tail = found; /* the last one: the text may have it too, but then with backslashes */
	CHECK(tail != at);
	*length = (size_t)(tail - *text);
	*stream = strncmp(tail + 15, "out", 3) == 0 ? 1 : 2;
	char *when = tail + 15 + 3;
	static const char form[] = "\",\"time\":\"9999-99-99T99:99:99";
	for (size_t i = 0; i < sizeof form - 1; i++, when++)
		CHECK(form[i] == '9' ? *when >= '0' && *when <= '9' : *when == form[i], "\"%s\"", tail);
	if (*when == '.')
		when += 1 + strspn(when + 1, "0123456789");
	CHECK(strcmp(when, "Z\"}") == 0 && when[-1] != '.' && (strchr(tail, '.') == NULL || when[-1] != '0'), "\"%s\"", tail);
	return end + 1;
}

/* What Docker makes of a stream: an entry for each line, and for each 16 KiB of a longer one (without cutting a character). */
struct slow_log {
	uint8_t line[16384];
	size_t length;
	char *entries[20000];
	size_t count;
};

static void slow_entry(struct slow_log *log, size_t n, bool newline)
{
	char *entry = malloc(6 * n + 3);
	size_t length = slow_escape(entry, log->line, n);
	strcpy(entry + length, newline ? "\\n" : "");
	CHECK(log->count < sizeof log->entries / sizeof *log->entries);
	log->entries[log->count++] = entry;
	memmove(log->line, log->line + n, log->length - n);
	log->length -= n;
}

static void slow_append(struct slow_log *log, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			slow_entry(log, log->length, true);
			continue;
		}
		log->line[log->length++] = bytes[i];
		if (log->length == sizeof log->line)
			slow_entry(log, json_whole_characters(log->line, log->length), false);
	}
}

/* Random text in lines of random lengths, some beyond 16 KiB, both streams mixed, in reads of random sizes. */
static void log_content(void)
{
	static struct slow_log slow[2];
	static uint8_t bytes[70000];
	struct log log;
	size_t length, next[2] = { 0 };
	open_log(&log, 0, 0);
	for (int i = 0; i < 1500; i++) {
		int stream = any(3) == 0;
		size_t n = make_text(bytes, any(30) == 0 ? any(sizeof bytes) : any(300));
		for (unsigned lines = any(8); lines > 0 && n > 0; lines--)
			bytes[any((unsigned)n)] = '\n';
		log_append(&log, stream + 1, bytes, n);
		slow_append(&slow[stream], bytes, n);
		if (any(10) == 0)
			log_flush(&log);
	}
	for (int stream = 0; stream < 2; stream++) {
		log_end_stream(&log, stream + 1);
		if (slow[stream].length > 0)
			slow_entry(&slow[stream], slow[stream].length, false);
	}
	log_flush(&log);
	CHECK(log.errors == 0);
	char *at = slurp(path_of("log"), &length), *text;
	CHECK(length == log.size && strlen(at) == length);
	for (int stream; (at = next_entry(at, &text, &length, &stream)) != NULL;) {
		struct slow_log *expected = &slow[stream - 1];
		size_t which = next[stream - 1]++;
		CHECK(which < expected->count);
		CHECK(strlen(expected->entries[which]) == length && memcmp(expected->entries[which], text, length) == 0, "entry %zu of stream %d", which,
		      stream);
	}
	for (int stream = 0; stream < 2; stream++) {
		CHECK(next[stream] == slow[stream].count, "%zu entries of %zu", next[stream], slow[stream].count);
		for (size_t i = 0; i < slow[stream].count; i++)
			free(slow[stream].entries[i]);
	}
	log_close(&log);
}

/* By hand, after moby's jsonlogbytes.go: only \n and \r have short forms (a tab has none), DEL is no control character. */
static void log_like_docker(void)
{
	static const char output[] = "a\tb <c> & \"d\" \\ \x1b[1m\x7f\r\n\n\xc3\xa4 \xff \xe2\x80\xa8 no newline";
	static const char *const expected[] = {
		"a\\u0009b \\u003cc\\u003e \\u0026 \\\"d\\\" \\\\ \\u001b[1m\x7f\\r\\n",
		"\\n",
		"\xc3\xa4 \\ufffd \\u2028 no newline",
	};
	struct log log;
	size_t length;
	open_log(&log, 0, 0);
	log_append(&log, 1, (const uint8_t *)output, sizeof output - 1);
	log_end_stream(&log, 1);
	log_flush(&log);
	char *at = slurp(path_of("log"), &length), *text;
	int stream;
	for (int i = 0; i < 3; i++) {
		at = next_entry(at, &text, &length, &stream);
		CHECK(at != NULL && stream == 1 && strlen(expected[i]) == length && memcmp(text, expected[i], length) == 0, "%.*s", (int)length, text);
	}
	CHECK(*at == '\0');
	log_close(&log);
}

static void number_lines(struct log *log, int from, int to)
{
	char text[64];
	for (int i = from; i < to; i++)
		log_append(log, 1, (const uint8_t *)text, (size_t)sprintf(text, "line %06d\n", i));
	log_flush(log);
}

/* Returns the first number in the file, and checks that the others follow without a gap up to `end`. */
static int check_numbers(const char *name, int end, size_t *size)
{
	size_t length;
	char *at = slurp(path_of(name), size), *text;
	CHECK(at != NULL, "%s is missing", name);
	int first = -1, last = -1, stream;
	while ((at = next_entry(at, &text, &length, &stream)) != NULL) {
		int number = atoi(text + 5);
		CHECK(first < 0 || number == last + 1, "%s: %d follows %d", name, number, last);
		last = number;
		if (first < 0)
			first = number;
	}
	CHECK(last == end - 1, "%s ends with %d, not %d", name, last, end - 1);
	return first;
}

static void rotation(void)
{
	struct log log;
	size_t size;
	open_log(&log, 10000, 3);
	number_lines(&log, 0, 5000);
	CHECK(log.errors == 0);
	int first = check_numbers("log", 5000, &size);
	CHECK(size < 10100);
	first = check_numbers("log.1", first, &size);
	CHECK(size >= 10000 && size < 10100, "%zu bytes", size); /* past the limit by less than an entry */
	first = check_numbers("log.2", first, &size);
	CHECK(size >= 10000 && size < 10100);
	CHECK(first > 0 && access(path_of("log.3"), F_OK) < 0);
	log_close(&log);
	/* A later shim goes on with the same file and its size. */
	const char *path = path_of("log");
	CHECK(log_open(&log, (const uint8_t *)path, strlen(path), 10000, 3) == 0 && log.size > 0);
	number_lines(&log, 5000, 5400);
	first = check_numbers("log", 5400, &size);
	CHECK(size < 10100);
	check_numbers("log.1", first, &size);
	CHECK(size >= 10000 && size < 10100);
	log_close(&log);
}

static void rotation_of_one_file(void)
{
	struct log log;
	size_t size, length;
	open_log(&log, 5000, 1);
	number_lines(&log, 0, 10);
	int reader = open(path_of("log"), O_RDONLY | O_CLOEXEC);
	number_lines(&log, 10, 1000);
	check_numbers("log", 1000, &size);
	CHECK(size < 5100 && access(path_of("log.1"), F_OK) < 0);
	char text[8192];
	length = (size_t)read(reader, text, sizeof text); /* who has it open reads the old one to its end */
	CHECK(length >= 5000 && strstr(text, "line 000000") != NULL);
	log_close(&log);
}

static void rotation_without_limit(void)
{
	struct log log;
	size_t size;
	open_log(&log, 20000, 0);
	number_lines(&log, 0, 1300);
	int first = 1300;
	char name[16] = "log";
	for (int i = 1; first > 0; i++) {
		first = check_numbers(name, first, &size);
		snprintf(name, sizeof name, "log.%d", i);
		CHECK(i < 9);
	}
	CHECK(access(path_of(name), F_OK) < 0 && strcmp(name, "log.4") >= 0);
	log_close(&log);
}

/* The directory has gone: it cannot be rotated, the old file goes on, the error is counted. */
static void rotation_fails(void)
{
	struct log log;
	open_log(&log, 1000, 2);
	number_lines(&log, 0, 5);
	CHECK(unlink(path_of("log")) == 0 && rmdir(dir) == 0);
	number_lines(&log, 5, 100);
	struct stat status;
	CHECK(log.errors > 0 && fstat(log.fd, &status) == 0 && status.st_size > 7000);
	log_close(&log);
}

static void disk_full(void)
{
	struct log log;
	CHECK(log_open(&log, (const uint8_t *)"/dev/full", 9, 0, 0) == 0);
	number_lines(&log, 0, 20000);
	CHECK(log.errors == 20000, "%llu", (unsigned long long)log.errors);
	log_close(&log);
}

/* Room for a part of a batch only: what is written is whole entries, the lost ones are counted, and there is more when there is room. */
static void disk_nearly_full(void)
{
	struct log log;
	struct rlimit limit;
	size_t size, length;
	char *text;
	int stream, count = 0, last = -1;
	open_log(&log, 0, 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 100001;
	setrlimit(RLIMIT_FSIZE, &limit);
	number_lines(&log, 0, 5000);
	uint64_t lost = log.errors;
	CHECK(lost > 1000 && lost < 5000);
	check_numbers("log", 5000 - (int)lost, &size);
	CHECK(size <= 100001 && size > 99900);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	number_lines(&log, 5000, 5010);
	CHECK(log.errors == lost);
	char *at = slurp(path_of("log"), &size);
	while ((at = next_entry(at, &text, &length, &stream)) != NULL) {
		count++;
		last = atoi(text + 5);
	}
	CHECK(count == 5010 - (int)lost && last == 5009);
	log_close(&log);
}

/* People empty logs by hand. */
static void truncated_by_hand(void)
{
	struct log log;
	size_t size;
	open_log(&log, 0, 0);
	number_lines(&log, 0, 100);
	CHECK(truncate(path_of("log"), 0) == 0);
	number_lines(&log, 100, 200);
	CHECK(check_numbers("log", 200, &size) == 100);
	log_close(&log);
}

static void paths(void)
{
	struct log log;
	char text[5000];
	CHECK(log_open(&log, (const uint8_t *)"", 0, 0, 0) == EINVAL);
	CHECK(log_open(&log, (const uint8_t *)"/tmp/", 5, 0, 0) == EINVAL);
	CHECK(log_open(&log, (const uint8_t *)"/tmp/a\0b", 8, 0, 0) == EINVAL);
	CHECK(log_open(&log, (const uint8_t *)"/nowhere/log", 12, 0, 0) == ENOENT);
	CHECK(log_open(&log, (const uint8_t *)"/etc/passwd/log", 15, 0, 0) == ENOTDIR);
	CHECK(log_open(&log, (const uint8_t *)"/tmp/.", 6, 0, 0) == EISDIR);
	memset(text, 'x', sizeof text);
	CHECK(log_open(&log, (const uint8_t *)text, 256, 0, 0) == ENAMETOOLONG);
	CHECK(log_open(&log, (const uint8_t *)text, sizeof text, 0, 0) == ENAMETOOLONG);
	CHECK(log.fd < 0 && log.place.dir < 0);
}

static const struct test tests[] = {
#define TEST(name) { #name, name }
	TEST(escape),
	TEST(escape_each_byte),
	TEST(whole_characters),
	TEST(timestamps),
	TEST(queues),
	TEST(log_content),
	TEST(log_like_docker),
	TEST(rotation),
	TEST(rotation_of_one_file),
	TEST(rotation_without_limit),
	TEST(rotation_fails),
	TEST(disk_full),
	TEST(disk_nearly_full),
	TEST(truncated_by_hand),
	TEST(paths),
};

int main(int argc, char **argv)
{
	return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
