/* How it ends, and who hears of it. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* The container exits while a reader is stalled: neither its exit nor the next run waits, the reader gets everything later, then the shim ends. */
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
	CHECK(access(in_dir(&run, "sock"), F_OK) < 0, "the next run cannot have its name");
	demux_all(&state, fd);
	CHECK(state.seen[1] == plan->amount[0] && state.seen[2] == plan->amount[1]);
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

const struct test exit_tests[] = {
	TEST(exit_before_the_reader_has_all),
	TEST(output_ends_before_the_container),
	TEST(detached_survives),
	TEST(lingers_until_asked),
	TEST(release_ends_it),
	TEST(exit_file),
	TEST(no_oom),
	TEST(survivor_holds_the_pipe),
	{ 0 },
};
