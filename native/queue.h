/* Bytes that wait for a slow reader. No memory is held while nothing waits. */
#ifndef DRYDOCK_QUEUE_H
#define DRYDOCK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When this much waits, whoever fills the queue stops reading (DESIGN: one MiB, as Docker lets pile up in its pipes). */
#define QUEUE_LIMIT ((size_t)1 << 20)

struct queue {
	uint8_t *base; /* mapped on first use */
	size_t size;
	size_t head, tail; /* what waits is base[head … tail) */
};

size_t queue_length(const struct queue *queue);
const uint8_t *queue_bytes(const struct queue *queue);
/* Returns false when there is no memory; the queue is then as it was. */
bool queue_append(struct queue *queue, const void *bytes, size_t n);
/* The same in two halves: n bytes of room at the end (NULL: no memory), of which n are then filled. */
uint8_t *queue_reserve(struct queue *queue, size_t n);
void queue_commit(struct queue *queue, size_t n);
void queue_skip(struct queue *queue, size_t n);
void queue_release(struct queue *queue);

/* Give back the whole pages inside of a buffer whose content is not needed any more. */
void release_pages(void *start, size_t n);

#endif
