/* The shim itself against the kernel: `shim-test [--sanitized STATIC-SHIM] PATH-OF-SHIM [part of a name …]`.
 * What needs root or user namespaces says so and is skipped without. */
#define _GNU_SOURCE
#include "shim.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

bool sanitized;
const char *program;
const char *const no_strings[] = { NULL }, *const true_argv[] = { "true", NULL };
static char place[64]; /* the directory of this run */

const char *in(const char *name)
{
	static char paths[8][128];
	static int next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", place, name);
	return path;
}

bool exists(const char *path)
{
	struct stat found;
	return !lstat(path, &found);
}

struct made execve_step(const char *path, const char *const *argv)
{
	return CONTAINERS("execve", STR(path), STRV(argv), STRV(no_strings));
}

struct made make_directory(const char *path)
{
	return undone_by(HOSTS("mkdirat", AT_CWD, STR(path), INT(0755)), HOSTS("unlinkat", AT_CWD, STR(path), INT(AT_REMOVEDIR)));
}

struct made sleep_step(struct made (*make)(const char *, int, const struct blob *), int milliseconds)
{
	int64_t duration[2] = { milliseconds / 1000, milliseconds % 1000 * 1000000ll };
	return make("nanosleep", ARGS(BYTES(duration, sizeof duration), NONE));
}

int exit_status(const struct said *said)
{
	int32_t status;
	CHECK_EQUAL(said->type, EXIT_STATUS);
	CHECK_EQUAL(said->body.length, EXIT_BODY);
	memcpy(&status, said->body.data, sizeof status);
	return status;
}

void end(struct client *client)
{
	CHECK_EQUAL(hear_until(client, ENDED, NULL, 0).type, ENDED);
	hang_up(client);
}

static const struct {
	const char *name;
	void (*run)(void);
	enum { ANYBODY, ROOT, USER_NAMESPACES } needs;
} tests[] = {
	{ "a whole plan", plan_as_it_is, ROOT },
	{ "a whole plan in a user namespace", plan_with_user_namespace, USER_NAMESPACES },
	{ "wrong steps", wrong_steps, ANYBODY },
	{ "values travel in slots", values_travel, ANYBODY },
	{ "a quiet batch answers what has something to say", quiet_ones, ANYBODY },
	{ "undo runs backwards", undo_runs_backwards, ANYBODY },
	{ "a client that is gone leaves nothing", client_gone_leaves_nothing, ANYBODY },
	{ "a client that goes while the container waits", client_gone_while_child_waits, ANYBODY },
	{ "a client that goes while the host waits", client_gone_while_host_waits, ANYBODY },
	{ "a client that is deaf", client_is_deaf, ANYBODY },
	{ "a client that speaks when all is over", client_speaks_after_the_end, ANYBODY },
	{ "the next frame interrupts nothing", next_frame_does_not_interrupt, ANYBODY },
	{ "stopped while it copies", stopped_while_it_copies, ANYBODY },
	{ "the child stopped while it waits", child_stopped_while_it_waits, ANYBODY },
	{ "rollback while the container waits", rollback_while_child_waits, ANYBODY },
	{ "the client hangs up at any moment", hung_up_at_any_moment, ANYBODY },
	{ "the child killed between two batches", child_killed_between, USER_NAMESPACES },
	{ "the child killed in a batch", child_killed_within, ANYBODY },
	{ "the child exits", child_exits, ANYBODY },
	{ "an exec that a filter kills", exec_killed_by_filter, ANYBODY },
	{ "a plan that reaps", plan_waits_itself, ANYBODY },
	{ "a plan that hears of a stop", plan_hears_of_a_stop, ANYBODY },
	{ "the shim killed", shim_killed, ANYBODY },
	{ "a program outlives the shim's guard", exec_outlives_the_guard, ANYBODY },
	{ "a signal for the program", signal_reaches_the_program, ANYBODY },
	{ "a second child", second_child_refused, ANYBODY },
	{ "the channel cannot be closed", channel_is_kept, ANYBODY },
	{ "netlink answers", netlink_answers, ANYBODY },
	{ "netlink refuses a long message", netlink_refuses_what_is_long, ANYBODY },
	{ "hostile frames", hostile_frames, ANYBODY },
	{ "half a frame", half_a_frame, ANYBODY },
	{ "a close that was interrupted", interrupted_close, ANYBODY },
	{ "large batches", large_batches, ANYBODY },
	{ "the spawner", spawner_makes_shims, ANYBODY },
	{ "the spawner killed", spawner_killed, ANYBODY },
	{ "a stranger", stranger_refused, ROOT },
	{ "a tree is removed", trees_are_removed, ANYBODY },
	{ "a large tree is removed", large_trees_are_removed, ANYBODY },
	{ "a mount in a tree is left", mounts_are_left, USER_NAMESPACES },
	{ "what is no tree is left", what_is_no_tree, ANYBODY },
	{ "memory", memory, ANYBODY },
	{ "speed", speed, ANYBODY },
};

static bool user_namespaces(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) ? 1 : 0);
	int status;
	waitpid(pid, &status, 0);
	return status == 0;
}

static bool wanted(const char *name, char **names)
{
	for (char **one = names; *one; one++)
		if (strstr(name, *one))
			return true;
	return !*names;
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "--sanitized")) {
		sanitized = true;
		program = realpath(argv[2], NULL);
		argc -= 2;
		argv += 2;
	}
	if (argc < 2)
		failed(__FILE__, __LINE__, "usage: shim-test [--sanitized STATIC-SHIM] PATH-OF-SHIM [part of a test's name …]", NULL);
	shim_path = realpath(argv[1], NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	strcpy(place, "/tmp/drydock-shim-test-XXXXXX");
	program = program ? program : shim_path;
	CHECK(shim_path && mkdtemp(place));
	int skipped = 0;
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		if (!wanted(tests[i].name, argv + 2))
			continue;
		const char *missing = tests[i].needs == ROOT && geteuid() ? "root" : NULL;
		if (tests[i].needs == USER_NAMESPACES && !user_namespaces())
			missing = "user namespaces";
		if (missing) {
			printf("skipped: %s (needs %s)\n", tests[i].name, missing);
			skipped++;
			continue;
		}
		tests[i].run();
		printf("ok: %s\n", tests[i].name);
	}
	CHECK(!rmdir(place)); /* whatever is left in it is a failure */
	if (skipped)
		printf("%d skipped\n", skipped);
	return 0;
}
