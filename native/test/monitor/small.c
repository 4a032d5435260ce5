/* Timestamps and queues. */
#define _GNU_SOURCE
#include "../../queue.h"
#include "../../timestamp.h"
#include "harness.h"
#include "text.h"

#include <errno.h>
#include <string.h>
#include <time.h>

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

const struct test small_tests[] = {
	TEST(timestamps),
	TEST(queues),
	{ 0 },
};
