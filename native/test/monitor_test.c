/* The monitor against real pipes, terminals, sockets and processes. Run it with a part of a name to run only those tests. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MIB ((uint64_t)1 << 20)

/* --- programs that are containers --------------------------------------------------------------------------------------------------- */

static void exit_with(void *status)
{
	_exit((int)(intptr_t)status);
}

static void wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

/* Noise on both streams, in pieces of all sizes; `amount` bytes on each. The counter is what has been written so far. */
struct noise_plan {
	uint64_t amount[2];
	size_t piece; /* 0: all sizes */
	volatile uint64_t written;
	pid_t pid;
};

static void write_noise(void *argument)
{
	static uint8_t bytes[1 << 17];
	struct noise_plan *plan = argument;
	uint64_t done[2] = { 0 };
	unsigned turn = 1;
	plan->pid = getpid();
	while (done[0] < plan->amount[0] || done[1] < plan->amount[1]) {
		turn = turn * 1103515245 + 12345;
		int stream = (turn >> 16) % 5 == 0;
		if (done[stream] >= plan->amount[stream])
			stream = !stream;
		uint64_t n = plan->piece > 0 ? plan->piece : (turn >> 8) % ((turn >> 20) % 3 == 0 ? sizeof bytes : 200) + 1;
		if (n > plan->amount[stream] - done[stream])
			n = plan->amount[stream] - done[stream];
		make_noise(stream + 1, done[stream], bytes, n);
		put_all(stream + 1, bytes, n);
		done[stream] += n;
		plan->written += n;
	}
}

static struct noise_plan *noise_plan(uint64_t out, uint64_t err, size_t piece)
{
	struct noise_plan *plan = shared(sizeof *plan);
	plan->amount[0] = out;
	plan->amount[1] = err;
	plan->piece = piece;
	return plan;
}

static void echo(void *unused)
{
	static uint8_t bytes[50000];
	ssize_t n;
	(void)unused;
	while ((n = read(0, bytes, sizeof bytes)) > 0)
		put_all(1, bytes, (size_t)n);
	_exit(n < 0 ? 9 : 42);
}

/* One byte, a nap until somebody says go on stdin, the rest. */
static void say_twice(void *unused)
{
	char byte;
	(void)unused;
	put_all(1, "first\n", 6);
	if (read(0, &byte, 1) == 1)
		put_all(1, "second\n", 7);
}

/* --- tests ---------------------------------------------------------------------------------------------------------------------------- */

static void no_monitor_frame(void)
{
	struct run run;
	launch(&run, &(struct setup){ .no_monitor = true, .program = exit_with, .argument = (void *)7 });
	begin_container(&run);
	CHECK(expect_exit_and_end(run.client) == 7 << 8);
	join(&run);
}

static void no_monitor_signal(void)
{
	struct run run;
	int32_t number = SIGTERM;
	launch(&run, &(struct setup){ .no_monitor = true, .program = wait_for_ever });
	begin_container(&run);
	put_frame(run.client, SIGNAL, &number, 4);
	CHECK(expect_exit_and_end(run.client) == SIGTERM);
	join(&run);
}

static void no_monitor_client_vanishes(void)
{
	struct run run;
	launch(&run, &(struct setup){ .no_monitor = true, .program = wait_for_ever });
	begin_container(&run);
	join(&run);
}

static void rollback_kills(void)
{
	struct run run;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .exit = "exit", .program = wait_for_ever });
	begin_container(&run);
	put_frame(run.client, ROLLBACK, NULL, 0);
	CHECK(expect_exit_and_end(run.client) == SIGKILL);
	join(&run);
}

/* Stands for the interpreter: answers with a DONE frame that repeats the batch's number and tells a sum over its body. */
static int fake_batch(struct shim *shim, uint8_t *body, size_t length, const uint8_t **frames, size_t *frames_length)
{
	static uint8_t done[10] = { 6, 0, 0, 0, DONE };
	if (length < 6)
		return MALFORMED;
	memcpy(done + 5, body, 4);
	done[9] = shim->child == 0 ? 0xff : 0;
	for (size_t i = 6; i < length && shim->child != 0; i++)
		done[9] = (uint8_t)(done[9] * 31 + body[i]) & 0x7f;
	*frames = done;
	*frames_length = sizeof done;
	return 0;
}

static int fake_batch_answer(const uint8_t *body, size_t length)
{
	unsigned sum = 0;
	for (size_t i = 6; i < length; i++)
		sum = (sum * 31 + body[i]) & 0x7f;
	return (int)sum;
}

/* Batches of all sizes go on beside the container's output, each answered once and between two whole OUTPUT frames, while another
 * connection controls the same container. */
static void batches_beside_output(void)
{
	enum { BATCHES = 40 };
	static uint8_t body[900001];
	struct run run;
	struct frame frame;
	struct noise_plan *plan = noise_plan(40 * MIB, 0, 0);
	uint64_t seen = 0;
	uint32_t answered = 0;
	uint16_t size[2] = { 1, 1 };
	make_noise(9, 0, body, sizeof body);
	launch(&run, &(struct setup){ .socket = "sock", .program = write_noise, .argument = plan, .batch = fake_batch });
	begin_container(&run);
	int other = control(&run);
	pid_t writer = fork();
	if (writer == 0) {
		for (uint32_t i = 0; i < BATCHES; i++) {
			memcpy(body, &i, 4);
			put_frame(run.client, BATCH, body, 6 + (i * 7919) % (sizeof body - 6));
			put_frame(other, RESIZE, size, 4);
		}
		_exit(0);
	}
	while (get_frame(run.client, &frame) && (frame.type == OUTPUT || frame.type == DONE)) {
		if (frame.type == OUTPUT) {
			check_noise(1, seen, frame.body + 1, frame.length - 1);
			seen += frame.length - 1;
			continue;
		}
		CHECK(frame.length == 5 && memcmp(frame.body, &answered, 4) == 0);
		memcpy(body, &answered, 4);
		CHECK(frame.body[4] == fake_batch_answer(body, 6 + (answered * 7919) % (sizeof body - 6)), "batch %u", answered);
		answered++;
	}
	CHECK(frame.type == EXIT_STATUS && seen == plan->amount[0]);
	while (get_frame(run.client, &frame) && frame.type == DONE) { /* what crossed the EXIT */
		CHECK(frame.body[4] == 0xff && memcmp(frame.body, &answered, 4) == 0);
		answered++;
	}
	CHECK(answered > 0);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	join(&run);
}

static void tell_pid(void *argument)
{
	*(volatile pid_t *)argument = getpid();
	put_all(1, "!", 1);
	wait_for_ever(NULL);
}

/* A batch that crosses the child's end is answered after EXIT and not made. */
static void batch_crosses_the_exit(void)
{
	struct run run;
	uint8_t body[200] = { 7, 0, 0, 0, 1, 0 };
	volatile pid_t *child = shared(sizeof *child);
	launch(&run, &(struct setup){ .program = tell_pid, .argument = (void *)child, .batch = fake_batch });
	begin_container(&run);
	expect_frame(run.client, OUTPUT);
	kill(run.shim, SIGSTOP);
	siginfo_t stopped;
	CHECK(waitid(P_PID, (id_t)run.shim, &stopped, WSTOPPED) == 0);
	kill(*child, SIGKILL);
	while (!is_dead(*child))
		usleep(1000);
	put_frame(run.client, BATCH, body, sizeof body);
	kill(run.shim, SIGCONT);
	struct frame first, second;
	CHECK(get_frame(run.client, &first));
	uint8_t type = first.type;
	CHECK(get_frame(run.client, &second));
	/* Both orders are right: the loop may hear the client before it reaps. It must be answered either way. */
	CHECK((type == EXIT_STATUS && second.type == DONE) || (type == DONE && second.type == EXIT_STATUS), "%#x %#x", type, second.type);
	CHECK(type == DONE || second.body[4] == 0xff);
	expect_frame(run.client, ENDED);
	join(&run);
}

static void bad_frame_of_the_client(void)
{
	static const struct {
		uint8_t bytes[16];
		size_t length;
		uint8_t code;
	} bad[] = {
		{ { 0, 0, 0, 0, 4 }, 5, MALFORMED },                    /* length 0 */
		{ { 255, 255, 255, 255, 4 }, 5, TOO_LARGE },
		{ { 1, 0, 0, 0, 0x77 }, 5, UNKNOWN_TYPE },
		{ { 1, 0, 0, 0, MONITOR }, 5, UNKNOWN_TYPE },           /* too late */
		{ { 3, 0, 0, 0, SIGNAL, 1, 2 }, 7, MALFORMED },
		{ { 5, 0, 0, 0, SIGNAL, 255, 255, 0, 0 }, 9, MALFORMED }, /* no such signal */
		{ { 3, 0, 0, 0, BATCH, 1, 2 }, 7, MALFORMED }, /* says who makes them */
		{ { 1, 0, 0, 0, RELEASE }, 5, UNKNOWN_TYPE },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct run run;
		launch(&run, &(struct setup){ .program = wait_for_ever, .batch = fake_batch });
		begin_container(&run);
		put_all(run.client, bad[i].bytes, bad[i].length);
		struct frame error = expect_frame(run.client, ERROR_TEXT);
		CHECK(error.length > 1 && error.body[0] == bad[i].code, "case %zu: code %d", i, error.body[0]);
		CHECK(expect_exit_and_end(run.client) == SIGKILL);
		join(&run);
	}
}

static void attended_output(void)
{
	struct run run;
	struct frame frame;
	uint64_t seen[3] = { 0 }, amount[3] = { 0, 24 * MIB + 12345, 8 * MIB + 77 };
	launch(&run, &(struct setup){ .program = write_noise, .argument = noise_plan(amount[1], amount[2], 0) });
	begin_container(&run);
	while (get_frame(run.client, &frame) && frame.type == OUTPUT) {
		CHECK(frame.length >= 2);
		int stream = frame.body[0];
		CHECK(stream == 1 || stream == 2);
		check_noise(stream, seen[stream], frame.body + 1, frame.length - 1);
		seen[stream] += frame.length - 1;
	}
	CHECK(frame.type == EXIT_STATUS && frame.body[0] == 0 && frame.body[1] == 0);
	CHECK(seen[1] == amount[1] && seen[2] == amount[2]);
	expect_frame(run.client, ENDED);
	join(&run);
}

/* 12 MiB through an echoing container, both directions at once; a slow reader and a fast writer, and frames of all sizes. */
static void attended_echo(void)
{
	struct run run;
	struct frame frame;
	const uint64_t amount = 12 * MIB + 321;
	uint64_t seen = 0;
	launch(&run, &(struct setup){ .program = echo });
	begin_container(&run);
	pid_t writer = fork();
	if (writer == 0) {
		static uint8_t bytes[3 << 20];
		uint64_t done = 0;
		for (size_t piece = 1; done < amount; piece = piece * 7 % 3000017) {
			size_t n = amount - done < piece ? amount - done : piece;
			make_noise(5, done, bytes, n);
			if (n > 0) /* an empty STDIN is the end */
				put_frame(run.client, STDIN, bytes, n);
			done += n;
		}
		put_frame(run.client, STDIN, NULL, 0);
		_exit(0);
	}
	while (get_frame(run.client, &frame) && frame.type == OUTPUT) {
		check_noise(5, seen, frame.body + 1, frame.length - 1);
		seen += frame.length - 1;
	}
	CHECK(seen == amount && frame.type == EXIT_STATUS && frame.body[1] == 42, "%llu bytes", (unsigned long long)seen);
	expect_frame(run.client, ENDED);
	waitpid(writer, NULL, 0);
	join(&run);
}

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

/* kill -9 of an attended client: the container dies, and its exit is on disk. */
static void client_is_killed(void)
{
	struct run run;
	size_t length;
	launch(&run, &(struct setup){ .program = wait_for_ever, .exit = "exit" });
	begin_container(&run);
	pid_t client = fork();
	if (client == 0)
		wait_for_ever(NULL);
	close(run.client);
	run.client = -1;
	kill(client, SIGKILL);
	waitpid(client, NULL, 0);
	join(&run);
	char *text = slurp(in_dir(&run, "exit"), &length);
	CHECK(text != NULL && strstr(text, "\"exitCode\":137,\"signal\":9,") != NULL, "%s", text);
}

/* Everything from the first byte for those who attached before the exec, by the spliced way. */
static void attach_before_exec(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(48 * MIB + 4711, 5 * MIB + 3, 0);
	struct demux state = { 0 };
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int fd = attach(&run, 7);
	begin_container(&run);
	demux_all(&state, fd);
	CHECK(state.seen[1] == plan->amount[0] && state.seen[2] == plan->amount[1]);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
	CHECK(access(in_dir(&run, "sock"), F_OK) < 0 && errno == ENOENT, "the socket is still there");
}

/* Large writes, so that frames are promised and owed; a second reader comes in the middle of it and must start at a frame's border. */
static void second_reader_comes_late(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(32 * MIB, 0, 100000);
	struct demux first = { 0 };
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int a = attach(&run, 2);
	begin_container(&run);
	CHECK(demux_some(&first, a, 3 * MIB));
	wait_until_stuck(&run, plan->pid, &plan->written); /* now the first one is owed something */
	int b = attach(&run, 2);
	pid_t reader = fork();
	if (reader == 0) {
		static uint8_t bytes[1 << 16];
		uint8_t header[8];
		uint64_t total = 0, end = plan->amount[0];
		size_t have = 0;
		uint32_t left = 0;
		for (ssize_t n; (n = read(b, bytes, sizeof bytes)) > 0;)
			for (ssize_t i = 0; i < n;) {
				if (left == 0) {
					header[have++] = bytes[i++];
					if (have < 8)
						continue;
					have = 0;
					memcpy(&left, header + 4, 4);
					left = __builtin_bswap32(left);
					CHECK(header[0] == 1 && header[1] == 0, "header %02x %02x", header[0], header[1]);
				} else {
					uint32_t part = n - i < (ssize_t)left ? (uint32_t)(n - i) : left;
					total += part;
					left -= part;
					i += part;
				}
			}
		CHECK(left == 0 && total > 0 && total < end, "%llu bytes", (unsigned long long)total);
		_exit(0);
	}
	close(b);
	demux_all(&first, a);
	CHECK(first.seen[1] == plan->amount[0]);
	int status;
	CHECK(waitpid(reader, &status, 0) == reader && status == 0);
	join(&run);
}

static void log_and_several_readers(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(6 * MIB + 99, 2 * MIB + 5, 0);
	struct setup setup = {
		.flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .log = "log", .program = write_noise, .argument = plan,
	};
	launch(&run, &setup);
	int fd[3] = { attach(&run, 6), attach(&run, 2), attach(&run, 4) };
	static const int wants[3][2] = { { 1, 1 }, { 1, 0 }, { 0, 1 } };
	begin_container(&run);
	pid_t reader[3];
	for (int i = 0; i < 3; i++)
		if ((reader[i] = fork()) == 0) {
			struct demux state = { 0 };
			demux_all(&state, fd[i]);
			for (int stream = 0; stream < 2; stream++)
				CHECK(state.seen[stream + 1] == (wants[i][stream] ? plan->amount[stream] : 0));
			_exit(0);
		}
	for (int i = 0; i < 3; i++) {
		int status;
		close(fd[i]);
		CHECK(waitpid(reader[i], &status, 0) == reader[i] && status == 0, "reader %d", i);
	}
	join(&run);
	struct stat status;
	CHECK(stat(in_dir(&run, "log"), &status) == 0 && status.st_size > (off_t)(8 * MIB));
}

/* A reader that stops reading stops the container within some MiB; when it goes on nothing is missing. */
static void stalled(bool with_log)
{
	struct run run;
	struct noise_plan *plan = noise_plan(40 * MIB, 0, 0);
	struct demux state = { 0 };
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .log = with_log ? "log" : NULL,
				      .program = write_noise, .argument = plan });
	int fd = attach(&run, 2);
	begin_container(&run);
	CHECK(demux_some(&state, fd, 1000));
	wait_until_stuck(&run, plan->pid, &plan->written);
	CHECK(plan->written >= MIB && plan->written < 4 * MIB, "%llu bytes", (unsigned long long)plan->written);
	demux_all(&state, fd);
	CHECK(state.seen[1] == plan->amount[0]);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

static void stalled_reader(void)
{
	stalled(false);
}

static void stalled_reader_with_log(void)
{
	stalled(true);
}

/* One of two readers stalls and then vanishes: the other one gets every byte. */
static void vanished_reader(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(24 * MIB, 0, 0);
	struct demux state = { 0 }, other = { 0 };
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int a = attach(&run, 2), b = attach(&run, 2);
	begin_container(&run);
	CHECK(demux_some(&state, a, 1000));
	CHECK(demux_some(&other, b, 500));
	pid_t reader = fork();
	if (reader == 0) {
		close(b);
		demux_all(&state, a);
		CHECK(state.seen[1] == plan->amount[0]);
		_exit(0);
	}
	wait_until_stuck(&run, plan->pid, &plan->written);
	CHECK(plan->written < plan->amount[0]);
	close(b);
	int status;
	CHECK(waitpid(reader, &status, 0) == reader && status == 0);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

/* The only, spliced, reader vanishes in the middle of a frame: the container goes on, and a new reader starts at a frame's border. */
static void vanished_only_reader(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(64 * MIB, 0, 65536);
	struct demux state = { 0 };
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int fd = attach(&run, 2);
	begin_container(&run);
	CHECK(demux_some(&state, fd, 100000));
	wait_until_stuck(&run, plan->pid, &plan->written);
	close(fd);
	CHECK(expect_exit_and_end(run.client) == 0);
	CHECK(plan->written == plan->amount[0]);
	join(&run);
}

/* The container exits while a reader is stalled: its exit does not wait, the reader gets everything later, then the shim ends. */
static void exit_before_the_reader_has_all(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(900000, 100000, 0);
	struct demux state = { 0 };
	size_t length;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int fd = attach(&run, 7);
	begin_container(&run);
	CHECK(expect_exit_and_end(run.client) == 0);
	CHECK(slurp(in_dir(&run, "exit"), &length) != NULL);
	demux_all(&state, fd);
	CHECK(state.seen[1] == plan->amount[0] && state.seen[2] == plan->amount[1]);
	join(&run);
}

/* Without a log and without readers what the container says is lost, as with Docker; who attaches gets what comes after. */
static void output_before_any_reader_is_dropped(void)
{
	struct run run;
	char text[64];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = say_twice });
	begin_container(&run);
	/* "first" has left the pipe when the shim sleeps again with nothing to do; the container then waits in read(2). */
	static volatile uint64_t still;
	wait_until_stuck(&run, run.shim, &still);
	int fd = attach(&run, 3);
	put_all(fd, "g", 1);
	size_t n = 0;
	for (ssize_t part; (part = read(fd, text + n, sizeof text - n)) > 0;)
		n += (size_t)part;
	CHECK(n == 8 + 7 && memcmp(text + 8, "second\n", 7) == 0, "%zu bytes", n);
	CHECK(expect_exit_and_end(run.client) == 0);
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

static void close_own_stdio(void *unused)
{
	(void)unused;
	put_all(1, "bye\n", 4);
	close(1);
	close(2);
	char byte;
	_exit(read(0, &byte, 1) == 1 && byte == 'q' ? 3 : 4);
}

/* The output has ended, the container has not. */
static void output_ends_before_the_container(void)
{
	struct run run;
	uint8_t text[64];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = close_own_stdio });
	int fd = attach(&run, 7);
	begin_container(&run);
	CHECK(recv(fd, text, 12, MSG_WAITALL) == 12 && memcmp(text + 8, "bye\n", 4) == 0);
	CHECK(read(fd, text, sizeof text) == 0);
	put_all(fd, "q", 1);
	CHECK(expect_exit_and_end(run.client) == 3 << 8);
	join(&run);
}

/* A detached container survives its client. It is found again, controlled, and its exit is taken from the shim that lingers. */
static void detached_survives(void)
{
	struct run run;
	struct frame frame;
	int32_t number = SIGUSR1;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .log = "log", .program = wait_for_ever });
	begin_container(&run);
	close(run.client);
	run.client = -1;
	int a = control(&run), b = control(&run);
	put_frame(a, SIGNAL, &number, 4);
	CHECK(expect_exit(a) == SIGUSR1);
	CHECK(expect_exit(b) == SIGUSR1);
	CHECK(!get_frame(a, &frame) && !get_frame(b, &frame));
	join(&run);
	CHECK(access(in_dir(&run, "sock"), F_OK) < 0);
}

/* No exit file, and nobody who has heard of the exit: the shim waits to be asked. */
static void lingers_until_asked(void)
{
	struct run run;
	struct frame frame;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .program = exit_with, .argument = (void *)5 });
	close(run.client);
	run.client = -1;
	begin_container(&run);
	static volatile uint64_t still;
	wait_until_stuck(&run, run.shim, &still);
	uint8_t output = 6;
	int fd = connect_to_monitor(&run); /* who attaches now finds the end */
	put_frame(fd, ATTACH, &output, 1);
	CHECK(read(fd, &output, 1) == 0);
	int late = control(&run);
	CHECK(expect_exit(late) == 5 << 8);
	CHECK(!get_frame(late, &frame));
	join(&run);
}

/* RELEASE is for a shim that a stalled reader keeps; while the container runs it is an error, of that connection only. */
static void release_ends_it(void)
{
	struct run run;
	struct frame frame;
	struct noise_plan *plan = noise_plan(900000, 0, 0);
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int early = connect_to_monitor(&run), other = connect_to_monitor(&run), fd = attach(&run, 6);
	put_frame(early, CONTROL, NULL, 0);
	put_frame(early, RELEASE, NULL, 0);
	put_frame(other, CONTROL, NULL, 0);
	begin_container(&run);
	expect_frame(early, HELLO);
	frame = expect_frame(early, ERROR_TEXT);
	CHECK(frame.body[0] == MALFORMED && !get_frame(early, &frame));
	expect_frame(other, HELLO);
	CHECK(expect_exit(other) == 0);
	static volatile uint64_t still;
	wait_until_stuck(&run, run.shim, &still);
	put_frame(other, RELEASE, NULL, 0);
	CHECK(!get_frame(other, &frame));
	join(&run);
	close(fd);
}

/* Who looks at the exit file at any moment sees nothing or all of it; no other name remains. */
static void exit_file(void)
{
	struct run run;
	size_t length;
	char *text;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .exit = "exit", .oom = "oom", .program = exit_with, .argument = (void *)3 });
	int fd = open(in_dir(&run, "oom"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* made after MONITOR came, as a plan does with a cgroup */
	put_all(fd, "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", 42);
	close(fd);
	begin_container(&run);
	while ((text = slurp(in_dir(&run, "exit"), &length)) == NULL)
		;
	CHECK(strncmp(text, "{\"exitCode\":3,\"signal\":0,\"oomKilled\":true,\"startedAt\":\"20", 57) == 0, "%s", text);
	CHECK(length > 2 && strcmp(text + length - 2, "}\n") == 0 && strstr(text, "logErrors") == NULL, "%s", text);
	CHECK(expect_exit_and_end(run.client) == 3 << 8);
	join(&run);
	CHECK(unlink(in_dir(&run, "exit")) == 0 && unlink(in_dir(&run, "oom")) == 0 && rmdir(run.dir) == 0, "another file remains");
}

static void no_oom(void)
{
	struct run run;
	int fd;
	launch(&run, &(struct setup){ .oom = "oom", .program = exit_with });
	fd = open(in_dir(&run, "oom"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	put_all(fd, "oom 9\noom_kill 0\noom_group_kill 7\n", 34);
	close(fd);
	begin_container(&run);
	struct frame frame = expect_frame(run.client, EXIT_STATUS);
	CHECK(frame.body[36] == 0);
	join(&run);
}

static void leave_a_child(void *argument)
{
	if (fork() == 0) {
		*(volatile pid_t *)argument = getpid();
		wait_for_ever(NULL);
	}
	while (*(volatile pid_t *)argument == 0)
		;
	write_noise(noise_plan(60000, 0, 0)); /* stays in the pipe when nobody reads at once */
	_exit(8);
}

/* A process that outlives the container and holds its pipes open keeps nobody waiting, and nothing that was said is lost. */
static void survivor_holds_the_pipe(void)
{
	struct run run;
	struct frame frame;
	uint64_t seen = 0;
	pid_t *survivor = shared(sizeof *survivor);
	launch(&run, &(struct setup){ .log = "log", .program = leave_a_child, .argument = survivor });
	begin_container(&run);
	while (get_frame(run.client, &frame) && frame.type == OUTPUT) {
		check_noise(1, seen, frame.body + 1, frame.length - 1);
		seen += frame.length - 1;
	}
	CHECK(frame.type == EXIT_STATUS && frame.body[1] == 8 && seen == 60000);
	CHECK(kill(*survivor, SIGKILL) == 0);
	join(&run);
}

/* --- terminals ------------------------------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t resized;

static void on_resize(int number)
{
	(void)number;
	resized = 1;
}

static void tell_size(void *unused)
{
	sigset_t winch, none;
	(void)unused;
	sigemptyset(&winch);
	sigemptyset(&none);
	sigaddset(&winch, SIGWINCH);
	sigprocmask(SIG_BLOCK, &winch, NULL);
	signal(SIGWINCH, on_resize);
	put_all(1, "ready\n", 6);
	while (!resized)
		sigsuspend(&none);
	struct winsize size;
	ioctl(0, TIOCGWINSZ, &size);
	dprintf(1, "%dx%d\n", size.ws_row, size.ws_col);
	char line[32];
	ssize_t n = read(0, line, sizeof line);
	dprintf(1, "<%.*s>\n", (int)n - 1, line);
	_exit(n == 6 ? 0 : 1);
}

/* Read until this text has come. */
static void read_until(int fd, char *all, size_t size, const char *text)
{
	size_t n = strlen(all);
	while (strstr(all, text) == NULL) {
		ssize_t part = read(fd, all + n, size - 1 - n);
		CHECK(part > 0, "\"%s\" has not come, but \"%s\"", text, all);
		n += (size_t)part;
		all[n] = '\0';
	}
}

static void terminal_attached(void)
{
	struct run run;
	char text[512] = "";
	uint16_t size[2] = { 33, 121 };
	launch(&run, &(struct setup){ .flags = DETACH_FLAG | TTY_FLAG, .socket = "sock", .exit = "exit", .log = "log", .program = tell_size });
	int fd = attach(&run, 3);
	begin_container(&run);
	read_until(fd, text, sizeof text, "ready\r\n");
	int other = control(&run);
	put_frame(other, RESIZE, size, 4);
	read_until(fd, text, sizeof text, "33x121\r\n");
	put_all(fd, "hello\n", 6);
	read_until(fd, text, sizeof text, "<hello>\r\n");
	CHECK(strcmp(text, "ready\r\n33x121\r\nhello\r\n<hello>\r\n") == 0, "%s", text); /* bare bytes, no framing; the echo is the terminal's */
	CHECK(read(fd, text, 1) == 0);
	CHECK(expect_exit(other) == 0);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
	size_t length;
	char *log = slurp(in_dir(&run, "log"), &length);
	CHECK(strncmp(log, "{\"log\":\"ready\\r\\n\",\"stream\":\"stdout\",\"time\":\"20", 46) == 0, "%s", log);
}

static void terminal_attended(void)
{
	struct run run;
	struct frame frame;
	char text[512] = "";
	uint16_t size[2] = { 24, 80 };
	launch(&run, &(struct setup){ .flags = TTY_FLAG, .program = tell_size });
	begin_container(&run);
	while (strstr(text, "ready") == NULL) {
		frame = expect_frame(run.client, OUTPUT);
		strncat(text, (char *)frame.body + 1, frame.length - 1);
	}
	put_frame(run.client, RESIZE, size, 4);
	put_frame(run.client, STDIN, "hel", 3);
	put_frame(run.client, STDIN, "lo\n", 3);
	put_frame(run.client, STDIN, NULL, 0); /* means nothing to a terminal */
	while (get_frame(run.client, &frame) && frame.type == OUTPUT) {
		CHECK(frame.body[0] == 1);
		strncat(text, (char *)frame.body + 1, frame.length - 1);
	}
	CHECK(frame.type == EXIT_STATUS && frame.body[1] == 0);
	CHECK(strstr(text, "24x80\r\n") != NULL && strstr(text, "<hello>\r\n") != NULL, "%s", text);
	join(&run);
}

static void terminal_noise(void *unused)
{
	(void)unused;
	for (int i = 0; i < 30000; i++)
		dprintf(1, "line %d of the noise of a terminal, which is not short at all\n", i);
}

static void terminal_amount(void)
{
	struct run run;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG | TTY_FLAG, .socket = "sock", .exit = "exit", .program = terminal_noise });
	int fd = attach(&run, 2);
	begin_container(&run);
	FILE *stream = fdopen(fd, "r");
	char line[256], expected[256];
	int i = 0;
	for (; fgets(line, sizeof line, stream) != NULL; i++) {
		snprintf(expected, sizeof expected, "line %d of the noise of a terminal, which is not short at all\r\n", i);
		CHECK(strcmp(line, expected) == 0, "%d: %s", i, line);
	}
	CHECK(i == 30000);
	fclose(stream);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

/* A terminal that nobody has open for a moment (as getty does it) has not ended. */
static void reopen_terminal(void *argument)
{
	char name[64];
	ssize_t n = readlink("/proc/self/fd/0", name, sizeof name - 1);
	name[n] = '\0';
	signal(SIGHUP, SIG_IGN);
	put_all(1, "one\n", 4);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	while (*(volatile int *)argument == 0)
		;
	int fd = open(name, O_RDWR | O_NOCTTY);
	put_all(fd, "two\n", 4);
	_exit(0);
}

static void terminal_reopened(void)
{
	struct run run;
	char text[64] = "";
	int *go = shared(sizeof *go);
	launch(&run, &(struct setup){ .flags = DETACH_FLAG | TTY_FLAG, .socket = "sock", .exit = "exit", .program = reopen_terminal, .argument = go });
	int fd = attach(&run, 2);
	begin_container(&run);
	read_until(fd, text, sizeof text, "one\r\n");
	static volatile uint64_t still;
	wait_until_stuck(&run, run.shim, &still);
	*(volatile int *)go = 1;
	read_until(fd, text, sizeof text, "two\r\n");
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

/* --- hostile connections ---------------------------------------------------------------------------------------------------------------- */

static void hostile_connections(void)
{
	struct run run;
	struct frame frame;
	static const struct {
		uint8_t bytes[16];
		size_t length;
		uint8_t code; /* 0: it just closes */
	} bad[] = {
		{ { 0, 0, 0, 0, ATTACH }, 5, MALFORMED },
		{ { 0, 0, 0, 2, ATTACH }, 5, TOO_LARGE },
		{ { 1, 0, 0, 0, ATTACH }, 5, MALFORMED },
		{ { 2, 0, 0, 0, ATTACH, 8 }, 6, MALFORMED },
		{ { 3, 0, 0, 0, CONTROL, 1, 2 }, 7, MALFORMED },
		{ { 1, 0, 0, 0, STDIN }, 5, UNKNOWN_TYPE },
		{ { 1, 0, 0, 0, ROLLBACK }, 5, UNKNOWN_TYPE },
		{ { 1, 0, 0, 0, RELEASE }, 5, UNKNOWN_TYPE },
		{ { 1, 0, 0 }, 3, 0 },
		{ { 2, 0, 0, 0, ATTACH }, 5, 0 },
		{ { 0 }, 0, 0 },
	};
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = say_twice });
	int good = attach(&run, 7);
	begin_container(&run);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int fd = connect_to_monitor(&run);
		put_all(fd, bad[i].bytes, bad[i].length);
		if (bad[i].code == 0) {
			shutdown(fd, SHUT_WR);
		} else {
			frame = expect_frame(fd, ERROR_TEXT);
			CHECK(frame.body[0] == bad[i].code, "case %zu: code %d", i, frame.body[0]);
		}
		CHECK(!get_frame(fd, &frame), "case %zu", i);
		close(fd);
	}
	/* A controlling connection that misbehaves later. */
	int other = control(&run);
	put_all(other, (uint8_t[]){ 1, 0, 0, 0, CONTROL }, 5);
	frame = expect_frame(other, ERROR_TEXT);
	CHECK(frame.body[0] == UNKNOWN_TYPE && !get_frame(other, &frame));
	/* Nonsense of every kind, many at once, some closed in the middle. */
	unsigned turn = 7;
	for (int i = 0; i < 2000; i++) {
		uint8_t bytes[64];
		int fd = connect_to_monitor(&run);
		for (size_t j = 0; j < sizeof bytes; j++) {
			turn = turn * 1103515245 + 12345;
			bytes[j] = (uint8_t)(turn >> 16);
		}
		if (i % 2 == 0) { /* a head that is nearly right */
			memcpy(bytes, (uint8_t[]){ bytes[0] % 4, 0, 0, 0, CONTROL }, 5);
			memcpy(bytes + 5, (uint8_t[]){ bytes[5] % 7, 0, 0, 0, RESIZE + bytes[6] % 2 }, 5);
			memset(bytes + 10, 0x80, 4); /* SIGNAL, if it is one, of a number that there is not */
		}
		send(fd, bytes, 1 + (turn >> 20) % sizeof bytes, MSG_NOSIGNAL);
		close(fd);
	}
	char text[64];
	put_all(good, "g", 1);
	CHECK(recv(good, text, 8 + 6 + 8 + 7, MSG_WAITALL) == 29 && memcmp(text + 22, "second\n", 7) == 0);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

static void other_user_is_refused(void)
{
	struct run run;
	struct frame frame;
	if (geteuid() != 0) {
		printf("skip other_user_is_refused: needs root\n");
		return;
	}
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = say_twice });
	chmod(in_dir(&run, "sock"), 0666);
	begin_container(&run);
	pid_t other = fork();
	if (other == 0) {
		CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
		int fd = connect_to_monitor(&run);
		frame = expect_frame(fd, ERROR_TEXT);
		CHECK(!get_frame(fd, &frame));
		_exit(0);
	}
	int status;
	CHECK(waitpid(other, &status, 0) == other && status == 0);
	int fd = control(&run);
	put_frame(fd, STDIN, "g", 1);
	CHECK(expect_exit(fd) == 0);
	join(&run);
}

/* More connections at once than there are descriptors: those that wait are served when others have gone. */
static void few_descriptors(void)
{
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 40, 40 });
}

static void too_many_connections(void)
{
	struct run run;
	int fd[100];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = say_twice, .prepare = few_descriptors });
	begin_container(&run);
	for (int i = 0; i < 100; i++)
		fd[i] = connect_to_monitor(&run);
	put_frame(fd[99], CONTROL, NULL, 0);
	for (int i = 0; i < 99; i++)
		close(fd[i]);
	expect_frame(fd[99], HELLO);
	put_frame(fd[99], STDIN, "g", 1);
	CHECK(expect_exit(fd[99]) == 0);
	join(&run);
}

/* A socket file that a killed shim has left is replaced; one that somebody listens on is not (monitor_open says EADDRINUSE). */
static void abandoned_socket(void)
{
	struct run run;
	struct frame frame;
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .program = wait_for_ever });
	kill(run.shim, SIGKILL);
	waitpid(run.shim, NULL, 0);
	CHECK(access(in_dir(&run, "sock"), F_OK) == 0);
	close(run.client);
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .program = exit_with });
	int fd = connect_to_monitor(&run);
	put_frame(fd, CONTROL, NULL, 0);
	begin_container(&run);
	expect_frame(fd, HELLO);
	CHECK(expect_exit(fd) == 0 && !get_frame(fd, &frame));
	join(&run);
}

/* Frames that are wrong: an errno, and nothing of it remains. */
static void monitor_frames(void)
{
	struct run run;
	struct shim shim = { .client = -1, .pidfd = -1 };
	uint8_t body[4096] = { 1, 3, 4, 5, 0, 0, 0, 0, 0, 0 }, broken[4096];
	launch(&run, &(struct setup){ .socket = "sock", .program = exit_with });
	size_t length = 10;
	static const char *const names[] = { "log", "exit", "sock2", "oom" };
	for (int i = 0; i < 4; i++) {
		const char *path = in_dir(&run, names[i]);
		uint16_t n = (uint16_t)strlen(path);
		memcpy(body + length, &n, 2);
		memcpy(body + length + 2, path, n);
		length += 2u + n;
	}
	for (size_t i = 0; i < length; i++)
		CHECK(monitor_open(&shim, body, i) == EINVAL, "%zu bytes", i);
	memcpy(broken, body, length);
	broken[length] = 0;
	CHECK(monitor_open(&shim, broken, length + 1) == EINVAL);
	broken[0] = 8;
	CHECK(monitor_open(&shim, broken, length) == EINVAL);
	broken[0] = TTY_FLAG;
	broken[2] = 0xff; /* a terminal in no slot */
	CHECK(monitor_open(&shim, broken, length) == EINVAL);
	broken[2] = 128; /* no such slot */
	CHECK(monitor_open(&shim, broken, length) == EINVAL);
	unsigned turn = 3;
	for (int i = 0; i < 5000; i++) {
		turn = turn * 1103515245 + 12345;
		memcpy(broken, body, length);
		broken[(turn >> 8) % length] ^= (uint8_t)(1u << (turn >> 28) % 8);
		broken[(turn >> 4) % 4] = 200; /* always one thing that is wrong for sure */
		CHECK(monitor_open(&shim, broken, length) != 0);
	}
	char *at = memmem(body, length, "sock2", 5);
	at[4] = '/'; /* a directory's name is no file's */
	CHECK(monitor_open(&shim, body, length) == EINVAL);
	at[4] = '\0';
	CHECK(monitor_open(&shim, body, length) == EINVAL);
	CHECK(access(in_dir(&run, "sock2"), F_OK) < 0);
	begin_container(&run);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

static void socket_in_use(void)
{
	struct run run;
	struct shim shim = { .client = -1, .pidfd = -1 };
	uint8_t body[256] = { 1, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0 };
	launch(&run, &(struct setup){ .socket = "sock", .program = exit_with });
	const char *path = in_dir(&run, "sock");
	uint16_t n = (uint16_t)strlen(path);
	memcpy(body + 14, &n, 2);
	memcpy(body + 16, path, n);
	CHECK(monitor_open(&shim, body, 18u + n) == EADDRINUSE);
	CHECK(access(path, F_OK) == 0);
	begin_container(&run);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
	CHECK(monitor_open(&shim, body, 18u + n) == 0);
	CHECK(monitor_open(&shim, body, 18u + n) == EALREADY);
}

static const struct test tests[] = {
#define TEST(name) { #name, name }
	TEST(monitor_frames),
	TEST(socket_in_use),
	TEST(no_monitor_frame),
	TEST(no_monitor_signal),
	TEST(no_monitor_client_vanishes),
	TEST(rollback_kills),
	TEST(batches_beside_output),
	TEST(batch_crosses_the_exit),
	TEST(bad_frame_of_the_client),
	TEST(attended_output),
	TEST(attended_echo),
	TEST(stdin_backpressure),
	TEST(client_is_killed),
	TEST(attach_before_exec),
	TEST(second_reader_comes_late),
	TEST(log_and_several_readers),
	TEST(stalled_reader),
	TEST(stalled_reader_with_log),
	TEST(vanished_reader),
	TEST(vanished_only_reader),
	TEST(exit_before_the_reader_has_all),
	TEST(output_before_any_reader_is_dropped),
	TEST(attached_stdin_ends),
	TEST(attached_stdin_is_kept),
	TEST(attached_stdin_amount),
	TEST(output_ends_before_the_container),
	TEST(detached_survives),
	TEST(lingers_until_asked),
	TEST(release_ends_it),
	TEST(exit_file),
	TEST(no_oom),
	TEST(survivor_holds_the_pipe),
	TEST(terminal_attached),
	TEST(terminal_attended),
	TEST(terminal_amount),
	TEST(terminal_reopened),
	TEST(hostile_connections),
	TEST(other_user_is_refused),
	TEST(too_many_connections),
	TEST(abandoned_socket),
};

int main(int argc, char **argv)
{
	return run_tests(tests, sizeof tests / sizeof *tests, argc, argv);
}
