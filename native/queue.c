/* A queue is one anonymous mapping, filled at the tail and emptied at the head. */
#define _GNU_SOURCE
#include "queue.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_SIZE ((size_t)256 << 10)
#define KEEP ((size_t)64 << 10) /* an emptied queue that has touched more than this gives its pages back */

size_t queue_length(const struct queue *queue)
{
	return queue->tail - queue->head;
}

const uint8_t *queue_bytes(const struct queue *queue)
{
	return queue->base + queue->head;
}

static bool make_room(struct queue *queue, size_t n)
{
	size_t length = queue_length(queue);
	/* Moving pays only when at least half of the room is won by it: every byte is then moved once on average. */
	if (queue->head > 0 && length + n <= queue->size / 2) {
		memmove(queue->base, queue->base + queue->head, length);
		queue->head = 0;
		queue->tail = length;
		return true;
	}
	size_t size = queue->size > 0 ? queue->size : FIRST_SIZE;
	while (size - queue->tail < n)
		size *= 2;
	void *base = queue->base == NULL ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
	                                 : mremap(queue->base, queue->size, size, MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		return false;
	queue->base = base;
	queue->size = size;
	return true;
}

uint8_t *queue_reserve(struct queue *queue, size_t n)
{
	if (queue->size - queue->tail < n && !make_room(queue, n))
		return NULL;
	return queue->base + queue->tail;
}

void queue_commit(struct queue *queue, size_t n)
{
	queue->tail += n;
}

bool queue_append(struct queue *queue, const void *bytes, size_t n)
{
	if (n == 0)
		return true;
	uint8_t *room = queue_reserve(queue, n);
	if (room == NULL)
		return false;
	memcpy(room, bytes, n);
	queue_commit(queue, n);
	return true;
}

void queue_skip(struct queue *queue, size_t n)
{
	queue->head += n;
	if (queue->head < queue->tail)
		return;
	if (queue->tail > KEEP)
		queue_release(queue);
	queue->head = queue->tail = 0;
}

void queue_release(struct queue *queue)
{
	if (queue->base != NULL)
		munmap(queue->base, queue->size);
	*queue = (struct queue){0};
}

void release_pages(void *start, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)start + page - 1) & ~(page - 1); /* the pages at the ends have other variables on them */
	uintptr_t to = ((uintptr_t)start + n) & ~(page - 1);
	if (from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}
