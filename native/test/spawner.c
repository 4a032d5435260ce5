/* The spawner; what a shim costs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "shim.h"

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

void spawner_makes_shims(void)
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

	while (children_of(spawner) < 3) /* two or more that wait, and the one with our client */
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

/* kill -9: those that wait for a client end with it. */
void spawner_killed(void)
{
	int lifeline;
	const char *path = strdup(in("killed.sock"));
	pid_t spawner = start_spawner(path, &lifeline);
	char children[64], line[256] = "";
	snprintf(children, sizeof children, "/proc/%d/task/%d/children", (int)spawner, (int)spawner);
	while (children_of(spawner) != 2)
		sched_yield();
	FILE *file = fopen(children, "re");
	CHECK(file && fgets(line, sizeof line, file) && !fclose(file));
	kill(spawner, SIGKILL);
	waitpid(spawner, NULL, 0);
	for (char *at = strtok(line, " \n"); at; at = strtok(NULL, " \n"))
		wait_until_gone((pid_t)atoi(at));
	close(lifeline);
	unlink(path);
}

/* Somebody else on this machine gets nothing, whatever the file's mode has become. */
void stranger_refused(void)
{
	int lifeline;
	const char *path = strdup(in("strange.sock"));
	pid_t spawner = start_spawner(path, &lifeline);
	struct stat directory;
	char *parent = strdup(in("."));
	CHECK(!stat(parent, &directory) && !chmod(parent, 0755) && !chmod(path, 0666));
	pid_t stranger = fork();
	if (stranger == 0) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		strcpy(address.sun_path, path);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char byte;
		if (setresuid(65534, 65534, 65534) || connect(fd, (struct sockaddr *)&address, sizeof address))
			_exit(2);
		_exit(read(fd, &byte, 1) == 0 ? 0 : 1);
	}
	int status;
	waitpid(stranger, &status, 0);
	CHECK_EQUAL(status, 0);
	struct client friend = connect_shim(path);
	hang_up(&friend);
	close(lifeline);
	waitpid(spawner, NULL, 0);
	CHECK(!chmod(parent, directory.st_mode & 07777));
}

/* An idle shim is small. */
void memory(void)
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
void speed(void)
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
