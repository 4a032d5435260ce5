/* A shim without its core, and running tests. */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#define SLOT_IN 3
#define SLOT_OUT 4
#define SLOT_ERR 5

static char test_dir[64]; /* of this test; removed after it */

const char *in_dir(const struct run *run, const char *name)
{
	static char paths[8][512];
	static int next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s%s%s", *name == '/' ? "" : run->dir, *name == '/' ? "" : "/", name);
	return path;
}

static size_t put_path(uint8_t *at, const struct run *run, const char *name)
{
	uint16_t length = 0;
	if (name != NULL) {
		const char *path = in_dir(run, name);
		length = (uint16_t)strlen(path);
		memcpy(at + 2, path, length);
	}
	memcpy(at, &length, 2);
	return 2u + length;
}

static size_t monitor_frame(uint8_t *body, const struct run *run, const struct setup *setup)
{
	size_t length = 10;
	body[0] = setup->flags;
	body[1] = (setup->flags & TTY_FLAG) != 0 ? 0xff : SLOT_IN;
	body[2] = SLOT_OUT;
	body[3] = (setup->flags & TTY_FLAG) != 0 ? 0xff : SLOT_ERR;
	memcpy(body + 4, &setup->max_size, 4);
	memcpy(body + 8, &setup->max_files, 2);
	const char *const paths[] = { setup->log, setup->exit, setup->socket, setup->oom };
	for (int i = 0; i < 4; i++)
		length += put_path(body + length, run, paths[i]);
	return length;
}

static void keep(struct shim *shim, int slot, int fd)
{
	shim->slot[slot] = fd;
	shim->slot_set[slot] = true;
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fork_container(struct shim *shim, const struct setup *setup)
{
	int in[2], out[2], err[2], master = -1, slave = -1;
	bool tty = (setup->flags & TTY_FLAG) != 0;
	CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
	CHECK(!tty || openpty(&master, &slave, NULL, NULL, NULL) == 0);
	shim->clone_ns = now_ns();
	shim->child = fork();
	CHECK(shim->child >= 0);
	if (shim->child == 0) {
		for (int i = 0; i < 3; i++)
			dup2(tty ? slave : i == 0 ? in[0] : i == 1 ? out[1] : err[1], i);
		close_range(3, ~0u, 0);
		if (tty) {
			setsid();
			ioctl(0, TIOCSCTTY, 0);
		}
		setup->program(setup->argument);
		_exit(0);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	if (tty) {
		close(slave);
		close(in[1]);
		close(out[0]);
		close(err[0]);
		keep(shim, SLOT_OUT, master);
	} else {
		keep(shim, SLOT_IN, in[1]);
		keep(shim, SLOT_OUT, out[0]);
		keep(shim, SLOT_ERR, err[0]);
	}
	shim->pidfd = (int)syscall(SYS_pidfd_open, shim->child, 0);
	shim->exec_ns = now_ns();
	shim->execed = true;
}

static _Noreturn void be_shim(const struct run *run, const struct setup *setup, int client, int go, int ready)
{
	static struct shim shim;
	uint8_t body[4096];
	char byte;
	shim = (struct shim){ .client = client, .pidfd = -1, .batch = setup->batch };
	if (setup->prepare != NULL)
		setup->prepare();
	if (!setup->no_monitor) {
		int error = monitor_open(&shim, body, monitor_frame(body, run, setup));
		errno = error;
		CHECK(error == 0, "monitor_open: %s", strerror(error));
	}
	CHECK(write(ready, "r", 1) == 1);
	close(ready);
	CHECK(read(go, &byte, 1) == 1);
	close(go);
	fork_container(&shim, setup);
	monitor_run(&shim);
	if (shim.client >= 0)
		send_frame(shim.client, ENDED, NULL, 0);
	monitor_linger(&shim);
	exit(0);
}

void launch(struct run *run, const struct setup *setup)
{
	int client[2], go[2], ready[2];
	char byte;
	if (*test_dir == '\0') {
		strcpy(test_dir, "/tmp/drydock-monitor-XXXXXX");
		CHECK(mkdtemp(test_dir) != NULL);
	}
	strcpy(run->dir, test_dir);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client) == 0 && pipe2(go, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0);
	run->shim = fork();
	CHECK(run->shim >= 0);
	if (run->shim == 0) {
		close(client[0]);
		close(go[1]);
		close(ready[0]);
		be_shim(run, setup, client[1], go[0], ready[1]);
	}
	close(client[1]);
	close(go[0]);
	close(ready[1]);
	run->client = client[0];
	run->go = go[1];
	CHECK(read(ready[0], &byte, 1) == 1, "the shim has failed");
	close(ready[0]);
}

void begin_container(struct run *run)
{
	CHECK(write(run->go, "g", 1) == 1);
	close(run->go);
}

void join(struct run *run)
{
	int status;
	if (run->client >= 0)
		close(run->client);
	CHECK(waitpid(run->shim, &status, 0) == run->shim);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the shim's wait status is %#x", (unsigned)status);
}

void *shared(size_t n)
{
	void *memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	return memory;
}

static char state_of(pid_t pid)
{
	char path[64], text[512], state;
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	text[n] = '\0';
	return sscanf(text, "%*d (%*[^)]) %c", &state) == 1 ? state : '?';
}

bool sleeps(pid_t pid)
{
	return state_of(pid) == 'S';
}

bool is_dead(pid_t pid)
{
	return state_of(pid) == 'Z' || state_of(pid) == '?';
}

void wait_until_stuck(const struct run *run, pid_t container, const volatile uint64_t *counter)
{
	uint64_t last = ~0ull;
	for (int quiet = 0; quiet < 50; usleep(2000)) {
		bool same = *counter == last && sleeps(run->shim) && sleeps(container);
		quiet = same ? quiet + 1 : 0;
		last = *counter;
	}
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static bool run_one(const struct test *test)
{
	strcpy(test_dir, "/tmp/drydock-monitor-XXXXXX");
	CHECK(mkdtemp(test_dir) != NULL);
	chmod(test_dir, 0755);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		alarm(120); /* not a measure of speed: a test that hangs ends */
		test->run();
		exit(0);
	}
	int status;
	CHECK(waitpid(pid, &status, 0) == pid);
	kill(-pid, SIGKILL); /* whatever a failed test has left; in its own process group */
	nftw(test_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("%s %s%s\n", ok ? "ok  " : "FAIL", test->name, WIFSIGNALED(status) ? WTERMSIG(status) == SIGALRM ? " (hangs)" : " (killed)" : "");
	fflush(stdout);
	return ok;
}

size_t run_tests(const struct test *tests, char **words, size_t *ran)
{
	size_t failed = 0;
	for (; tests->name != NULL; tests++) {
		bool wanted = *words == NULL;
		for (char **word = words; *word != NULL; word++)
			wanted |= strstr(tests->name, *word) != NULL;
		if (wanted) {
			++*ran;
			failed += !run_one(tests);
		}
	}
	return failed;
}
