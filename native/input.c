/* The container's stdin. Several peers may write; their bytes are taken in the order in which they were read. */
#define _GNU_SOURCE
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool input_open(struct monitor *monitor, int fd)
{
	struct input *input = &monitor->input;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 || !watch(monitor, &input->own, fd))
		return false;
	input->source = &input->own;
	return true;
}

size_t input_room(const struct monitor *monitor)
{
	const struct input *input = &monitor->input;
	if (input->source == NULL || input->ending)
		return CHUNK; /* nobody will read it: it is taken and dropped */
	size_t waits = queue_length(&input->queue);
	return waits < QUEUE_LIMIT ? QUEUE_LIMIT - waits : 0;
}

void input_close(struct monitor *monitor)
{
	struct input *input = &monitor->input;
	queue_release(&input->queue);
	if (input->source == &input->own) {
		unwatch(monitor, &input->own);
		/* Not close(): an undo step may name this number, and must not meet a connection that was given it meanwhile. */
		dup3(monitor->epoll, input->own.fd, O_CLOEXEC);
		input->own.fd = -1;
	}
	input->source = NULL;
}

/* As much as goes; 0 when it would block or has failed (the reader has closed its end: what is left has no taker). */
static size_t write_some(struct monitor *monitor, const uint8_t *bytes, size_t n)
{
	struct source *source = monitor->input.source;
	size_t done = 0;
	while (done < n && source->out) {
		ssize_t written = write(source->fd, bytes + done, n - done);
		if (written > 0)
			done += (size_t)written;
		else if (written == 0 || errno == EAGAIN)
			source->out = false;
		else if (errno != EINTR) {
			input_close(monitor);
			return 0;
		}
	}
	return done;
}

void input_push(struct monitor *monitor, const uint8_t *bytes, size_t n)
{
	struct input *input = &monitor->input;
	if (input->source == NULL || input->ending)
		return;
	if (queue_length(&input->queue) == 0) {
		size_t done = write_some(monitor, bytes, n);
		bytes += done;
		n -= done;
	}
	if (input->source != NULL && !queue_append(&input->queue, bytes, n))
		input_close(monitor); /* no memory: an early end is better than a hole */
}

/* Typed on a connection of its own. What it is typed on had its size set on another one: before that was read it is not to be there. */
void input_take(struct monitor *monitor, const uint8_t *bytes, size_t n)
{
	struct input *input = &monitor->input;
	if (!monitor->tty)
		input_push(monitor, bytes, n);
	else if (input->source != NULL && !queue_append(&input->queue, bytes, n))
		input_close(monitor);
}

bool input_waits(const struct monitor *monitor)
{
	return monitor->input.source != NULL && queue_length(&monitor->input.queue) > 0;
}

bool input_flush(struct monitor *monitor)
{
	struct input *input = &monitor->input;
	if (input->source == NULL)
		return false;
	size_t waits = queue_length(&input->queue), done = 0;
	if (waits > 0 && input->source->out)
		done = write_some(monitor, queue_bytes(&input->queue), waits);
	if (input->source == NULL)
		return true;
	queue_skip(&input->queue, done);
	if (input->ending && done == waits)
		input_close(monitor);
	return done > 0;
}

void input_end(struct monitor *monitor)
{
	/* A terminal has no end of input of its own: its user types ^D, and Docker sends none either. */
	if (monitor->input.source == &monitor->input.own)
		monitor->input.ending = true;
}
