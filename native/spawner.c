/* One small process from which every shim is forked: forking this costs a fraction of a millisecond, whatever the engine's size. */
#define _GNU_SOURCE
#include "spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

int fcntl_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);
	return flags < 0 ? -1 : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

static int fail(const char *what, const char *path)
{
	fprintf(stderr, "shim: %s %s: %s\n", what, path, strerror(errno));
	return -1;
}

/* A socket file stays behind when its owner is killed; one that somebody listens on is not ours to replace. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat found;
	if (lstat(path, &found))
		return 0;
	if (!S_ISSOCK(found.st_mode)) {
		errno = EEXIST;
		return fail("there is a file that is no socket at", path);
	}
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive = !connect(probe, (const struct sockaddr *)address, sizeof *address) || errno == EAGAIN;
	close(probe);
	if (alive) {
		errno = EADDRINUSE;
		return fail("somebody listens on", path);
	}
	return unlink(path);
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		fprintf(stderr, "shim: the socket's path is longer than %zu bytes: %s\n", sizeof address.sun_path - 1, path);
		return -1;
	}
	strcpy(address.sun_path, path);
	if (remove_stale(path, &address))
		return -1;
	mode_t mask = umask(0177); /* 0600 from its first moment */
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 512)) {
		fail("listen on", path);
		close(listener);
		listener = -1;
	}
	umask(mask);
	return listener;
}

/* Only this user, or root, may have a process made by us. The file's mode says so too, where it was kept. */
static bool trusted(int client)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return !getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) && (peer.uid == geteuid() || peer.uid == 0);
}

static int next_client(int listener)
{
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EOPNOTSUPP))
			exit(1); /* no listening socket: it will never be one */
		if (client < 0 && errno != EINTR && errno != ECONNABORTED)
			usleep(10000); /* out of descriptors or memory: it may pass */
		if (client >= 0 && trusted(client))
			return client;
		if (client >= 0)
			close(client);
	}
}

/* A shim that waits for its client; tells the spawner when it has one, so that another is made ready. */
_Noreturn static void wait_for_client(int listener, int taken, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* an idle shim ends with its spawner, one with a client does not */
	if (getppid() != parent)
		exit(0); /* it has ended already, before the line above */
	setsid();        /* a container without a session of its own could reach other shims by kill(0) */
	int client = next_client(listener);
	prctl(PR_SET_PDEATHSIG, 0);
	pid_t self = getpid();
	if (write(taken, &self, sizeof self) < 0)
		errno = 0; /* the spawner is gone: this client is served all the same */
	close(taken);
	close(listener);
	serve(client);
	exit(0);
}

static volatile sig_atomic_t ending;

static void on_end(int number)
{
	(void)number;
	ending = 1;
}

static void on_child(int number)
{
	(void)number;
}

static pid_t idle[MOST_WARM];
static int n_idle;

static void forget(pid_t pid)
{
	for (int i = 0; i < n_idle; i++)
		if (idle[i] == pid)
			idle[i--] = idle[--n_idle];
}

static void make_ready(const struct spawner *spawner, const int taken[2], int wanted)
{
	pid_t parent = getpid();
	while (n_idle < wanted && n_idle < MOST_WARM) {
		pid_t pid = fork();
		if (pid < 0)
			return; /* out of processes or memory: again in a moment */
		if (pid == 0) {
			reset_signals();
			close(taken[0]);
			if (spawner->lifeline >= 0)
				close(spawner->lifeline);
			wait_for_client(spawner->listener, taken[1], parent);
		}
		idle[n_idle++] = pid;
	}
}

/* Without handlers PID 1 of a bottle would ignore SIGTERM, and poll would not wake for a child to be reaped. The signals are let
 * through only while ppoll waits, so that none is missed between looking and waiting. */
static sigset_t only_while_waiting(void)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t blocked, open_mask;
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		sigaction(ends[i], &(struct sigaction){ .sa_handler = on_end }, NULL);
		sigaddset(&blocked, ends[i]);
	}
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_child }, NULL);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &open_mask);
	return open_mask;
}

/* The lifeline is a stream whose other end somebody holds for as long as the spawner shall live; nothing is said on it. */
static bool cut(int lifeline)
{
	char byte;
	ssize_t n = read(lifeline, &byte, 1);
	return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

/* Shims that have found their client or whose work is done, and as PID 1 of a bottle every orphan. Returns how many found one. */
static int settle(int taken)
{
	pid_t pid;
	int found = 0;
	for (; read(taken, &pid, sizeof pid) == sizeof pid; found++)
		forget(pid);
	int before = n_idle;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		forget(pid);
	/* What makes an idle shim die (a limit, an administrator) would do it to the next one too: not as fast as we can fork. */
	if (n_idle < before)
		usleep(10000);
	return found;
}

#define AGAIN_NS 100000000

static void attend(const struct spawner *spawner, const int taken[2], const sigset_t *open_mask)
{
	make_ready(spawner, taken, spawner->warm);
	while (!ending) {
		struct pollfd both[2] = { { .fd = taken[0], .events = POLLIN }, { .fd = spawner->lifeline, .events = POLLIN } };
		struct timespec again = { 0, AGAIN_NS };
		ppoll(both, 2, n_idle < spawner->warm ? &again : NULL, open_mask);
		if (both[1].revents && cut(spawner->lifeline))
			return;
		/* Where clients come faster than one by one, as many more stand ready. */
		int found = settle(taken[0]);
		make_ready(spawner, taken, n_idle < spawner->warm ? spawner->warm + (found > 1 ? found - 1 : 0) : 0);
	}
}

int spawner_run(struct spawner *spawner)
{
	setsid(); /* Ctrl-C in the terminal is for the program in front, which then cleans up through us */
	if (spawner->warm < 1)
		spawner->warm = 1;
	if (spawner->path && (spawner->listener = listen_on(spawner->path)) < 0)
		return 1;
	struct stat ours = { 0 }, found;
	int taken[2];
	if (fcntl_cloexec(spawner->listener) || pipe2(taken, O_CLOEXEC | O_NONBLOCK)) {
		fprintf(stderr, "shim: spawner: %s\n", strerror(errno));
		return 1;
	}
	if (spawner->path)
		stat(spawner->path, &ours);
	if (spawner->lifeline >= 0)
		fcntl_cloexec(spawner->lifeline);
	sigset_t open_mask = only_while_waiting();
	/* Before the first fork, which would only delay it: a client may connect as soon as somebody listens. */
	if (spawner->lifeline >= 0 && send(spawner->lifeline, "\n", 1, MSG_NOSIGNAL) != 1 && errno != ENOTSOCK && errno != EBADF)
		ending = 1;
	attend(spawner, taken, &open_mask);
	if (spawner->path && !lstat(spawner->path, &found) && found.st_ino == ours.st_ino && found.st_dev == ours.st_dev)
		unlink(spawner->path);
	for (int i = 0; i < n_idle; i++)
		kill(idle[i], SIGTERM);
	return 0;
}
