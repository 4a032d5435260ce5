/* Containers on a terminal. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

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

const struct test terminal_tests[] = {
	TEST(terminal_attached),
	TEST(terminal_attended),
	TEST(terminal_amount),
	TEST(terminal_reopened),
	{ 0 },
};
