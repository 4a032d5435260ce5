/* The log's files: their sizes and numbers, and disks that are full. */
#define _GNU_SOURCE
#include "harness.h"
#include "log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

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
	remove_logs();
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

const struct test rotation_tests[] = {
	TEST(rotation),
	TEST(rotation_of_one_file),
	TEST(rotation_without_limit),
	TEST(rotation_fails),
	TEST(disk_full),
	TEST(disk_nearly_full),
	TEST(truncated_by_hand),
	{ 0 },
};
