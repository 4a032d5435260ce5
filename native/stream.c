/* The container's output. Two ways lead from a pipe to its readers:
 *
 *   spliced  one reader and no log: the header that the reader expects, then the pipe's own pages moved to its socket, without a copy
 *   copied   otherwise: read once, to the log and to every reader
 *
 * Reading stops while one of the readers is slow; the pipe fills and the container waits in its write(2). tee(2) was considered for a
 * log with readers: the log needs the bytes in our memory anyway, and one more send of them costs less than the two calls it saves. */
#define _GNU_SOURCE
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20)
#define FILLED ((int)32 << 10) /* a pipe of 64 KiB may hold no more than this: its pages need not be full */
#define SPLICE_FROM ((int)16 << 10) /* less than this is cheaper to copy, and reaches the reader in one piece with its header */

uint8_t scratch[CHUNK];

bool stream_open(struct monitor *monitor, struct stream *stream, int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return false;
	if (monitor->tty) {
		if (!watch(monitor, &monitor->terminal, fd))
			return false;
		stream->source = monitor->input.source = &monitor->terminal;
		return true;
	}
	if (!watch(monitor, &stream->own, fd))
		return false;
	stream->source = &stream->own;
	stream->pipe = fcntl(fd, F_GETPIPE_SZ) > 0;
	return true;
}

static void stream_end(struct monitor *monitor, struct stream *stream)
{
	if (monitor->log.fd >= 0)
		log_end_stream(&monitor->log, stream->number);
	unwatch(monitor, stream->source); /* stays open: an undo step may name its number */
	stream->source = NULL;
}

/* Nothing to read for now. The next edge tells of more. */
static void stream_empty(struct stream *stream)
{
	stream->source->in = stream->source->hup = false;
}

/* Read at most `most` bytes and hand them to everybody. Returns how many; 0: there is nothing, or the stream has ended. */
static size_t copy(struct monitor *monitor, struct stream *stream, size_t most)
{
	ssize_t n;
	do
		n = read(stream->source->fd, scratch, most < CHUNK ? most : CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || (errno == EIO && monitor->tty))) {
		/* EIO: no process has the terminal open at this moment. One that reopens it is heard again. */
		stream_empty(stream);
		return 0;
	}
	if (n <= 0) {
		stream_end(monitor, stream);
		return 0;
	}
	if (stream->pipe && (size_t)n < CHUNK && (size_t)n < most && !stream->source->hup)
		stream->source->in = false; /* a pipe gives all that it has */
	monitor->heavy |= n > 4096;
	if (monitor->log.fd >= 0)
		log_append(&monitor->log, stream->number, scratch, (size_t)n);
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		if (peer_reads(monitor, peer, stream))
			peer_send_output(monitor, peer, stream, scratch, (size_t)n);
	return (size_t)n;
}

/* Move what the peer is owed from the pipe to its socket. */
static bool pay(struct monitor *monitor, struct stream *stream, struct peer *peer)
{
	bool some = false;
	while (peer->owed > 0 && peer->sink->out) {
		ssize_t n = splice(stream->source->fd, NULL, peer->sink->fd, NULL, peer->owed, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n > 0) {
			peer->owed -= (size_t)n;
			some = true;
		} else if (n < 0 && errno == EAGAIN) {
			peer->sink->out = false; /* the socket is full: the pipe has what was promised from it */
		} else if (n == 0 || errno != EINTR) {
			peer_lost(monitor, peer);
		}
	}
	return some;
}

/* Make the pipe larger, once, when it is seen to be filled: ordinary users have a limited number of pages for all their pipes
 * (pipe(7)). Who may not have more is served by copies, which may wait in a queue. */
static void widen(struct stream *stream)
{
	stream->widened = true;
	stream->copied = fcntl(stream->source->fd, F_SETPIPE_SZ, PIPE_SIZE) < 0;
}

static bool splice_to(struct monitor *monitor, struct stream *stream, struct peer *peer)
{
	if (peer->owed > 0)
		return pay(monitor, stream, peer);
	int waits = 0;
	if (ioctl(stream->source->fd, FIONREAD, &waits) < 0 || waits < SPLICE_FROM)
		return copy(monitor, stream, CHUNK) > 0;
	if (!stream->widened && waits >= FILLED)
		widen(stream);
	uint8_t header[8];
	size_t length = peer_header(monitor, peer, stream, (size_t)waits, header);
	ssize_t n = length == 0 ? 0 : send(peer->sink->fd, header, length, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
	if (n < 0 && errno == EAGAIN) {
		peer->sink->out = false;
		return false;
	}
	if (n != (ssize_t)length) {
		peer_lost(monitor, peer);
		return true;
	}
	peer->owed = (size_t)waits;
	peer->owed_from = stream;
	pay(monitor, stream, peer);
	return true;
}

/* A reader is slow: what comes now waits in the pipe. */
static bool hold_back(struct monitor *monitor, struct stream *stream)
{
	if (stream->pipe && !stream->widened)
		widen(stream);
	if (!stream->copied)
		return false;
	return streams_settle(monitor); /* into the queue, where all that comes now will wait */
}

bool stream_pump(struct monitor *monitor, struct stream *stream)
{
	if (stream->source == NULL || !(stream->source->in || stream->source->hup))
		return false;
	struct peer *only = NULL;
	int readers = 0;
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next) {
		if (!peer_reads(monitor, peer, stream))
			continue;
		if (peer->held)
			return false; /* for a moment: no reason to make the pipe larger */
		if (peer_is_slow(peer, stream))
			return hold_back(monitor, stream);
		only = peer;
		readers++;
	}
	if (readers != 1 || monitor->log.fd >= 0 || !stream->pipe || stream->copied)
		return copy(monitor, stream, CHUNK) > 0;
	if (queue_length(&only->queue) == 0 && only->sink->out)
		return splice_to(monitor, stream, only);
	return hold_back(monitor, stream);
}

bool streams_settle(struct monitor *monitor)
{
	bool some = false;
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		while (peer->owed > 0) {
			size_t want = peer->owed < CHUNK ? peer->owed : CHUNK;
			uint8_t *room = queue_reserve(&peer->queue, want);
			ssize_t n = room == NULL ? -1 : read(peer->owed_from->source->fd, room, want);
			if (n < 0 && room != NULL && errno == EINTR)
				continue;
			if (n <= 0) {
				peer_lost(monitor, peer); /* no memory, or somebody else has read from our pipe */
				break;
			}
			queue_commit(&peer->queue, (size_t)n);
			peer->owed -= (size_t)n;
			some = true;
		}
	return some;
}

void stream_drain(struct monitor *monitor, struct stream *stream)
{
	if (stream->source == NULL)
		return;
	/* What the container has written is here by now. A process that has outlived it (there was no pid namespace) may keep the other end
	 * open, and write for ever: what a pipe holds at this moment is taken, of anything else at most as much as a pipe could hold. */
	int waits = 0;
	size_t left = PIPE_SIZE;
	if (stream->pipe && ioctl(stream->source->fd, FIONREAD, &waits) == 0)
		left = (size_t)waits;
	while (left > 0 && stream->source != NULL) {
		size_t n = copy(monitor, stream, left);
		if (n == 0)
			break;
		left -= n;
	}
	if (stream->source != NULL)
		stream_end(monitor, stream);
}
