/* Buffers that grow by mmap (no malloc: the same code runs in the child after clone3), and a cursor that never reads past its end. */
#ifndef DRYDOCK_BYTES_H
#define DRYDOCK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Room behind the content of every buffer: a call that writes more than its line in the table says (an ioctl of an odd
 * device) runs into this and not into other memory. */
#define SLACK 4096

struct buffer {
	uint8_t *data;
	size_t length;
	size_t capacity;
};

/* Make room for `capacity` bytes in all; the content stays. False: out of memory. */
bool buffer_reserve(struct buffer *buffer, size_t capacity);
bool buffer_append(struct buffer *buffer, const void *bytes, size_t length);
/* Give everything beyond a page back, so that a shim that has handled a huge batch idles as small as any other. */
void buffer_shrink(struct buffer *buffer);

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

#define TAKE(name, type)                                      \
	static inline type name(struct cursor *cursor)        \
	{                                                     \
		type value = 0;                               \
		uint8_t *bytes = take(cursor, sizeof value);  \
		if (bytes)                                    \
			memcpy(&value, bytes, sizeof value);  \
		return value;                                 \
	}
TAKE(take_u8, uint8_t)
TAKE(take_u16, uint16_t)
TAKE(take_u32, uint32_t)
TAKE(take_i32, int32_t)
TAKE(take_i64, int64_t)
#undef TAKE

#endif
