/* What the client and the connections to the monitor's socket say. The bytes of STDIN are passed on as they come, so that a frame of
 * 16 MiB needs no memory here. */
#define _GNU_SOURCE
#include "monitor.h"
#include "wire.h"

#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FRAME_HEAD 5

/* The bytes behind the type that must be there before a frame means something; -1: of no use from this peer. */
static int fixed_part(const struct peer *peer, uint8_t type)
{
	if (peer->kind == PEER_FRESH)
		return type == ATTACH ? 1 : type == CONTROL ? 0 : -1;
	if (peer->kind == PEER_ATTACH) /* held: raw bytes come behind this one */
		return type == DELIVER ? 12 : -1;
	switch (type) {
	case STDIN:
		return 0;
	case RESIZE:
	case SIGNAL:
		return 4;
	case RELEASE:
		return peer->kind == PEER_CONTROL ? 0 : -1;
	case ROLLBACK:
	case LEAVE:
	case BATCH:
		return peer->kind == PEER_CLIENT ? 0 : -1;
	default:
		return -1;
	}
}

static void refuse(struct monitor *monitor, struct peer *peer, enum refusal code, const char *text)
{
	uint8_t body[128];
	size_t length = strnlen(text, sizeof body - 1);
	body[0] = (uint8_t)code;
	memcpy(body + 1, text, length);
	peer->held = false; /* or it would never be sent */
	peer_send_frame(monitor, peer, ERROR_TEXT, body, length + 1);
	peer->input_ended = true;
	if (peer->kind == PEER_CLIENT)
		kill_child(monitor, SIGKILL); /* EXIT, UNDONE and ENDED follow */
	else
		peer->ending = true;
}

void send_exit(struct monitor *monitor, struct peer *peer)
{
	uint8_t body[EXIT_BODY];
	exit_body(body, monitor->status, monitor->nanoseconds, &monitor->usage, monitor->oom_killed);
	peer_send_frame(monitor, peer, EXIT_STATUS, body, sizeof body);
	peer->has_exit = true;
}

/* Steps of the host's, whole now: made (answered "not run" when the child is dead), and answered behind what waits for the client. */
static void make_batch(struct monitor *monitor, struct peer *peer)
{
	const uint8_t *frames = NULL;
	size_t length = 0;
	int refusal = UNKNOWN_TYPE;
	if (monitor->shim->batch)
		refusal = monitor->shim->batch(monitor->shim, monitor->batch.data, monitor->batch.length, &frames, &length);
	buffer_shrink(&monitor->batch);
	if (refusal)
		return refuse(monitor, peer, (enum refusal)refusal, "the batch cannot be made");
	peer_send_frames(monitor, peer, frames, length);
}

static void become_control(struct monitor *monitor, struct peer *peer)
{
	uint32_t hello[2] = { PROTOCOL_VERSION, (uint32_t)getpid() };
	peer->kind = PEER_CONTROL;
	peer_send_frame(monitor, peer, HELLO, hello, sizeof hello);
	if (monitor->exited)
		send_exit(monitor, peer);
}

static void act(struct monitor *monitor, struct peer *peer, uint8_t type)
{
	const uint8_t *body = peer->head + FRAME_HEAD;
	switch (type) {
	case ATTACH:
		if ((body[0] & ~15) != 0)
			return refuse(monitor, peer, MALFORMED, "ATTACH: flags are 1 stdin, 2 stdout, 4 stderr, 8 held");
		streams_settle(monitor); /* what was promised to others from a pipe is not the newcomer's */
		peer->kind = PEER_ATTACH;
		peer->attached = body[0] & 7;
		peer->held = (body[0] & 8) != 0;
		return;
	case DELIVER: {
		int32_t fd;
		uint64_t inode;
		memcpy(&fd, body, sizeof fd);
		memcpy(&inode, body + sizeof fd, sizeof inode);
		return deliver(monitor, peer, fd, inode);
	}
	case CONTROL:
		return become_control(monitor, peer);
	case RESIZE: {
		struct winsize size = { 0 };
		memcpy(&size.ws_row, body, 2);
		memcpy(&size.ws_col, body + 2, 2);
		if (monitor->terminal.fd >= 0) /* without a terminal there is nothing that has a size */
			ioctl(monitor->terminal.fd, TIOCSWINSZ, &size);
		return;
	}
	case SIGNAL: {
		int32_t number;
		memcpy(&number, body, sizeof number);
		if (number < 0 || number >= NSIG)
			return refuse(monitor, peer, MALFORMED, "SIGNAL: no such signal");
		kill_child(monitor, number); /* one that has just died is no error: EXIT says so */
		return;
	}
	case ROLLBACK:
		return kill_child(monitor, SIGKILL);
	case LEAVE:
		monitor->detach = true;
		monitor->alone = true;
		peer->input_ended = true; /* it may say no more, and hears what waits for it to the end */
		peer->ending = true;
		return;
	case RELEASE:
		if (!monitor->exited)
			return refuse(monitor, peer, MALFORMED, "RELEASE: the container has not exited");
		monitor->released = true;
		return;
	case BATCH:
		return make_batch(monitor, peer);
	}
}

/* The frame's length and type are known: how does it go on? */
static void begin(struct monitor *monitor, struct peer *peer)
{
	uint32_t length;
	uint8_t type = peer->head[4];
	memcpy(&length, peer->head, sizeof length);
	if (length == 0)
		return refuse(monitor, peer, MALFORMED, "a frame's length includes its type and is never 0");
	if (length > LONGEST_FRAME)
		return refuse(monitor, peer, TOO_LARGE, "a frame may have 16 MiB");
	int fixed = fixed_part(peer, type);
	if (fixed < 0)
		return refuse(monitor, peer, UNKNOWN_TYPE,
			      peer->kind == PEER_FRESH ? "the first frame must be ATTACH or CONTROL" : "a frame of this type has no meaning here");
	uint32_t body = length - 1;
	if (type == STDIN || type == BATCH ? body < (uint32_t)fixed : body != (uint32_t)fixed)
		return refuse(monitor, peer, MALFORMED, "the frame's length does not fit its type");
	peer->body_left = body - (uint32_t)fixed;
	peer->body_is_input = type == STDIN;
	if (type == BATCH)
		monitor->batch.length = 0;
	if (type == STDIN && body == 0)
		input_end(monitor);
}

size_t frames_before_input(const struct peer *peer)
{
	if (peer->kind == PEER_ATTACH && !peer->held)
		return peer->attached & 1 ? 0 : CHUNK;
	if (peer->body_left > 0)
		return peer->body_is_input ? 0 : peer->body_left;
	int fixed = peer->head_length < FRAME_HEAD ? 0 : fixed_part(peer, peer->head[4]);
	return FRAME_HEAD + (size_t)(fixed > 0 ? fixed : 0) - peer->head_length;
}

size_t frames_take(struct monitor *monitor, struct peer *peer, const uint8_t *bytes, size_t n)
{
	size_t taken = 0;
	while (!peer->input_ended && (peer->kind != PEER_ATTACH || peer->held)) {
		int fixed = peer->head_length < FRAME_HEAD ? 0 : fixed_part(peer, peer->head[4]);
		size_t need = FRAME_HEAD + (size_t)(fixed > 0 ? fixed : 0);
		if (peer->head_length < need) {
			size_t more = need - peer->head_length;
			if (more > n - taken)
				more = n - taken;
			if (more == 0)
				break;
			memcpy(peer->head + peer->head_length, bytes + taken, more);
			bool was_short = peer->head_length < FRAME_HEAD;
			peer->head_length += more;
			taken += more;
			if (was_short && peer->head_length >= FRAME_HEAD)
				begin(monitor, peer);
			continue;
		}
		if (peer->body_left > 0) {
			size_t part = peer->body_left < n - taken ? peer->body_left : n - taken;
			if (part == 0)
				break;
			if (peer->body_is_input)
				input_push(monitor, bytes + taken, part);
			else if (!buffer_append(&monitor->batch, bytes + taken, part))
				return refuse(monitor, peer, OUT_OF_MEMORY, "no memory for the batch"), n;
			taken += part;
			peer->body_left -= part;
			if (peer->body_left > 0)
				break;
		}
		peer->head_length = 0;
		act(monitor, peer, peer->head[4]);
	}
	return taken;
}
