/* Attached clients: each gets every byte, whatever the others do. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

const struct test reader_tests[] = {
	TEST(attach_before_exec),
	TEST(second_reader_comes_late),
	TEST(log_and_several_readers),
	TEST(stalled_reader),
	TEST(stalled_reader_with_log),
	TEST(vanished_reader),
	TEST(vanished_only_reader),
	TEST(output_before_any_reader_is_dropped),
	{ 0 },
};
