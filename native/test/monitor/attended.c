/* The client's own container: it hears, speaks, and is the reason for its life. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

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

const struct test attended_tests[] = {
	TEST(no_monitor_frame),
	TEST(no_monitor_signal),
	TEST(no_monitor_client_vanishes),
	TEST(rollback_kills),
	TEST(attended_output),
	TEST(attended_echo),
	TEST(client_is_killed),
	{ 0 },
};
