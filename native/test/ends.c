/* Undo, and every way in which the client can end it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "shim.h"

void undo_runs_backwards(void)
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

void client_gone_leaves_nothing(void)
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
void client_gone_while_child_waits(void)
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
void client_gone_while_host_waits(void)
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

/* One that takes no answers any more is gone, whatever else it could say. */
void client_is_deaf(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	add(&plan, make_directory(in("before")));
	add(&plan, keeping(HOSTS("openat", AT_CWD, STR("/dev/zero"), INT(O_RDONLY | O_CLOEXEC), INT(0)), 1));
	add(&plan, HOSTS("read", SLOT(1), OUT(1 << 20), INT(1 << 20)));
	add(&plan, HOSTS("mkdirat", AT_CWD, STR(in("after")), INT(0755)));
	shutdown(client.fd, SHUT_RD);
	tell(&client, batch_frame(1, &plan));
	int status;
	CHECK_EQUAL(waitpid(client.pid, &status, 0), client.pid);
	CHECK_EQUAL(status, 0);
	close(client.fd);
	CHECK(!exists(in("before")));
	CHECK(!exists(in("after")));
}

/* It has not heard of the end yet. A broken pipe would keep it from reading what is there for it. */
void client_speaks_after_the_end(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	add(&plan, clone_step(0));
	add(&plan, CONTAINERS("exit_group", INT(7)));
	tell(&client, batch_frame(1, &plan));
	struct pollfd stream = { .fd = client.fd, .events = POLLRDHUP };
	CHECK_EQUAL(poll(&stream, 1, 20000), 1);
	struct blob resize = frame(RESIZE, "\0\0\0\0", 4);
	CHECK_EQUAL(send(client.fd, resize.data, resize.length, MSG_NOSIGNAL), resize.length);
	CHECK_EQUAL(hear_until(&client, EXIT_STATUS, NULL, 0).body.data[1], 7);
	CHECK_EQUAL(hear(&client).type, ENDED);
	CHECK_EQUAL(hear(&client).type, 0);
	hang_up(&client);
}

void next_frame_does_not_interrupt(void)
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

/* Stopped and continued again and again, until the client hears something. */
static void disturb(const struct client *client, pid_t pid, int times)
{
	struct pollfd stream = { .fd = client->fd, .events = POLLIN };
	while (times-- && poll(&stream, 1, 3) == 0) {
		kill(pid, SIGSTOP);
		kill(pid, SIGCONT);
	}
}

/* sendfile(2) writes no more than it has when a signal comes. */
void stopped_while_it_copies(void)
{
	enum { SIZE = 512 << 20 };
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4] = { 0 };
	int64_t from = 4096;
	add(&plan, keeping(HOSTS("memfd_create", STR("from"), INT(1)), 1));
	add(&plan, HOSTS("ftruncate", SLOT(1), INT(SIZE)));
	add(&plan, keeping(HOSTS("memfd_create", STR("to"), INT(1)), 2));
	add(&plan, HOSTS("sendfile", SLOT(2), SLOT(1), BYTES(&from, sizeof from), INT(SIZE)));
	tell(&client, batch_frame(1, &plan));
	disturb(&client, client.pid, -1);
	CHECK_EQUAL(hear_until(&client, DONE, got, 4).body.data[4], 0);
	CHECK_EQUAL(got[3].status, STATUS_OK);
	CHECK_EQUAL(got[3].ret, SIZE - from);
	hang_up(&client);
}

/* Of a socket with a time limit the kernel makes no call again by itself: signal(7). */
void child_stopped_while_it_waits(void)
{
	struct client client = start_shim();
	struct plan plan = { .count = 0 };
	struct said got[4];
	struct timeval limit = { 0, 300000 };
	add(&plan, clone_step(0));
	add(&plan, keeping_out(CONTAINERS("socketpair", INT(AF_UNIX), INT(SOCK_DGRAM), INT(0), OUT(8)), 0, 0, 4, 1));
	add(&plan, CONTAINERS("setsockopt", SLOT(1), INT(SOL_SOCKET), INT(SO_RCVTIMEO), BYTES(&limit, sizeof limit), INT(sizeof limit)));
	CHECK_EQUAL(run_plan(&client, &plan, got), 0);
	pid_t child = (pid_t)got[0].ret;
	plan.count = 0;
	add(&plan, allowing(CONTAINERS("recvfrom", SLOT(1), OUT(8), INT(8), INT(0)), EAGAIN));
	tell(&client, batch_frame(1, &plan));
	/* Without an end: the limit is that of all of it. */
	disturb(&client, child, -1);
	CHECK_EQUAL(hear_until(&client, DONE, got, 1).body.data[4], 0);
	CHECK_EQUAL(got[0].error, EAGAIN);
	hang_up(&client);
}

void rollback_while_child_waits(void)
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

/* At any moment: what was made is unmade, and who was born is dead. */
void hung_up_at_any_moment(void)
{
	for (int i = 0; i < 150; i++) {
		struct client client = start_shim();
		struct plan plan = { .count = 0 };
		add(&plan, make_directory(in("moment")));
		add(&plan, clone_step(0));
		add(&plan, undone_by(CONTAINERS("mkdirat", AT_CWD, STR(in("moment/a")), INT(0755)),
				     HOSTS("unlinkat", AT_CWD, STR(in("moment/a")), INT(AT_REMOVEDIR))));
		add(&plan, make_directory(in("moment/b")));
		add(&plan, CONTAINERS("chdir", STR(in("moment"))));
		add(&plan, execve_step("/bin/true", true_argv));
		tell(&client, batch_frame(1, &plan));
		struct timespec moment = { 0, i * 10000l };
		if (i)
			nanosleep(&moment, NULL);
		hang_up(&client);
		CHECK(!exists(in("moment")));
	}
}
