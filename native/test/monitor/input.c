/* The container's stdin, from its client and from attached ones. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static void echo_later(void *go)
{
	while (*(volatile int *)go == 0)
		usleep(1000);
	echo(NULL);
}

/* A container that does not read: the client can write about a MiB and no more; when it reads at last nothing is missing. */
static void stdin_backpressure(void)
{
	enum { PIECE = 60000, PIECES = 150, FRAME = PIECE + 5 };
	uint8_t *frames = malloc(FRAME * PIECES), head[5] = { 0, 0, 0, 0, STDIN };
	uint32_t length = PIECE + 1;
	size_t sent = 0;
	struct run run;
	struct frame frame;
	int *go = shared(sizeof *go);
	memcpy(head, &length, 4);
	for (size_t i = 0; i < PIECES; i++) {
		memcpy(frames + i * FRAME, head, 5);
		make_noise(6, i * PIECE, frames + i * FRAME + 5, PIECE);
	}
	launch(&run, &(struct setup){ .program = echo_later, .argument = go });
	begin_container(&run);
	for (int quiet = 0; quiet < 50 && sent < FRAME * PIECES;) {
		ssize_t n = send(run.client, frames + sent, FRAME * PIECES - sent, MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			usleep(2000);
		quiet = n <= 0 && sleeps(run.shim) ? quiet + 1 : 0;
	}
	CHECK(sent > MIB && sent < 3 * MIB, "%zu bytes were taken", sent);
	*(volatile int *)go = 1;
	pid_t writer = fork();
	if (writer == 0) {
		put_all(run.client, frames + sent, FRAME * PIECES - sent);
		put_frame(run.client, STDIN, NULL, 0);
		_exit(0);
	}
	uint64_t seen = 0;
	while (get_frame(run.client, &frame) && frame.type == OUTPUT) {
		check_noise(6, seen, frame.body + 1, frame.length - 1);
		seen += frame.length - 1;
	}
	CHECK(seen == PIECE * PIECES && frame.type == EXIT_STATUS && frame.body[1] == 42, "%llu bytes came back", (unsigned long long)seen);
	free(frames);
	join(&run);
}

/* A container that does not read its stdin is one that somebody wants to look at, and to kill: who writes no stdin is heard. */
static void others_are_heard(void)
{
	static const uint8_t bytes[64 << 10];
	struct run run;
	const uint64_t start = 4 * MIB;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = wait_for_ever });
	int writer = attach(&run, 1), mute = attach(&run, 2);
	begin_container(&run);
	uint64_t sent = 0;
	for (int quiet = 0; quiet < 50 && sent < start;) {
		ssize_t n = send(writer, bytes, sizeof bytes, MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			usleep(2000);
		quiet = n <= 0 && sleeps(run.shim) ? quiet + 1 : 0;
	}
	CHECK(sent > MIB && sent < 3 * MIB, "%llu bytes were taken", (unsigned long long)sent);
	/* One that leaves, one that comes, and one that kills. */
	close(mute);
	int fd = connect_to_monitor(&run), number = SIGKILL;
	put_frame(fd, CONTROL, NULL, 0);
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	CHECK(poll(&answer, 1, 10000) == 1, "no HELLO");
	expect_frame(fd, HELLO);
	put_frame(fd, SIGNAL, &number, sizeof number);
	CHECK(poll(&answer, 1, 10000) == 1, "not killed");
	CHECK(expect_exit(fd) == SIGKILL);
	close(writer);
	close(fd);
	CHECK(expect_exit_and_end(run.client) == SIGKILL);
	join(&run);
}

static void half_close(bool keep)
{
	struct run run;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG | (keep ? KEEP_STDIN_FLAG : 0), .socket = "sock", .exit = "exit", .program = echo });
	int fd = attach(&run, 3);
	begin_container(&run);
	uint8_t text[64];
	put_all(fd, "one", 3);
	CHECK(recv(fd, text, 11, MSG_WAITALL) == 11 && memcmp(text + 8, "one", 3) == 0);
	put_all(fd, "two", 3);
	shutdown(fd, SHUT_WR);
	CHECK(recv(fd, text, 11, MSG_WAITALL) == 11 && memcmp(text + 8, "two", 3) == 0);
	if (keep) {
		int other = control(&run);
		put_frame(other, STDIN, "three", 5);
		CHECK(recv(fd, text, 13, MSG_WAITALL) == 13 && memcmp(text + 8, "three", 5) == 0);
		put_frame(other, STDIN, NULL, 0);
	}
	CHECK(read(fd, text, sizeof text) == 0);
	CHECK(expect_exit_and_end(run.client) == 42 << 8);
	join(&run);
}

static void attached_stdin_ends(void)
{
	half_close(false);
}

static void attached_stdin_is_kept(void)
{
	half_close(true);
}

/* Many MiB of stdin by an attached client that closes as soon as it has written everything. */
static void attached_stdin_amount(void)
{
	struct run run;
	const uint64_t amount = 10 * MIB + 11;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = echo });
	int in = attach(&run, 1), out = attach(&run, 2);
	begin_container(&run);
	pid_t writer = fork();
	if (writer == 0) {
		static uint8_t bytes[100003];
		for (uint64_t done = 0; done < amount;) {
			size_t n = amount - done < sizeof bytes ? amount - done : sizeof bytes;
			make_noise(1, done, bytes, n); /* seed 1: it comes back on stream 1 */
			put_all(in, bytes, n);
			done += n;
		}
		_exit(0);
	}
	close(in);
	struct demux state = { 0 };
	demux_all(&state, out);
	CHECK(state.seen[1] == amount, "%llu bytes", (unsigned long long)state.seen[1]);
	CHECK(expect_exit_and_end(run.client) == 42 << 8);
	waitpid(writer, NULL, 0);
	join(&run);
}

const struct test input_tests[] = {
	TEST(stdin_backpressure),
	TEST(others_are_heard),
	TEST(attached_stdin_ends),
	TEST(attached_stdin_is_kept),
	TEST(attached_stdin_amount),
	{ 0 },
};
