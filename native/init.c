/* `shim --init -- COMMAND`: PID 1 of a container whose program was not written to be one. The kernel gives PID 1 two duties (pid_namespaces(7)):
 * it is the parent of every orphan, and signals for which it has no handler do not reach it. So this reaps, and passes signals on.
 *
 * What it prints and how it ends is what docker run promises of a container: 125 a wrong use of this program, 126 a command that
 * cannot be run, 127 one that does not exist, 128+n one that signal n has killed. */
#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRONG_USE 125
#define NOT_RUNNABLE 126
#define NOT_FOUND 127

static int complain(int status, const char *what, const char *about, int error)
{
	if (error != 0)
		fprintf(stderr, "shim --init: %s%s: %s\n", what, about, strerror(error));
	else
		fprintf(stderr, "shim --init: %s%s\n", what, about);
	return status;
}

/* All that can be waited for. Those that report a fault of this very process must hit it, and the two that a background process gets
 * from its terminal are about us, not about the command. */
static void passed_on(sigset_t *set)
{
	static const int own[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU };
	sigfillset(set);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(set, own[i]);
}

/* In the child: a process group of its own, in the terminal's foreground when there is one, so that Ctrl-C reaches it once (from the
 * terminal) and not a second time through us. */
static _Noreturn void run(char **command, const sigset_t *mask, const struct sigaction *ttin, const struct sigaction *ttou)
{
	setpgid(0, 0);
	tcsetpgrp(STDIN_FILENO, getpgrp()); /* no terminal: ENOTTY, and nothing to do */
	sigaction(SIGTTIN, ttin, NULL);
	sigaction(SIGTTOU, ttou, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(command[0], command);
	_exit(complain(errno == ENOENT || errno == ENOTDIR ? NOT_FOUND : NOT_RUNNABLE, "cannot run ", command[0], errno));
}

static int status_of(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* Everybody who is dead now. Returns whether the command is among them. */
static bool reap(pid_t child, int *status)
{
	bool over = false;
	int wait_status;
	pid_t pid;
	while ((pid = waitpid(-1, &wait_status, WNOHANG | __WALL)) > 0)
		if (pid == child) {
			over = true;
			*status = status_of(wait_status);
		}
	return over;
}

static char **command_of(char **argv)
{
	char **at = argv;
	if (*at != NULL && strcmp(*at, "--init") != 0)
		at++; /* the program's own name */
	if (*at != NULL && strcmp(*at, "--init") == 0)
		at++;
	if (*at != NULL && strcmp(*at, "--") == 0)
		at++;
	return at;
}

int init_main(int argc, char **argv)
{
	char **command = command_of(argv);
	sigset_t waited_for, before;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, standard = { .sa_handler = SIG_DFL }, ttin, ttou;
	if (argc < 1 || *command == NULL)
		return complain(WRONG_USE, "what to run is missing: shim --init -- COMMAND [ARG ...]", "", 0);
	if (**command == '\0')
		return complain(NOT_FOUND, "the command's name is empty", "", 0);

	passed_on(&waited_for);
	sigprocmask(SIG_SETMASK, &waited_for, &before);
	sigaction(SIGTTIN, &ignore, &ttin); /* the child takes the terminal away from us, which must not stop us */
	sigaction(SIGTTOU, &ignore, &ttou);
	sigaction(SIGCHLD, &standard, NULL); /* while it is ignored the kernel reaps, and the command's status is lost */
	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* orphans come to us here too */

	pid_t child = fork();
	if (child < 0)
		return complain(NOT_RUNNABLE, "fork", "", errno);
	if (child == 0)
		run(command, &before, &ttin, &ttou);

	for (int status = 0;;) {
		siginfo_t signal;
		if (sigwaitinfo(&waited_for, &signal) < 0)
			continue; /* EINTR: we were stopped and continued */
		if (signal.si_signo != SIGCHLD)
			kill(child, signal.si_signo);
		/* Always: several SIGCHLD that are pending at the same time are one. */
		if (reap(child, &status))
			return status;
	}
}
