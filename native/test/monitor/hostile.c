/* Connections that mean no good, and too many of them. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

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
		{ { 2, 0, 0, 0, ATTACH, 16 }, 6, MALFORMED },
		{ { 2, 0, 0, 0, ATTACH, 10, 1, 0, 0, 0, STDIN }, 11, UNKNOWN_TYPE },
		{ { 2, 0, 0, 0, ATTACH, 10, 2, 0, 0, 0, DELIVER }, 11, MALFORMED },
		{ { 1, 0, 0, 0, DELIVER }, 5, UNKNOWN_TYPE },
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

const struct test hostile_tests[] = {
	TEST(hostile_connections),
	TEST(other_user_is_refused),
	TEST(too_many_connections),
	{ 0 },
};
