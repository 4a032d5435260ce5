/* The MONITOR frame. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

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
	at[4] = '2';
	memcpy(body + length, "\3\0{\n}", 5); /* what describes the container is one line */
	CHECK(monitor_open(&shim, body, length + 5) == EINVAL);
	CHECK(monitor_open(&shim, body, length + 4) == EINVAL); /* cut off */
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

const struct test opening_tests[] = {
	TEST(monitor_frames),
	TEST(socket_in_use),
	TEST(abandoned_socket),
	{ 0 },
};
