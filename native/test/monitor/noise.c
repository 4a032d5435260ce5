/* Bytes that are known at every offset, and Docker's stream framing. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <string.h>

static uint64_t noise_word(int seed, uint64_t index)
{
	uint64_t x = (index + 1) * 0x9e3779b97f4a7c15u + (uint64_t)seed * 0xd1342543de82ef95u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	return x ^ (x >> 27);
}

uint8_t noise(int seed, uint64_t offset)
{
	return (uint8_t)(noise_word(seed, offset / 8) >> (offset % 8 * 8));
}

void make_noise(int seed, uint64_t offset, uint8_t *into, size_t n)
{
	for (size_t i = 0; i < n;) {
		if ((offset + i) % 8 == 0 && n - i >= 8) {
			uint64_t word = noise_word(seed, (offset + i) / 8);
			memcpy(into + i, &word, 8);
			i += 8;
		} else {
			into[i] = noise(seed, offset + i);
			i++;
		}
	}
}

void check_noise(int seed, uint64_t offset, const uint8_t *bytes, size_t n)
{
	static uint8_t expected[1 << 16];
	while (n > 0) {
		size_t part = n < sizeof expected ? n : sizeof expected;
		make_noise(seed, offset, expected, part);
		CHECK(memcmp(expected, bytes, part) == 0, "stream %d differs within %zu bytes of offset %llu", seed, part, (unsigned long long)offset);
		bytes += part;
		offset += part;
		n -= part;
	}
}

void demux(struct demux *demux, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		if (demux->left == 0) {
			demux->header[demux->header_length++] = *bytes++;
			n--;
			if (demux->header_length < 8)
				continue;
			uint32_t length;
			memcpy(&length, demux->header + 4, 4);
			CHECK((demux->header[0] == 1 || demux->header[0] == 2) && !demux->header[1] && !demux->header[2] && !demux->header[3],
			      "header %02x %02x %02x %02x", demux->header[0], demux->header[1], demux->header[2], demux->header[3]);
			demux->left = __builtin_bswap32(length);
			demux->header_length = 0;
			continue;
		}
		size_t part = n < demux->left ? n : demux->left;
		int stream = demux->header[0];
		check_noise(stream, demux->seen[stream], bytes, part);
		demux->seen[stream] += part;
		demux->left -= (uint32_t)part;
		bytes += part;
		n -= part;
	}
}

bool demux_some(struct demux *state, int fd, uint64_t most)
{
	static uint8_t bytes[1 << 18];
	while (most > 0) {
		ssize_t n = read(fd, bytes, most < sizeof bytes ? most : sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		CHECK(n >= 0);
		if (n == 0)
			return false;
		demux(state, bytes, (size_t)n);
		most -= (uint64_t)n;
	}
	return true;
}

void demux_all(struct demux *state, int fd)
{
	while (demux_some(state, fd, UINT64_MAX))
		;
	CHECK(state->left == 0 && state->header_length == 0, "the stream ends in the middle of a frame");
}
