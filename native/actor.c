/* The shim's life: hello, the client's frames, the child's program, undo, the end. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

/* --- to the client ------------------------------------------------------------------------------------------------------ */

void answer_flush(struct host *host)
{
	if (host->watching)
		return;
	if (host->answer.length && host->shim.client >= 0 && !write_all(host->shim.client, host->answer.data, host->answer.length))
		host->shim.client = -1; /* it has gone; whoever waits next sees that too */
	host->answer.length = 0;
}

void answer_frame(struct host *host, uint8_t type, const void *body, size_t length)
{
	uint8_t header[5], *at = header;
	uint32_t size = (uint32_t)length + 1;
	PUT(at, size);
	PUT(at, type);
	if (buffer_reserve(&host->answer, host->answer.length + sizeof header + length)) {
		buffer_append(&host->answer, header, sizeof header);
		buffer_append(&host->answer, body, length);
	} else {
		answer_flush(host);
		if (host->shim.client >= 0 && !send_frame(host->shim.client, type, body, length))
			host->shim.client = -1;
	}
}

void answer_result(struct host *host, struct run *run, const struct outcome *outcome, const struct step *step)
{
	if (run->quiet && step && result_says_nothing(&step->outline, outcome))
		return;
	if (!result_append(&host->answer, RESULT, run->batch, run->index, outcome, step)) {
		answer_flush(host);
		result_append(&host->answer, RESULT, run->batch, run->index, outcome, step);
	}
	if (host->answer.length > ANSWER_ENOUGH)
		answer_flush(host);
}

/* --- from the client ------------------------------------------------------------------------------------------------------ */

static void refuse(struct host *host, enum refusal code)
{
	static const char *const reasons[] = {
		[MALFORMED] = "the frame is malformed",
		[TOO_LARGE] = "a frame has 1 byte to 16 MiB",
		[UNKNOWN_TYPE] = "a frame of unknown type, or one that has no place here",
		[OUT_OF_MEMORY] = "out of memory",
		[NO_CHILD] = "a step for the container before clone3",
		[INTERNAL] = "internal error",
	};
	answer_flush(host);
	if (host->shim.client >= 0 && !send_error(host->shim.client, code, reasons[code]))
		host->shim.client = -1;
	host->ended = host->rollback = true;
}

static void share_slots(struct host *host)
{
	memcpy(host->shim.slot, host->slots.value, sizeof host->shim.slot);
	memcpy(host->shim.slot_set, host->slots.set, sizeof host->shim.slot_set);
}

static void take_monitor(struct host *host)
{
	share_slots(host);
	int error = monitor_open(&host->shim, host->frame.data, host->frame.length);
	struct outcome outcome = { .status = error ? STATUS_FAILED : STATUS_OK, .ret = error ? -1 : 0, .error = error };
	struct run run = { .batch = MONITOR_BATCH };
	answer_result(host, &run, &outcome, NULL);
	answer_flush(host);
}

static int take_signal(struct host *host)
{
	int32_t number;
	if (host->frame.length != sizeof number)
		return MALFORMED;
	memcpy(&number, host->frame.data, sizeof number);
	if (host->shim.child && host->shim.pidfd >= 0)
		syscall(SYS_pidfd_send_signal, host->shim.pidfd, number, NULL, 0);
	return 0;
}

/* Returns 0 or the code of the ERROR that the frame deserves. */
static int take_frame(struct host *host, uint8_t type)
{
	switch (type) {
	case BATCH:
	case QUIET:
		return batch_run(host, host->frame.data, host->frame.length, type == QUIET);
	case MONITOR:
		take_monitor(host);
		return 0;
	case ROLLBACK:
		host->ended = host->rollback = true;
		return host->frame.length ? MALFORMED : 0;
	case SIGNAL:
		return take_signal(host);
	case STDIN:
	case RESIZE:
		return 0; /* no program runs yet that could take them */
	default:
		return UNKNOWN_TYPE;
	}
}

/* Between two frames the child may die (somebody kills it, or it was born into a memory limit that is too small). */
static bool wait_for_frame(struct host *host)
{
	struct pollfd both[2] = { { .fd = host->shim.client, .events = POLLIN }, { .fd = host->channel, .events = POLLIN } };
	while (poll(both, 2, -1) < 0)
		if (errno != EINTR)
			return false;
	if (both[1].revents)
		host->ended = true;
	return !host->ended;
}

static void next_frame(struct host *host)
{
	uint8_t type = 0;
	int got = read_frame(host->shim.client, &type, &host->frame);
	if (got == 1) {
		int refusal = take_frame(host, type);
		if (refusal)
			refuse(host, refusal);
		buffer_shrink(&host->frame);
		buffer_shrink(&host->arena);
		buffer_shrink(&host->answer);
	} else if (got == -2) {
		refuse(host, TOO_LARGE);
	} else if (got == -3) {
		refuse(host, OUT_OF_MEMORY);
	} else {
		host->shim.client = -1;
	}
}

/* A batch that was sent before the client could know of the EXIT is answered: not run. */
static void answer_late_batches(struct host *host)
{
	uint8_t header[5];
	while (host->shim.client >= 0 && !host->rollback &&
	       recv(host->shim.client, header, sizeof header, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof header &&
	       (header[4] == BATCH || header[4] == QUIET))
		next_frame(host);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------- */

/* How long a client is waited for that has been told everything. */
#define LINGER_MS 1000

/*
 * The client closes first. Closing a stream with unread bytes in it takes what was sent last from the other side (unix(7): ECONNRESET); and who
 * writes into a closed one (the size of a terminal, a key, just when the program has ended) gets EPIPE, over which Node forgets to read what was
 * there before. One that does not close is not waited for long.
 */
static void hang_up(int client)
{
	uint8_t unread[512];
	struct timespec now, begun;
	struct pollfd stream = { .fd = client, .events = POLLIN };
	shutdown(client, SHUT_WR);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		long passed = (now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000;
		int ready = passed < LINGER_MS ? poll(&stream, 1, (int)(LINGER_MS - passed)) : 0;
		if (ready == 0 || (ready > 0 && recv(client, unread, sizeof unread, MSG_DONTWAIT) <= 0))
			break;
		if (ready < 0 && errno != EINTR)
			break;
	}
	close(client);
}

void serve(int client)
{
	struct host state = { .channel = -1, .shim = { .client = client, .pidfd = -1 } };
	struct host *host = &state;
	step_prepare();
	uint32_t hello[2] = { PROTOCOL_VERSION, (uint32_t)getpid() };
	if (!send_frame(client, HELLO, hello, sizeof hello))
		host->shim.client = -1;
	while (!host->ended && !host->shim.execed && host->shim.client >= 0)
		if (wait_for_frame(host))
			next_frame(host);

	if (host->shim.execed && !host->ended) {
		buffer_release(&host->frame);
		buffer_release(&host->arena);
		buffer_release(&host->answer);
		share_slots(host);
		monitor_run(&host->shim); /* reaps the child and says EXIT */
		host->shim.child = 0;
	} else {
		child_kill(host); /* if it lives still; an exit code that it has given itself stays */
		child_reap(host);
		answer_flush(host);
		answer_late_batches(host);
		monitor_discard(&host->shim);
	}
	undo_run(host);
	if (host->shim.client >= 0) {
		answer_frame(host, ENDED, NULL, 0);
		answer_flush(host);
	}
	if (host->shim.execed)
		monitor_linger(&host->shim);
	hang_up(client);
	buffer_release(&host->frame);
	buffer_release(&host->arena);
	buffer_release(&host->answer);
	buffer_release(&host->armed);
	if (host->shim.pidfd >= 0)
		close(host->shim.pidfd);
}
