/* The child's end, and the shim's. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "shim.h"

void child_killed_between(void)
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

void child_killed_within(void)
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

void child_exits(void)
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
void exec_killed_by_filter(void)
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
void plan_waits_itself(void)
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

/* … and one that only hears of it does not: it is killed and waited for like any other. */
void plan_hears_of_a_stop(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	add(&plan, clone_step(0));
	add(&plan, HOSTS("kill", SLOT(SLOT_CHILD), INT(SIGSTOP)));
	add(&plan, HOSTS("wait4", SLOT(SLOT_CHILD), NONE, INT(WUNTRACED), NONE));
	add(&plan, HOSTS("kill", SLOT(SLOT_CHILD), INT(SIGKILL)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[2].ret, got[0].ret);
	struct said said = hear(&client);
	CHECK_EQUAL(exit_status(&said), SIGKILL);
	end(&client);
}

/* kill -9 of the shim: its child, blocked in a step, goes with it. */
void shim_killed(void)
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

void exec_outlives_the_guard(void)
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

void signal_reaches_the_program(void)
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

/* Refused, and the first child goes on as before. */
void second_child_refused(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	add(&plan, make_directory(in("second")));
	add(&plan, clone_step(0));
	add(&plan, allowing(clone_step(0), EEXIST));
	add(&plan, keeping(CONTAINERS("getpid"), 1));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	CHECK_EQUAL(got[2].error, EEXIST);
	CHECK_EQUAL(got[3].ret, got[1].ret);
	/* Also when it has been reaped: what is told of a child is told of that one. */
	plan.count = 0;
	add(&plan, HOSTS("kill", SLOT(SLOT_CHILD), INT(SIGTERM)));
	add(&plan, HOSTS("wait4", SLOT(SLOT_CHILD), NONE, NONE, NONE));
	add(&plan, clone_step(0));
	CHECK_EQUAL(run_plan(&client, &plan, got), 1);
	CHECK_EQUAL(got[2].error, EEXIST);
	hang_up(&client);
	CHECK(!exists(in("second")));
}

void channel_is_kept(void)
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
