/* Attached clients whose output goes into another socket of theirs. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define OUT_HELD 10
#define ALL_HELD 15

/* ours[0] is what the process has, ours[1] its client's side. Where Yama lets a process be looked into by its parents only, ours asks to be. */
static void make_sink(int ours[2])
{
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ours) == 0);
	CHECK(fcntl(ours[0], F_SETFL, O_NONBLOCK) == 0);
}

static uint64_t inode_of(int fd)
{
	struct stat status;
	CHECK(fstat(fd, &status) == 0);
	return status.st_ino;
}

static void say_where(int connection, int32_t fd, uint64_t inode)
{
	uint8_t body[12];
	memcpy(body, &fd, 4);
	memcpy(body + 4, &inode, 8);
	put_frame(connection, DELIVER, body, sizeof body);
}

/* The container has written what a pipe takes, and waits. */
static void wait_until_held(const struct run *run, const struct noise_plan *plan)
{
	while (plan->written == 0)
		usleep(1000);
	wait_until_stuck(run, plan->pid, &plan->written);
}

/* Returns what the shim answers. */
static int ask_for(int connection, int32_t fd, uint64_t inode)
{
	uint8_t answer;
	say_where(connection, fd, inode);
	CHECK(read(connection, &answer, 1) == 1);
	return answer;
}

static void expect_end(int fd)
{
	uint8_t byte;
	CHECK(read(fd, &byte, 1) == 0);
}

static void into_another_socket(bool with_log)
{
	struct run run;
	struct noise_plan *plan = noise_plan(40 * MIB + 17, 5 * MIB + 3, 0);
	struct demux state = { 0 };
	int sink[2];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .log = with_log ? "log" : NULL,
				      .program = write_noise, .argument = plan });
	int fd = attach(&run, ALL_HELD);
	begin_container(&run);
	make_sink(sink); /* which nobody inherits */
	wait_until_held(&run, plan);
	CHECK(plan->written <= MIB / 4, "%llu bytes were taken by nobody", (unsigned long long)plan->written);
	CHECK(ask_for(fd, sink[0], inode_of(sink[0])) == 1);
	close(sink[0]); /* the shim's is the only one now, so that its end is seen */
	demux_all(&state, sink[1]);
	CHECK(state.seen[1] == plan->amount[0] && state.seen[2] == plan->amount[1]);
	expect_end(fd);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

static void output_into_another_socket(void)
{
	into_another_socket(false);
}

static void output_into_another_socket_with_log(void)
{
	into_another_socket(true);
}

/* What cannot be: all of it comes by the connection itself. */
static void not_into_what_is_no_such_socket(void)
{
	int sink[2], pipes[2];
	make_sink(sink);
	CHECK(pipe2(pipes, O_NONBLOCK | O_CLOEXEC) == 0);
	const struct {
		int fd;
		uint64_t inode;
	} cases[] = {
		{ -1, 0 },
		{ sink[0], inode_of(sink[0]) + 1 }, /* the number is another's by now */
		{ sink[1], inode_of(sink[1]) },     /* would block */
		{ pipes[1], inode_of(pipes[1]) },
		{ 1000, 0 },
		{ INT32_MIN, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct run run;
		struct noise_plan *plan = noise_plan(3 * MIB + 17, 1000, 0);
		struct demux state = { 0 };
		launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
		int fd = attach(&run, ALL_HELD);
		begin_container(&run);
		CHECK(ask_for(fd, cases[i].fd, cases[i].inode) == 0, "case %zu", i);
		demux_all(&state, fd);
		CHECK(state.seen[1] == plan->amount[0] && state.seen[2] == plan->amount[1], "case %zu", i);
		join(&run);
	}
}

/* It has all that was said, however late it says where it wants it. */
static void held_past_the_exit(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(3000, 2000, 0);
	struct demux state = { 0 };
	int sink[2];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int fd = attach(&run, ALL_HELD);
	begin_container(&run);
	make_sink(sink);
	CHECK(expect_exit_and_end(run.client) == 0);
	CHECK(ask_for(fd, sink[0], inode_of(sink[0])) == 1);
	close(sink[0]);
	demux_all(&state, sink[1]);
	CHECK(state.seen[1] == 3000 && state.seen[2] == 2000);
	expect_end(fd);
	join(&run);
}

/* stdin is behind the frame, and comes by the connection. */
static void stdin_behind_it(void)
{
	struct run run;
	uint8_t bytes[64];
	int sink[2];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = echo });
	int fd = attach(&run, ALL_HELD);
	begin_container(&run);
	make_sink(sink);
	say_where(fd, sink[0], inode_of(sink[0]));
	put_all(fd, "hello", 5);
	shutdown(fd, SHUT_WR);
	CHECK(read(fd, bytes, 1) == 1 && bytes[0] == 1);
	close(sink[0]);
	size_t n = 0;
	for (ssize_t part; (part = read(sink[1], bytes + n, sizeof bytes - n)) > 0;)
		n += (size_t)part;
	CHECK(n == 13 && memcmp(bytes, "\1\0\0\0\0\0\0\5hello", 13) == 0, "%zu bytes", n);
	expect_exit_and_end(run.client);
	join(&run);
}

/* Whoever gave it ends the connection, or dies: the shim has it no more, and the container goes on. */
static void the_connection_ends(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(24 * MIB, 0, 65536);
	static uint8_t bytes[1 << 16];
	int sink[2];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int fd = attach(&run, OUT_HELD);
	begin_container(&run);
	make_sink(sink);
	CHECK(ask_for(fd, sink[0], inode_of(sink[0])) == 1);
	close(sink[0]);
	CHECK(read(sink[1], bytes, 1000) > 0);
	wait_until_stuck(&run, plan->pid, &plan->written);
	CHECK(plan->written < plan->amount[0]);
	close(fd);
	while (read(sink[1], bytes, sizeof bytes) > 0)
		;
	CHECK(expect_exit_and_end(run.client) == 0);
	CHECK(plan->written == plan->amount[0]);
	join(&run);
}

/* The client goes: whoever gave its socket is told, and the container goes on. */
static void the_client_goes(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(24 * MIB, 0, 65536);
	static uint8_t bytes[1 << 16];
	int sink[2];
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int fd = attach(&run, OUT_HELD);
	begin_container(&run);
	make_sink(sink);
	CHECK(ask_for(fd, sink[0], inode_of(sink[0])) == 1);
	CHECK(read(sink[1], bytes, 1000) > 0);
	wait_until_stuck(&run, plan->pid, &plan->written);
	close(sink[1]);
	expect_end(fd);
	CHECK(expect_exit_and_end(run.client) == 0);
	CHECK(plan->written == plan->amount[0]);
	close(sink[0]);
	join(&run);
}

/* One that has not said it yet, and goes. */
static void held_and_gone(void)
{
	struct run run;
	struct noise_plan *plan = noise_plan(4 * MIB, 0, 65536);
	struct demux state = { 0 };
	launch(&run, &(struct setup){ .flags = DETACH_FLAG, .socket = "sock", .exit = "exit", .program = write_noise, .argument = plan });
	int fd = attach(&run, OUT_HELD), other = attach(&run, 2);
	begin_container(&run);
	wait_until_held(&run, plan);
	close(fd);
	demux_all(&state, other);
	CHECK(state.seen[1] == plan->amount[0]);
	CHECK(expect_exit_and_end(run.client) == 0);
	join(&run);
}

const struct test deliver_tests[] = {
	TEST(output_into_another_socket),
	TEST(output_into_another_socket_with_log),
	TEST(not_into_what_is_no_such_socket),
	TEST(held_past_the_exit),
	TEST(stdin_behind_it),
	TEST(the_connection_ends),
	TEST(the_client_goes),
	TEST(held_and_gone),
	{ 0 },
};
