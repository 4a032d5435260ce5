/* JSON strings as Docker's json-file writes them (moby, jsonlogbytes.go): \n and \r have their short forms, every other control
 * character is \u00xx (a tab too), < > & are escaped so that the log can stand in HTML, U+2028 and U+2029 so that it can stand in
 * JavaScript, and each byte that is not part of valid UTF-8 becomes \ufffd. */
#include "json.h"

#include <string.h>

/* Sixteen bytes at a time: the compiler makes SSE2 or NEON of it. The bytes are signed, so that "less than a space" is true for
 * control characters and for everything that is not ASCII in one comparison. */
typedef int8_t block __attribute__((vector_size(16)));

static inline unsigned first_special(block b)
{
	block special = (b < 0x20) | (b == '"') | (b == '\\') | (b == '&') | ((b & ~2) == '<'); /* '<' and '>' differ in one bit */
	uint64_t half[2];
	memcpy(half, &special, sizeof half);
	if (half[0] != 0)
		return (unsigned)__builtin_ctzll(half[0]) / 8;
	return half[1] != 0 ? 8 + (unsigned)__builtin_ctzll(half[1]) / 8 : 16;
}

/* The length of the UTF-8 sequence at the start of n bytes, 0 if there is none (overlong forms, surrogates and numbers above
 * U+10FFFF are none: RFC 3629). */
static size_t sequence_length(const uint8_t *s, size_t n)
{
	uint8_t lead = s[0], low = 0x80, high = 0xbf; /* the bounds of the second byte */
	size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (lead < 0xc2 || lead > 0xf4 || length > n)
		return 0;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static uint8_t *put(uint8_t *out, const char *text, size_t n)
{
	memcpy(out, text, n);
	return out + n;
}

/* One byte or sequence that cannot be copied blindly. Returns how much of the input it took. */
static size_t escape_one(uint8_t **out, const uint8_t *in, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t byte = in[0];
	if (byte >= 0x80) {
		size_t length = sequence_length(in, n);
		if (length == 0) {
			*out = put(*out, "\\ufffd", 6);
			return 1;
		}
		if (length == 3 && byte == 0xe2 && in[1] == 0x80 && (in[2] & 0xfe) == 0xa8)
			*out = put(*out, in[2] & 1 ? "\\u2029" : "\\u2028", 6);
		else
			*out = put(*out, (const char *)in, length);
		return length;
	}
	if (byte == '\n') {
		*out = put(*out, "\\n", 2);
	} else if (byte == '\r') {
		*out = put(*out, "\\r", 2);
	} else if (byte == '"' || byte == '\\') {
		*(*out)++ = '\\';
		*(*out)++ = byte;
	} else {
		*out = put(*out, "\\u00", 4);
		*(*out)++ = (uint8_t)hex[byte >> 4];
		*(*out)++ = (uint8_t)hex[byte & 15];
	}
	return 1;
}

size_t json_escape(uint8_t *out, const uint8_t *in, size_t n)
{
	uint8_t *start = out;
	while (n > 0) {
		block b;
		size_t have = n < sizeof b ? n : sizeof b;
		if (n >= sizeof b) {
			memcpy(&b, in, sizeof b);
		} else {
			uint8_t rest[sizeof b];
			memset(rest, ' ', sizeof rest);
			memcpy(rest, in, n);
			memcpy(&b, rest, sizeof b);
		}
		size_t plain = first_special(b);
		memcpy(out, &b, sizeof b); /* all sixteen: cheaper than to count, and what is too much is written over */
		if (plain >= have) {
			out += have;
			in += have;
			n -= have;
			continue;
		}
		out += plain;
		in += plain;
		n -= plain;
		size_t taken = escape_one(&out, in, n);
		in += taken;
		n -= taken;
		/* Text that is not ASCII comes in runs: going through the block again for each character would copy sixteen bytes for two. */
		while (n > 0 && *in >= 0x80) {
			taken = escape_one(&out, in, n);
			in += taken;
			n -= taken;
		}
	}
	return (size_t)(out - start);
}

size_t json_whole_characters(const uint8_t *in, size_t n)
{
	for (size_t back = 1; back <= 3 && back < n; back++) {
		uint8_t byte = in[n - back];
		if ((byte & 0xc0) == 0x80)
			continue;
		size_t needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
		return needs > back ? n - back : n;
	}
	return n;
}
