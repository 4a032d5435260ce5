/* One small process from which every shim is forked: forking this costs a fraction of a millisecond, whatever the engine's size. */
#define _GNU_SOURCE
#include "spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		fprintf(stderr, "shim: the socket's path is longer than %zu bytes: %s\n", sizeof address.sun_path - 1, path);
		return -1;
	}
	strcpy(address.sun_path, path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(path);
	mode_t mask = umask(0177); /* 0600 from its first moment */
	int failed = listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 512);
	umask(mask);
	if (failed) {
		fprintf(stderr, "shim: listen on %s: %s\n", path, strerror(errno));
		return -1;
	}
	return listener;
}

/* Only this user, or root, may have a process made by us. */
static int trusted(int client)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	return !getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) && (peer.uid == geteuid() || peer.uid == 0);
}

/* A shim that waits for its client; tells the spawner when it has one, so that another is made ready. */
_Noreturn static void wait_for_client(int listener, int taken, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* an idle shim ends with its spawner, one with a client does not */
	if (getppid() != parent)
		exit(0);
	int client;
	do {
		client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0 && !trusted(client)) {
			close(client);
			client = -1;
		}
		if (client < 0 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK))
			exit(1);
	} while (client < 0);
	prctl(PR_SET_PDEATHSIG, 0);
	pid_t self = getpid();
	ssize_t told = write(taken, &self, sizeof self);
	(void)told; /* if the spawner is gone, this client is served all the same */
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

static void make_ready(const struct spawner *spawner, const int taken[2])
{
	while (n_idle < spawner->warm) {
		pid_t parent = getpid();
		pid_t pid = fork();
		if (pid < 0) {
			usleep(10000); /* out of processes or memory: try again at the next occasion */
			return;
		}
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

int spawner_run(struct spawner *spawner)
{
	setsid(); /* Ctrl-C in the terminal is for the program in front, which then cleans up through us */
	if (spawner->warm < 1)
		spawner->warm = 1;
	if (spawner->path && (spawner->listener = listen_on(spawner->path)) < 0)
		return 1;
	int taken[2];
	if (fcntl_cloexec(spawner->listener) || pipe2(taken, O_CLOEXEC | O_NONBLOCK)) {
		fprintf(stderr, "shim: spawner: %s\n", strerror(errno));
		return 1;
	}
	if (spawner->lifeline >= 0)
		fcntl_cloexec(spawner->lifeline);

	/* Without handlers PID 1 of a bottle would ignore SIGTERM, and poll would not wake for a child to be reaped. The signals are
	 * let through only while ppoll waits, so none is missed between looking and waiting. */
	struct sigaction action = { .sa_handler = on_end };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	action.sa_handler = on_child;
	sigaction(SIGCHLD, &action, NULL);
	sigset_t blocked, open_mask;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &open_mask);

	make_ready(spawner, taken);
	if (spawner->lifeline >= 0 && write(spawner->lifeline, "\n", 1) != 1)
		ending = 1;
	while (!ending) {
		struct pollfd both[2] = { { .fd = taken[0], .events = POLLIN }, { .fd = spawner->lifeline, .events = POLLIN } };
		ppoll(both, 2, NULL, &open_mask);
		if (both[1].revents) {
			char byte;
			if (read(spawner->lifeline, &byte, 1) <= 0)
				break;
		}
		pid_t pid;
		while (read(taken[0], &pid, sizeof pid) == sizeof pid)
			forget(pid);
		/* Shims whose work is done, and in a bottle every orphan. */
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			forget(pid);
		make_ready(spawner, taken);
	}
	if (spawner->path)
		unlink(spawner->path);
	for (int i = 0; i < n_idle; i++)
		kill(idle[i], SIGTERM);
	return 0;
}
