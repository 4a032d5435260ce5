/* Escaping, compared with a slow and obvious version. */
#define _GNU_SOURCE
#include "../../json.h"
#include "harness.h"
#include "text.h"

#include <errno.h>
#include <string.h>

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

const struct test json_tests[] = {
	TEST(escape),
	TEST(escape_each_byte),
	TEST(whole_characters),
	{ 0 },
};
