/* The shim itself against the kernel: `shim-test [--sanitized STATIC-SHIM] PATH-OF-SHIM [name…]`. What needs root or user namespaces says so and is skipped without. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../step.h"
#include "client.h"

static char place[64]; /* a directory of this run's own */

static bool sanitized; /* then nothing is small or fast … */
static const char *program; /* … and this is what runs in a root without libraries */

static const char *in(const char *name)
{
	static char paths[8][128];
	static int next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", place, name);
	return path;
}

static bool exists(const char *path)
{
	struct stat found;
	return !lstat(path, &found);
}

static const char *const no_strings[] = { NULL };
static const char *const true_argv[] = { "true", NULL };

static struct made execve_step(const char *path, const char *const *argv)
{
	return CONTAINERS("execve", STR(path), STRV(argv), STRV(no_strings));
}

static struct made make_directory(const char *path)
{
	return undone_by(HOSTS("mkdirat", AT_CWD, STR(path), INT(0755)), HOSTS("unlinkat", AT_CWD, STR(path), INT(AT_REMOVEDIR)));
}

static struct made sleep_step(struct made (*make)(const char *, int, const struct blob *), int milliseconds)
{
	int64_t duration[2] = { milliseconds / 1000, milliseconds % 1000 * 1000000ll };
	return make("nanosleep", ARGS(BYTES(duration, sizeof duration), NONE));
}

static int exit_status(const struct said *said)
{
	int32_t status;
	CHECK_EQUAL(said->type, EXIT_STATUS);
	CHECK_EQUAL(said->body.length, EXIT_BODY);
	memcpy(&status, said->body.data, sizeof status);
	return status;
}

static void end(struct client *client)
{
	CHECK_EQUAL(hear_until(client, ENDED, NULL, 0).type, ENDED);
	hang_up(client);
}

/* --- plans ---------------------------------------------------------------------------------------------------------------- */

/* As many of a container's phases as one needs no files for; with a user namespace when `user`. */
static void whole_plan(bool user)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[128];
	char map[64];
	snprintf(map, sizeof map, "0 %d 1\n", (int)geteuid());

	add(&plan, make_directory(in("root")));
	add(&plan, keeping_out(clone_step(CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | (user ? CLONE_NEWUSER : 0)), 0, 0, 4, 7));
	if (user) {
		add(&plan, keeping(HOSTS("openat", AT_CWD, TEXT("/proc/", SLOT_CHILD, "/setgroups"), INT(O_WRONLY | O_CLOEXEC), INT(0)), 1));
		add(&plan, HOSTS("write", SLOT(1), STR("deny"), INT(4)));
		add(&plan, keeping(HOSTS("openat", AT_CWD, TEXT("/proc/", SLOT_CHILD, "/gid_map"), INT(O_WRONLY | O_CLOEXEC), INT(0)), 1));
		snprintf(map, sizeof map, "0 %d 1\n", (int)getegid());
		add(&plan, HOSTS("write", SLOT(1), STR(map), INT((int64_t)strlen(map))));
		add(&plan, keeping(HOSTS("openat", AT_CWD, TEXT("/proc/", SLOT_CHILD, "/uid_map"), INT(O_WRONLY | O_CLOEXEC), INT(0)), 1));
		snprintf(map, sizeof map, "0 %d 1\n", (int)geteuid());
		add(&plan, HOSTS("write", SLOT(1), STR(map), INT((int64_t)strlen(map))));
		add(&plan, CONTAINERS("setresgid", INT(0), INT(0), INT(0)));
		add(&plan, CONTAINERS("setresuid", INT(0), INT(0), INT(0)));
	}
	add(&plan, CONTAINERS("mount", NONE, STR("/"), NONE, INT(MS_REC | MS_PRIVATE), NONE));
	add(&plan, CONTAINERS("mount", STR("tmpfs"), STR(in("root")), STR("tmpfs"), INT(MS_NOSUID), STR("size=1m,mode=755")));
	add(&plan, CONTAINERS("mkdirat", AT_CWD, STR(in("root/proc")), INT(0755)));
	add(&plan, CONTAINERS("mkdirat", AT_CWD, STR(in("root/here")), INT(0755)));
	add(&plan, CONTAINERS("mkdirat", AT_CWD, STR(in("root/bin")), INT(0755)));
	add(&plan, keeping(CONTAINERS("openat", AT_CWD, STR(in("root/bin/shim")), INT(O_CREAT | O_WRONLY | O_CLOEXEC), INT(0755)), 3));
	add(&plan, CONTAINERS("close", SLOT(3)));
	add(&plan, CONTAINERS("mount", STR(program), STR(in("root/bin/shim")), NONE, INT(MS_BIND), NONE));
	add(&plan, CONTAINERS("mount", STR("proc"), STR(in("root/proc")), STR("proc"), INT(MS_NOSUID | MS_NODEV | MS_NOEXEC), NONE));
	add(&plan, CONTAINERS("chdir", STR(in("root"))));
	add(&plan, CONTAINERS("pivot_root", STR("."), STR(".")));
	add(&plan, CONTAINERS("umount2", STR("."), INT(MNT_DETACH)));
	add(&plan, CONTAINERS("chdir", STR("/")));
	add(&plan, CONTAINERS("sethostname", STR("hull"), INT(4)));
	int name_at = plan.count;
	add(&plan, CONTAINERS("uname", OUT(390)));
	int link_at = plan.count;
	add(&plan, CONTAINERS("readlinkat", AT_CWD, STR("/proc/self"), OUT(64), INT(64)));
	int list_at = plan.count;
	add(&plan, keeping(CONTAINERS("openat", AT_CWD, STR("/"), INT(O_RDONLY | O_DIRECTORY | O_CLOEXEC), INT(0)), 4));
	add(&plan, CONTAINERS("getdents64", SLOT(4), OUT(512), INT(512)));
	add(&plan, CONTAINERS("setsid"));
	add(&plan, CONTAINERS("prctl", INT(PR_CAPBSET_DROP), INT(21 /* CAP_SYS_ADMIN */), NONE, NONE, NONE));
	add(&plan, CONTAINERS("prctl", INT(PR_SET_NO_NEW_PRIVS), INT(1), NONE, NONE, NONE));
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct { uint16_t n; uint8_t pad[6]; uint64_t at; } program = { 1, { 0 }, 0 };
	add(&plan, CONTAINERS("seccomp", INT(SECCOMP_SET_MODE_FILTER), NONE, WITH_ADDRESS(&program, sizeof program, 8, BYTES(all, sizeof all))));
	add(&plan, CONTAINERS("close_range", INT(3), INT(0xffffffff), INT(4 /* CLOSE_RANGE_CLOEXEC */)));
	int search_at = plan.count;
	add(&plan, allowing(execve_step("/sbin/shim", true_argv), ENOENT));
	static const char *const version[] = { "shim", "--version", NULL };
	add(&plan, allowing(execve_step("/bin/shim", version), ENOENT));
	add(&plan, allowing(execve_step("/usr/bin/shim", version), ENOENT));

	int verdict = run_plan(&client, &plan, got);
	for (int i = 0; i <= search_at + 1; i++)
		if (got[i].status == STATUS_FAILED)
			failed(__FILE__, __LINE__, plan.steps[i].name, strerror(got[i].error));
	CHECK_EQUAL(verdict, 0);
	CHECK(!memcmp(got[name_at].out[0].data + 65, "hull", 5));
	CHECK(!memcmp(got[link_at].out[0].data, "1", 2)); /* PID 1 of its namespace */
	CHECK(memmem(got[list_at + 1].out[0].data, 512, "here", 5) && !memmem(got[list_at + 1].out[0].data, 512, "etc", 4));
	CHECK_EQUAL(got[search_at].status, STATUS_ALLOWED);
	CHECK_EQUAL(got[search_at].error, ENOENT);
	CHECK_EQUAL(got[search_at + 1].status, STATUS_OK);
	CHECK_EQUAL(got[search_at + 2].status, STATUS_NOT_RUN);
	struct said last = hear_until(&client, EXIT_STATUS, NULL, 0);
	CHECK_EQUAL(exit_status(&last), 0);
	CHECK_EQUAL(hear(&client).type, UNDONE);
	end(&client);
	CHECK(!exists(in("root")));
}

static void plan_as_it_is(void)
{
	whole_plan(false);
}

static void plan_with_user_namespace(void)
{
	whole_plan(true);
}

/* Steps that are wrong answer an errno, and nothing of them happens. */
static void wrong_steps(void)
{
	struct client client = start_shim();
	static const char nul[] = "a\0b";
	static const struct {
		const char *what;
		int error;
	} wanted[] = {
		{ "a call that the table lacks", ENOSYS }, { "too few arguments", EINVAL },      { "a number for a string", EFAULT },
		{ "a length beyond the buffer", EFAULT },  { "a buffer that is too small", EFAULT }, { "a slot that is not set", EBADSLT },
		{ "a string with a NUL byte", EFAULT },    { "an address for a number", EFAULT }, { "execve by the host", EINVAL },
		{ "exit by the host", EINVAL },            { "close of the client", EBUSY },      { "close_range over the client", EBUSY },
		{ "dup3 onto the client", EBUSY },         { "too long a text", ENAMETOOLONG },
	};
	static char longest[5000];
	memset(longest, 'x', sizeof longest - 1);
	struct made steps[] = {
		HOSTS("vfork", NONE),
		HOSTS("mkdirat", AT_CWD, STR(in("no"))),
		HOSTS("mkdirat", AT_CWD, INT(4096), INT(0755)),
		HOSTS("write", INT(1), STR("text"), INT(5)),
		HOSTS("uname", OUT(389)),
		HOSTS("close", SLOT(99)),
		HOSTS("mkdirat", AT_CWD, BYTES(nul, 3), INT(0755)),
		HOSTS("ioctl", INT(0), INT(0x5413), INT(0x7fffffffffff)),
		HOSTS("execve", STR("/bin/true"), STRV(true_argv), STRV(no_strings)),
		HOSTS("exit_group", INT(0)),
		HOSTS("close", INT(9)),
		HOSTS("close_range", INT(3), INT(100), INT(0)),
		HOSTS("dup3", INT(0), INT(9), INT(0)),
		HOSTS("mkdirat", AT_CWD, TEXT(longest, -1, ""), INT(0755)),
	};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct plan plan = { .count = 0 };
		struct said got[1];
		add(&plan, steps[i]);
		CHECK_EQUAL(run_plan(&client, &plan, got), 1);
		if (got[0].status != STATUS_FAILED || got[0].error != wanted[i].error)
			failed(__FILE__, __LINE__, wanted[i].what, strerror(got[0].error));
	}
	hang_up(&client);
}

static void values_travel(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[16];
	int64_t zero = 0;
	add(&plan, keeping_out(keeping_out(HOSTS("pipe2", OUT(8), INT(O_CLOEXEC)), 0, 0, 4, 1), 0, 4, 4, 2));
	add(&plan, clone_step(0));
	/* The child's pid as a text, written by the child, read by the host: slots are the same on both sides. */
	add(&plan, keeping(CONTAINERS("getpid"), 3));
	add(&plan, keeping(CONTAINERS("write", SLOT(2), WITH_VALUE(&zero, 8, 0, 8, 3), INT(8)), 4));
	add(&plan, keeping_out(HOSTS("read", SLOT(1), OUT(8), INT(8)), 0, 0, 8, 5));
	add(&plan, HOSTS("pidfd_open", SLOT(5), INT(0)));
	add(&plan, HOSTS("faccessat", AT_CWD, TEXT("/proc/", 3, "/status"), INT(0)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	int64_t told;
	memcpy(&told, got[4].out[0].data, 8);
	CHECK_EQUAL(told, got[1].ret);
	CHECK_EQUAL(got[2].ret, got[1].ret);
	hang_up(&client);
}

/* --- undo and ends ---------------------------------------------------------------------------------------------------------- */

static void undo_runs_backwards(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[8];
	add(&plan, make_directory(in("a")));
	add(&plan, make_directory(in("a/b")));
	add(&plan, clone_step(0));
	/* Armed by the container's step, made by the host. */
	add(&plan, undone_by(CONTAINERS("mkdirat", AT_CWD, STR(in("a/b/c")), INT(0755)), HOSTS("unlinkat", AT_CWD, STR(in("a/b/c")), INT(AT_REMOVEDIR))));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK(exists(in("a/b/c")));
	tell(&client, frame(ROLLBACK, "", 0));
	for (int i = 0; i < 3; i++) {
		struct said undone = hear(&client);
		CHECK_EQUAL(undone.type, UNDONE);
		CHECK_EQUAL(undone.index, i);
		CHECK_EQUAL(undone.status, STATUS_OK);
	}
	CHECK_EQUAL(hear(&client).type, ENDED);
	CHECK_EQUAL(hear(&client).type, 0);
	hang_up(&client);
	CHECK(!exists(in("a")));
	CHECK(!process_exists((pid_t)got[2].ret));
}

static void client_gone_leaves_nothing(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[8];
	add(&plan, make_directory(in("gone")));
	add(&plan, clone_step(0));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	hang_up(&client);
	CHECK(!exists(in("gone")));
	CHECK(!process_exists((pid_t)got[1].ret));
}

/* The client goes while the container's actor waits in a call. */
static void client_gone_while_child_waits(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	add(&plan, make_directory(in("gone")));
	add(&plan, clone_step(0));
	add(&plan, undone_by(CONTAINERS("mkdirat", AT_CWD, STR(in("gone/inner")), INT(0755)),
			     HOSTS("unlinkat", AT_CWD, STR(in("gone/inner")), INT(AT_REMOVEDIR))));
	add(&plan, sleep_step(container_step, 100000));
	tell(&client, batch_frame(1, &plan));
	struct said got[8] = { 0 };
	while (got[2].type != RESULT) { /* what has been done is told although the batch is not over */
		struct said said = hear(&client);
		CHECK_EQUAL(said.type, RESULT);
		got[said.index] = said;
	}
	hang_up(&client);
	CHECK(!exists(in("gone")));
	CHECK(!process_exists((pid_t)got[1].ret));
}

/* … or the host's. */
static void client_gone_while_host_waits(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	add(&plan, make_directory(in("gone")));
	add(&plan, keeping_out(keeping_out(HOSTS("pipe2", OUT(8), INT(O_CLOEXEC)), 0, 0, 4, 1), 0, 4, 4, 2));
	add(&plan, HOSTS("read", SLOT(1), OUT(8), INT(8)));
	tell(&client, batch_frame(1, &plan));
	while (!exists(in("gone")))
		sched_yield();
	hang_up(&client);
	CHECK(!exists(in("gone")));
}

static void next_frame_does_not_interrupt(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 }, next = { .count = 0 };
	struct said got[1];
	add(&plan, sleep_step(host_step, 300));
	add(&next, HOSTS("getpid"));
	tell(&client, batch_frame(1, &plan));
	nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
	tell(&client, batch_frame(2, &next));
	struct said done = hear_until(&client, DONE, got, 1);
	CHECK_EQUAL(got[0].status, STATUS_OK);
	CHECK_EQUAL(done.body.data[4], 0);
	CHECK_EQUAL(hear_until(&client, DONE, got, 1).type, DONE);
	CHECK_EQUAL(got[0].ret, client.pid);
	hang_up(&client);
}

static void rollback_while_child_waits(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[8] = { 0 };
	add(&plan, make_directory(in("rolled")));
	add(&plan, clone_step(0));
	add(&plan, sleep_step(container_step, 100000));
	add(&plan, CONTAINERS("getpid"));
	tell(&client, batch_frame(1, &plan));
	while (!exists(in("rolled")))
		sched_yield();
	tell(&client, frame(ROLLBACK, "", 0));
	CHECK_EQUAL(hear_until(&client, DONE, got, 8).type, DONE);
	CHECK_EQUAL(got[2].status, STATUS_FAILED);
	CHECK_EQUAL(got[2].error, ECHILD);
	CHECK_EQUAL(got[3].status, STATUS_NOT_RUN);
	CHECK_EQUAL(hear(&client).type, UNDONE);
	end(&client);
	CHECK(!exists(in("rolled")));
}

/* --- the child's death ---------------------------------------------------------------------------------------------------------- */

static void child_killed_between(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	add(&plan, make_directory(in("killed")));
	add(&plan, clone_step(CLONE_NEWPID | (geteuid() ? CLONE_NEWUSER : 0)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	/* A batch that crosses the news on its way is answered, and not run. */
	kill(client.pid, SIGSTOP);
	struct pollfd child = { .fd = (int)syscall(SYS_pidfd_open, (pid_t)got[1].ret, 0), .events = POLLIN };
	kill((pid_t)got[1].ret, SIGKILL);
	CHECK_EQUAL(poll(&child, 1, 10000), 1);
	close(child.fd);
	plan.count = 0;
	add(&plan, make_directory(in("late")));
	tell(&client, batch_frame(1, &plan));
	kill(client.pid, SIGCONT);
	struct said said = hear(&client);
	CHECK_EQUAL(exit_status(&said), SIGKILL);
	CHECK_EQUAL(hear_until(&client, DONE, got, 1).body.data[4], 1);
	CHECK_EQUAL(got[0].status, STATUS_NOT_RUN);
	CHECK_EQUAL(hear(&client).type, UNDONE);
	end(&client);
	CHECK(!exists(in("killed")) && !exists(in("late")));
}

static void child_killed_within(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[8];
	add(&plan, clone_step(0));
	add(&plan, keeping(CONTAINERS("getpid"), 1));
	add(&plan, undone_by(CONTAINERS("mkdirat", AT_CWD, STR(in("within")), INT(0755)),
			     HOSTS("unlinkat", AT_CWD, STR(in("within")), INT(AT_REMOVEDIR))));
	add(&plan, CONTAINERS("kill", SLOT(1), INT(SIGKILL)));
	add(&plan, CONTAINERS("getppid"));
	CHECK_EQUAL(run_plan(&client, &plan, got), 1);
	/* The answers of before are known, and what they did is undone. */
	CHECK_EQUAL(got[1].ret, got[0].ret);
	CHECK_EQUAL(got[2].status, STATUS_OK);
	CHECK_EQUAL(got[3].status, STATUS_FAILED);
	CHECK_EQUAL(got[3].error, ECHILD);
	CHECK_EQUAL(got[4].status, STATUS_NOT_RUN);
	struct said said = hear(&client);
	CHECK_EQUAL(exit_status(&said), SIGKILL);
	CHECK_EQUAL(hear(&client).type, UNDONE);
	end(&client);
	CHECK(!exists(in("within")));
}

static void child_exits(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	add(&plan, clone_step(0));
	add(&plan, CONTAINERS("exit_group", INT(7)));
	add(&plan, CONTAINERS("getpid"));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[1].status, STATUS_OK);
	CHECK_EQUAL(got[2].status, STATUS_NOT_RUN);
	struct said said = hear(&client);
	CHECK_EQUAL(exit_status(&said), 7 << 8);
	end(&client);
}

/* A filter that kills on execve: the channel ends as it does for an exec that succeeded, and it was none. */
static void exec_killed_by_filter(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[8];
	struct sock_filter deadly[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		/* prctl too: the interpreter's own call must come before the filter */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct { uint16_t n; uint8_t pad[6]; uint64_t at; } program = { sizeof deadly / sizeof *deadly, { 0 }, 0 };
	add(&plan, clone_step(0));
	add(&plan, CONTAINERS("prctl", INT(PR_SET_NO_NEW_PRIVS), INT(1), NONE, NONE, NONE));
	add(&plan, CONTAINERS("seccomp", INT(SECCOMP_SET_MODE_FILTER), NONE, WITH_ADDRESS(&program, sizeof program, 8, BYTES(deadly, sizeof deadly))));
	add(&plan, CONTAINERS("getpid"));
	add(&plan, execve_step("/bin/true", true_argv));
	CHECK_EQUAL(run_plan(&client, &plan, got), 1);
	CHECK_EQUAL(got[3].status, STATUS_OK);
	CHECK_EQUAL(got[4].status, STATUS_FAILED);
	CHECK_EQUAL(got[4].error, ECHILD);
	struct said said = hear(&client);
	CHECK_EQUAL(exit_status(&said) & 0x7f, SIGSYS);
	end(&client);
}

/* A step may reap the child. */
static void plan_waits_itself(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	add(&plan, clone_step(0));
	add(&plan, HOSTS("kill", SLOT(SLOT_CHILD), INT(SIGTERM)));
	add(&plan, HOSTS("wait4", SLOT(SLOT_CHILD), OUT(4), NONE, NONE));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[2].ret, got[0].ret);
	struct said said = hear(&client);
	CHECK_EQUAL(exit_status(&said), SIGTERM);
	end(&client);
}

/* kill -9 of the shim: its child, blocked in a step, goes with it. */
static void shim_killed(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	add(&plan, clone_step(0));
	/* Changing ids makes the kernel forget the parent-death signal. */
	add(&plan, CONTAINERS("setresuid", INT(-1), INT(-1), INT(-1)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	pid_t child = (pid_t)got[0].ret;
	plan.count = 0;
	add(&plan, CONTAINERS("getpid"));
	add(&plan, sleep_step(container_step, 100000));
	tell(&client, batch_frame(2, &plan));
	hear(&client);
	kill(client.pid, SIGKILL);
	waitpid(client.pid, NULL, 0);
	wait_until_gone(child);
	close(client.fd);
}

static void exec_outlives_the_guard(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	/* The program looks at its own parent-death signal: no setting of the interpreter's may be left. */
	static const char *const look[] = { "sleep", "100", NULL };
	add(&plan, clone_step(0));
	add(&plan, allowing(execve_step("/no/sleep", look), ENOENT));
	add(&plan, CONTAINERS("prctl", INT(2 /* PR_GET_PDEATHSIG */), OUT(4), NONE, NONE, NONE));
	add(&plan, execve_step("/bin/sleep", look));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[2].out[0].data[0], SIGKILL);
	/* The program goes on when the shim is killed: nothing of its guard is left. */
	kill(client.pid, SIGKILL);
	waitpid(client.pid, NULL, 0);
	nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	CHECK(process_exists((pid_t)got[0].ret));
	kill((pid_t)got[0].ret, SIGKILL);
	close(client.fd);
}

static void signal_reaches_the_program(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	static const char *const sleeper[] = { "sleep", "100", NULL };
	add(&plan, clone_step(0));
	add(&plan, execve_step("/bin/sleep", sleeper));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	int32_t number = SIGTERM;
	tell(&client, frame(SIGNAL, &number, sizeof number));
	struct said said = hear_until(&client, EXIT_STATUS, NULL, 0);
	CHECK_EQUAL(exit_status(&said), SIGTERM);
	end(&client);
}

static void channel_is_kept(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	add(&plan, clone_step(0));
	add(&plan, CONTAINERS("close_range", INT(3), INT(0xffffffff), INT(0)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 1);
	CHECK_EQUAL(got[1].error, EBUSY);
	hang_up(&client);
}

/* --- netlink ------------------------------------------------------------------------------------------------------------------ */

static void netlink_answers(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} dump = { { sizeof dump, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { 0 } },
	  refused = { { sizeof refused, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, 2, 0 }, { .ifi_index = 999999 } };
	add(&plan, keeping(HOSTS("socket", INT(AF_NETLINK), INT(SOCK_RAW | SOCK_CLOEXEC), INT(NETLINK_ROUTE)), 1));
	add(&plan, HOSTS("netlink", SLOT(1), BYTES(&dump, sizeof dump), OUT(65536)));
	add(&plan, HOSTS("netlink", SLOT(1), BYTES(&dump, sizeof dump)));
	add(&plan, allowing(HOSTS("netlink", SLOT(1), BYTES(&refused, sizeof refused)), geteuid() ? EPERM : ENODEV));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK(got[1].ret > 100 && got[1].ret == got[2].ret);
	struct nlmsghdr first;
	memcpy(&first, got[1].out[0].data, sizeof first);
	CHECK_EQUAL(first.nlmsg_type, RTM_NEWLINK);
	hang_up(&client);
}

/* --- messages that are none ------------------------------------------------------------------------------------------------------ */

static void hostile_frames(void)
{
	static const struct {
		const char *what;
		uint8_t bytes[16];
		size_t length;
		int code;
	} frames[] = {
		{ "length 0", { 0, 0, 0, 0, 1 }, 5, TOO_LARGE },
		{ "4 GiB", { 0xff, 0xff, 0xff, 0xff, 1 }, 5, TOO_LARGE },
		{ "unknown type", { 1, 0, 0, 0, 0x7f }, 5, UNKNOWN_TYPE },
		{ "ATTACH to a shim", { 1, 0, 0, 0, ATTACH }, 5, UNKNOWN_TYPE },
		{ "empty batch body", { 1, 0, 0, 0, BATCH }, 5, MALFORMED },
		{ "a batch that lacks its steps", { 7, 0, 0, 0, BATCH, 0, 0, 0, 0, 5, 0 }, 11, MALFORMED },
		{ "a batch with more than its steps", { 8, 0, 0, 0, BATCH, 0, 0, 0, 0, 0, 0, 1 }, 12, MALFORMED },
		{ "a step for no child", { 12, 0, 0, 0, BATCH, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0 }, 16, MALFORMED },
		{ "SIGNAL without a number", { 1, 0, 0, 0, SIGNAL }, 5, MALFORMED },
	};
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		struct client client = start_shim();
		struct plan plan = { .count = 0 };
		struct said got[1];
		add(&plan, make_directory(in("hostile")));
		CHECK_EQUAL(run_plan(&client, &plan, got), 0);
		tell(&client, (struct blob){ (uint8_t *)(uintptr_t)frames[i].bytes, frames[i].length });
		struct said said = hear(&client);
		if (said.type != ERROR_TEXT || said.body.data[0] != frames[i].code)
			failed(__FILE__, __LINE__, "not the answer to", frames[i].what);
		CHECK_EQUAL(hear(&client).type, UNDONE);
		end(&client);
		CHECK(!exists(in("hostile")));
	}
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	add(&plan, CONTAINERS("getpid"));
	tell(&client, batch_frame(1, &plan));
	struct said said = hear(&client);
	CHECK_EQUAL(said.type, ERROR_TEXT);
	CHECK_EQUAL(said.body.data[0], NO_CHILD);
	end(&client);
}

/* The stream ends in the middle of a frame. */
static void half_a_frame(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[1];
	add(&plan, make_directory(in("half")));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	tell(&client, (struct blob){ (uint8_t[]){ 100, 0, 0, 0, BATCH, 1 }, 6 });
	hang_up(&client);
	CHECK(!exists(in("half")));
}

static void large_batches(void)
{
	struct client client = start_shim();
	static uint8_t data[8 << 20];
	struct plan plan = { .count = 0 };
	struct said got[20];
	add(&plan, clone_step(0));
	add(&plan, keeping(CONTAINERS("memfd_create", STR("large"), INT(1)), 1));
	add(&plan, CONTAINERS("write", SLOT(1), BYTES(data, sizeof data), INT(sizeof data)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[2].ret, sizeof data);
	/* More answers than one run may have. */
	plan.count = 0;
	for (int i = 0; i < 12; i++)
		add(&plan, CONTAINERS("pread64", SLOT(1), OUT(1 << 20), INT(1 << 20), INT(0)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	for (int i = 0; i < 12; i++)
		CHECK_EQUAL(got[i].ret, 1 << 20);
	/* … and none of it is kept. */
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", (int)client.pid);
	CHECK(sanitized || read_number(path, "RssAnon:") < 200);
	hang_up(&client);
}

/* --- spawner ------------------------------------------------------------------------------------------------------------------- */

static pid_t start_spawner(const char *path, int *lifeline)
{
	int pair[2];
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pair[1], 3);
		execl(shim_path, "shim", "--spawner", path, "--lifeline", "3", (char *)NULL);
		failed(__FILE__, __LINE__, shim_path, strerror(errno));
	}
	close(pair[1]);
	char ready = 0;
	CHECK(read(pair[0], &ready, 1) == 1 && ready == '\n');
	*lifeline = pair[0];
	return pid;
}

/* Its shims are its children, which stay until they have ended. */
static int children_of(pid_t pid)
{
	char path[64], line[4096] = "";
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *file = fopen(path, "re");
	int count = 0;
	if (file && fgets(line, sizeof line, file))
		for (char *at = strtok(line, " "); at && *at != '\n'; at = strtok(NULL, " "))
			count++;
	if (file)
		fclose(file);
	return count;
}

static void spawner_makes_shims(void)
{
	const char *path = strdup(in("spawner.sock"));
	int lifeline;
	/* A stale socket is replaced. */
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, path);
	int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(!bind(stale, (struct sockaddr *)&address, sizeof address));
	close(stale);
	pid_t spawner = start_spawner(path, &lifeline);
	struct stat found;
	CHECK(!stat(path, &found) && (found.st_mode & 0777) == 0600);

	struct client clients[20];
	uint64_t start = now_ns();
	for (int i = 0; i < 20; i++)
		clients[i] = connect_shim(path);
	printf("  20 shims at once: %.2f ms each\n", (double)(now_ns() - start) / 20e6);
	for (int i = 0; i < 20; i++) {
		struct plan plan = { .count = 0 };
		struct said got[2];
		add(&plan, make_directory(in("spawned")));
		add(&plan, HOSTS("unlinkat", AT_CWD, STR(in("spawned")), INT(AT_REMOVEDIR)));
		CHECK_EQUAL(run_plan(&clients[i], &plan, got), 0);
	}
	for (int i = 1; i < 20; i++)
		hang_up(&clients[i]);
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 20; i++) {
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
		start = now_ns();
		struct client one = connect_shim(path);
		uint64_t took = now_ns() - start;
		best = took < best ? took : best;
		hang_up(&one);
	}
	printf("  from connect to HELLO, a warm one: %.3f ms\n", (double)best / 1e6);

	/* A second one does not take the first one's place. */
	pid_t second = fork();
	if (second == 0) {
		close(2);
		execl(shim_path, "shim", "--spawner", path, (char *)NULL);
	}
	int status;
	waitpid(second, &status, 0);
	CHECK_EQUAL(WEXITSTATUS(status), 1);

	while (children_of(spawner) != 3) /* two that wait, and the one with our client */
		sched_yield();
	close(lifeline);
	waitpid(spawner, &status, 0);
	CHECK_EQUAL(status, 0);
	CHECK(!exists(path));
	struct plan plan = { .count = 0 };
	struct said got[1];
	add(&plan, HOSTS("getppid"));
	CHECK_EQUAL(run_plan(&clients[0], &plan, got), 0); /* it goes on */
	hang_up(&clients[0]);
}

/* An idle shim is small. */
static void memory(void)
{
	const char *path = strdup(in("memory.sock"));
	int lifeline;
	pid_t spawner = start_spawner(path, &lifeline);
	struct client client = connect_shim(path);
	struct plan plan = { .count = 0 };
	struct said got[64];
	add(&plan, keeping(HOSTS("getpid"), 1));
	add(&plan, clone_step(0));
	for (int i = 0; i < 40; i++)
		add(&plan, CONTAINERS("chdir", STR("/")));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	char status[64];
	snprintf(status, sizeof status, "/proc/%d/status", (int)got[0].ret);
	long used = read_number(status, "RssAnon:"), tables = read_number(status, "VmPTE:");
	printf("  a shim that has run a plan: RssAnon %ld KiB, page tables %ld KiB\n", used, tables);
	CHECK(sanitized || used + tables < 200);
	hang_up(&client);
	close(lifeline);
	waitpid(spawner, NULL, 0);
}

/* Sixty steps through a warm shim, from a client that runs already. */
static void speed(void)
{
	const char *path = strdup(in("speed.sock"));
	int lifeline;
	pid_t spawner = start_spawner(path, &lifeline);
	uint64_t best = UINT64_MAX;
	for (int round = 0; round < 20; round++) {
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
		struct plan plan = { .count = 0 };
		struct said got[64];
		add(&plan, clone_step(0));
		for (int i = 0; i < 58; i++)
			add(&plan, CONTAINERS("chdir", STR("/")));
		add(&plan, CONTAINERS("exit_group", INT(0)));
		uint64_t start = now_ns();
		struct client client = connect_shim(path);
		CHECK_EQUAL(run_plan(&client, &plan, got), 0);
		CHECK_EQUAL(hear_until(&client, ENDED, NULL, 0).type, ENDED);
		uint64_t took = now_ns() - start;
		best = took < best ? took : best;
		close(client.fd);
	}
	printf("  sixty steps, connect to ENDED: %.2f ms\n", (double)best / 1e6);
	close(lifeline);
	waitpid(spawner, NULL, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(void);
	enum { ANYBODY, ROOT, USER_NAMESPACES } needs;
} tests[] = {
	{ "a whole plan", plan_as_it_is, ROOT },
	{ "a whole plan in a user namespace", plan_with_user_namespace, USER_NAMESPACES },
	{ "wrong steps", wrong_steps, ANYBODY },
	{ "values travel in slots", values_travel, ANYBODY },
	{ "undo runs backwards", undo_runs_backwards, ANYBODY },
	{ "a client that is gone leaves nothing", client_gone_leaves_nothing, ANYBODY },
	{ "a client that goes while the container waits", client_gone_while_child_waits, ANYBODY },
	{ "a client that goes while the host waits", client_gone_while_host_waits, ANYBODY },
	{ "the next frame interrupts nothing", next_frame_does_not_interrupt, ANYBODY },
	{ "rollback while the container waits", rollback_while_child_waits, ANYBODY },
	{ "the child killed between two batches", child_killed_between, USER_NAMESPACES },
	{ "the child killed in a batch", child_killed_within, ANYBODY },
	{ "the child exits", child_exits, ANYBODY },
	{ "an exec that a filter kills", exec_killed_by_filter, ANYBODY },
	{ "a plan that reaps", plan_waits_itself, ANYBODY },
	{ "the shim killed", shim_killed, ANYBODY },
	{ "a program outlives the shim's guard", exec_outlives_the_guard, ANYBODY },
	{ "a signal for the program", signal_reaches_the_program, ANYBODY },
	{ "the channel cannot be closed", channel_is_kept, ANYBODY },
	{ "netlink answers", netlink_answers, ANYBODY },
	{ "hostile frames", hostile_frames, ANYBODY },
	{ "half a frame", half_a_frame, ANYBODY },
	{ "large batches", large_batches, ANYBODY },
	{ "the spawner", spawner_makes_shims, ANYBODY },
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
