/* What is in the log. */
#define _GNU_SOURCE
#include "../../json.h"
#include "harness.h"
#include "log-file.h"
#include "text.h"

#include <errno.h>
#include <string.h>

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

/* What describes the container stands between the stream and the time, in whole lines and in pieces. */
static void described(void)
{
	static const char json[] = "{\"tag\":\"a\"}";
	static char large[16385];
	struct log log;
	size_t length;
	open_log(&log, 0, 0);
	memset(large, ' ', sizeof large);
	CHECK(log_describe(&log, (const uint8_t *)large, sizeof large) == E2BIG);
	CHECK(log_describe(&log, (const uint8_t *)"{\n}", 3) == EINVAL);
	CHECK(log_describe(&log, (const uint8_t *)json, sizeof json - 1) == 0);
	log_append(&log, 1, (const uint8_t *)"one\ntwo", 7);
	log_end_stream(&log, 1);
	log_append(&log, 2, (const uint8_t *)"three\n", 6);
	log_flush(&log);
	char *text = slurp(path_of("log"), &length);
	static const char *const lines[] = {
		"{\"log\":\"one\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"a\"},\"time\":\"",
		"{\"log\":\"two\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"a\"},\"time\":\"",
		"{\"log\":\"three\\n\",\"stream\":\"stderr\",\"attrs\":{\"tag\":\"a\"},\"time\":\"",
	};
	for (int i = 0; i < 3; i++) {
		CHECK(strncmp(text, lines[i], strlen(lines[i])) == 0, "%s", text);
		text = strchr(text, '\n') + 1;
	}
	CHECK(*text == '\0' && log.size == length);
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

const struct test log_tests[] = {
	TEST(log_content),
	TEST(log_like_docker),
	TEST(described),
	TEST(paths),
	{ 0 },
};
