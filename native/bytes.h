/* Buffers that grow by mmap, and a cursor that never reads past its end. No malloc: the cloned child runs the same code. */
#ifndef DRYDOCK_BYTES_H
#define DRYDOCK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Room behind the content of every buffer: a call that writes more than its line in the table can know (an ioctl of an odd
 * device writes as much as it likes) runs into this and not into other memory. */
#define SLACK 4096

struct buffer {
	uint8_t *data;
	size_t length;
	size_t capacity; /* without the slack */
};

/* Make room for `capacity` bytes in all; the content stays. False: out of memory, and nothing has changed. */
bool buffer_reserve(struct buffer *buffer, size_t capacity);
bool buffer_append(struct buffer *buffer, const void *bytes, size_t length);
/* Empty it, and give it back if it is larger than a few pages: a shim that has handled a huge batch idles as small as any other. */
void buffer_shrink(struct buffer *buffer);
void buffer_release(struct buffer *buffer);

struct cursor {
	uint8_t *at;
	uint8_t *end;
	bool bad; /* set by the first read past the end; every later read gives 0 */
};

static inline uint8_t *take(struct cursor *cursor, size_t length)
{
	if (cursor->bad || (size_t)(cursor->end - cursor->at) < length) {
		cursor->bad = true;
		return NULL;
	}
	uint8_t *start = cursor->at;
	cursor->at += length;
	return start;
}

/* The wire is little-endian, as both architectures are, and unaligned. */
#define TAKE(name, type)                                     \
	static inline type name(struct cursor *cursor)       \
	{                                                    \
		type value = 0;                              \
		uint8_t *bytes = take(cursor, sizeof value); \
		if (bytes)                                   \
			memcpy(&value, bytes, sizeof value); \
		return value;                                \
	}
TAKE(take_u8, uint8_t)
TAKE(take_u16, uint16_t)
TAKE(take_u32, uint32_t)
TAKE(take_i32, int32_t)
TAKE(take_i64, int64_t)
#undef TAKE

/* Write one number where `at` stands, and move on. */
#define PUT(at, value)                                \
	do {                                          \
		memcpy((at), &(value), sizeof(value)); \
		(at) += sizeof(value);                \
	} while (0)

#endif
