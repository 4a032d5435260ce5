/* bytes.c for the fuzzer: no rounding up, no slack, so that one byte too far is seen. */
#include "../bytes.h"

#include <stdlib.h>

bool buffer_reserve(struct buffer *buffer, size_t capacity)
{
	if (buffer->data && capacity <= buffer->capacity)
		return true;
	if (capacity > (64u << 20))
		return false;
	/* What is asked for in vain is answered like any other want. */
	uint8_t *data = realloc(buffer->data, capacity ? capacity : 1);
	if (!data)
		return false;
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

bool buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	if (!buffer_reserve(buffer, buffer->length + length))
		return false;
	if (length)
		memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
	return true;
}

void buffer_shrink(struct buffer *buffer)
{
	buffer_release(buffer);
}

void buffer_release(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}
