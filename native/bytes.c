#define _GNU_SOURCE
#include "bytes.h"

#include <sys/mman.h>

#define PAGE 4096
#define KEPT (4 * PAGE)
#define HUGE_PAGE (2u << 20)

bool buffer_reserve(struct buffer *buffer, size_t capacity)
{
	if (buffer->data && capacity <= buffer->capacity)
		return true;
	size_t size = (capacity + SLACK + PAGE - 1) & ~(size_t)(PAGE - 1);
	if (size < KEPT)
		size = KEPT;
	if (size < 2 * buffer->capacity)
		size = 2 * buffer->capacity;
	void *data = buffer->data ? mremap(buffer->data, buffer->capacity + SLACK, size, MREMAP_MAYMOVE)
				  : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return false;
	/* Where transparent huge pages are always on, one byte in here could cost 2 MiB to clear and to hold. */
	if (size >= HUGE_PAGE)
		madvise(data, size, MADV_NOHUGEPAGE);
	buffer->data = data;
	buffer->capacity = size - SLACK;
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
	if (buffer->capacity > KEPT)
		buffer_release(buffer);
	buffer->length = 0;
}

void buffer_release(struct buffer *buffer)
{
	if (buffer->data)
		munmap(buffer->data, buffer->capacity + SLACK);
	*buffer = (struct buffer){ 0 };
}
