/* Random text, and escaping it slowly. */
#include "text.h"

#include <stdio.h>
#include <string.h>

static unsigned turn = 1;

unsigned any(unsigned below)
{
	turn = turn * 1103515245 + 12345;
	return (turn >> 8) % below;
}

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

size_t slow_escape(char *out, const uint8_t *in, size_t n)
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
size_t make_text(uint8_t *into, size_t n)
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
