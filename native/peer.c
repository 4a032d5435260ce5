/* A connection: the client that gave the shim its steps, an attached one, or a controlling one. Whatever is sent to it goes out at once
 * if it can and waits in its queue otherwise; whoever makes bytes for it asks peer_is_slow before. */
#define _GNU_SOURCE
#include "monitor.h"
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void peer_add(struct monitor *monitor, struct peer *peer)
{
	struct peer **last = &monitor->peers; /* at the end: those who came first are served first */
	while (*last != NULL)
		last = &(*last)->next;
	*last = peer;
	peer->sink = &peer->source;
	/* Look at once: what it sent before it was accepted counts before any output that is read after. */
	peer->source.in = peer->source.out = true;
}

struct peer *peer_new(struct monitor *monitor, int fd)
{
	struct peer *peer = mmap(NULL, sizeof *peer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (peer == MAP_FAILED)
		return NULL;
	if (!watch(monitor, &peer->source, fd)) {
		munmap(peer, sizeof *peer);
		return NULL;
	}
	peer->kind = PEER_FRESH;
	peer_add(monitor, peer);
	return peer;
}

bool peer_reads(const struct monitor *monitor, const struct peer *peer, const struct stream *stream)
{
	if (peer->output_ended || peer->ending)
		return false;
	if (peer->kind == PEER_CLIENT)
		return !monitor->detach;
	return peer->kind == PEER_ATTACH && (peer->attached & (stream->number == 1 ? 2 : 4)) != 0;
}

bool peer_is_slow(const struct peer *peer, const struct stream *stream)
{
	return queue_length(&peer->queue) >= QUEUE_LIMIT || (peer->owed > 0 && peer->owed_from != stream);
}

size_t peer_header(const struct monitor *monitor, const struct peer *peer, const struct stream *stream, size_t n, uint8_t header[8])
{
	uint32_t length = (uint32_t)n;
	if (peer->kind == PEER_CLIENT) { /* OUTPUT */
		length += 2;
		memcpy(header, &length, 4);
		header[4] = OUTPUT;
		header[5] = (uint8_t)stream->number;
		return 6;
	}
	if (monitor->tty)
		return 0;
	length = __builtin_bswap32(length);
	memset(header, 0, 4);
	header[0] = (uint8_t)stream->number;
	memcpy(header + 4, &length, 4);
	return 8;
}

void peer_lost(struct monitor *monitor, struct peer *peer)
{
	peer->output_ended = true;
	peer->owed = 0;
	queue_release(&peer->queue);
	deliver_end(monitor, peer);
	if (peer->kind == PEER_CLIENT && !monitor->detach && !monitor->exited)
		kill_child(monitor, SIGKILL); /* nobody is there for whom it should run */
}

void peer_silent(struct monitor *monitor, struct peer *peer)
{
	peer->input_ended = true;
	if (peer->kind == PEER_ATTACH && (peer->attached & 1) != 0 && !monitor->keep_stdin)
		input_end(monitor);
	if (peer->kind == PEER_CLIENT || peer->kind == PEER_FRESH)
		peer_lost(monitor, peer);
}

static void peer_send(struct monitor *monitor, struct peer *peer, const void *head, size_t head_length, const void *bytes, size_t n)
{
	if (peer->output_ended)
		return;
	size_t sent = 0;
	while (!peer->held && queue_length(&peer->queue) == 0 && peer->sink->out && sent < head_length + n) {
		size_t of_head = sent < head_length ? sent : head_length;
		struct iovec parts[2] = {
			{ (uint8_t *)(uintptr_t)head + of_head, head_length - of_head },
			{ (uint8_t *)(uintptr_t)bytes + (sent - of_head), n - (sent - of_head) },
		};
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t now = sendmsg(peer->sink->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (now >= 0) {
			sent += (size_t)now;
		} else if (errno == EAGAIN) {
			peer->sink->out = false;
		} else if (errno != EINTR) {
			peer_lost(monitor, peer);
			return;
		}
	}
	size_t of_head = sent < head_length ? sent : head_length;
	if (!queue_append(&peer->queue, (const uint8_t *)head + of_head, head_length - of_head) ||
	    !queue_append(&peer->queue, (const uint8_t *)bytes + (sent - of_head), n - (sent - of_head)))
		peer_lost(monitor, peer); /* no memory: its stream has a hole now */
}

void peer_send_output(struct monitor *monitor, struct peer *peer, struct stream *stream, const uint8_t *bytes, size_t n)
{
	uint8_t header[8];
	size_t length = peer_header(monitor, peer, stream, n, header);
	peer_send(monitor, peer, header, length, bytes, n);
}

void peer_send_frame(struct monitor *monitor, struct peer *peer, uint8_t type, const void *body, size_t n)
{
	uint32_t length = (uint32_t)n + 1;
	uint8_t header[5];
	memcpy(header, &length, 4);
	header[4] = type;
	streams_settle(monitor); /* not into the middle of an OUTPUT whose bytes are still in the pipe */
	peer_send(monitor, peer, header, sizeof header, body, n);
}

void peer_send_frames(struct monitor *monitor, struct peer *peer, const uint8_t *frames, size_t n)
{
	streams_settle(monitor);
	peer_send(monitor, peer, NULL, 0, frames, n);
}

bool peer_flush(struct monitor *monitor, struct peer *peer)
{
	bool some = false;
	while (!peer->held && peer->sink->out && queue_length(&peer->queue) > 0) {
		ssize_t n = send(peer->sink->fd, queue_bytes(&peer->queue), queue_length(&peer->queue), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			queue_skip(&peer->queue, (size_t)n);
			some = true;
		} else if (n < 0 && errno == EAGAIN) {
			peer->sink->out = false;
		} else if (n == 0 || errno != EINTR) {
			peer_lost(monitor, peer);
			return true;
		}
	}
	return some;
}

/* What it says; every byte that is read has a place, because no more is read than stdin has room for. */
bool peer_read(struct monitor *monitor, struct peer *peer)
{
	if (peer->source.hup && !peer->output_ended) {
		peer_lost(monitor, peer); /* both directions are closed: do not make it wait for what was said before */
		return true;
	}
	if (peer->input_ended || !peer->source.in)
		return false;
	size_t room = input_room(monitor);
	if (room == 0)
		room = frames_before_input(peer); /* a container that does not read can be looked at and killed all the same */
	if (room == 0)
		return false;
	ssize_t n;
	do
		n = recv(peer->source.fd, scratch, room < CHUNK ? room : CHUNK, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		peer->source.in = false;
		return false;
	}
	if (n <= 0) {
		peer_silent(monitor, peer);
		return true;
	}
	monitor->heavy |= n > 4096;
	size_t taken = peer->kind == PEER_ATTACH && !peer->held ? 0 : frames_take(monitor, peer, scratch, (size_t)n);
	if (peer->kind == PEER_ATTACH && !peer->held && (peer->attached & 1) != 0)
		input_take(monitor, scratch + taken, (size_t)n - taken);
	return true;
}

/* Nothing but the end is left to be sent. */
static void end_output(struct monitor *monitor, struct peer *peer)
{
	deliver_end(monitor, peer);
	/* Both directions, and what has come is read: closing a unix socket with unread bytes resets the connection, and the peer would see
	 * an error instead of the end. */
	bool both = peer->input_ended;
	shutdown(peer->source.fd, both ? SHUT_RDWR : SHUT_WR);
	while (both && recv(peer->source.fd, scratch, CHUNK, MSG_DONTWAIT) > 0)
		;
	peer->output_ended = true;
}

static bool any_stream(const struct monitor *monitor, const struct peer *peer)
{
	for (int i = 0; i < 2; i++)
		if (monitor->stream[i].source != NULL && peer_reads(monitor, peer, &monitor->stream[i]))
			return true;
	return false;
}

void peers_sweep(struct monitor *monitor)
{
	struct peer **at = &monitor->peers;
	while (*at != NULL) {
		struct peer *peer = *at;
		bool sent = queue_length(&peer->queue) == 0 && peer->owed == 0;
		if (peer->kind == PEER_ATTACH && !peer->ending && (monitor->exited || (peer->attached & 6) != 0) && !any_stream(monitor, peer))
			peer->ending = true;
		if (monitor->exited && peer->kind == PEER_ATTACH && !peer->held && !peer->input_ended)
			peer->input_ended = true;
		if (peer->has_exit && sent && !peer->output_ended)
			monitor->exit_taken = true;
		if (peer->ending && sent && !peer->output_ended)
			end_output(monitor, peer);
		if (!peer->input_ended || !peer->output_ended) {
			at = &peer->next;
			continue;
		}
		*at = peer->next;
		queue_release(&peer->queue);
		unwatch(monitor, &peer->source);
		close(peer->source.fd);
		monitor->listener.in = monitor->listener.fd >= 0; /* there may be a descriptor again for one that waits */
		if (peer == &monitor->client)
			monitor->shim->client = -1;
		else
			munmap(peer, sizeof *peer);
	}
}

void peer_end(struct monitor *monitor, struct peer *peer)
{
	peer->input_ended = true;
	if (!peer->output_ended)
		end_output(monitor, peer);
}

void peer_leave(struct monitor *monitor, struct peer *peer)
{
	struct peer **at = &monitor->peers;
	while (*at != NULL && *at != peer)
		at = &(*at)->next;
	if (*at == peer)
		*at = peer->next;
	queue_release(&peer->queue);
	unwatch(monitor, &peer->source);
	shutdown(peer->source.fd, SHUT_WR);
}

void peers_end(struct monitor *monitor)
{
	for (struct peer *peer = monitor->peers; peer != NULL; peer = peer->next)
		peer_end(monitor, peer);
	peers_sweep(monitor);
}
