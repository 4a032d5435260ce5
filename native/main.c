/* The shim: a read-eval-print loop for system calls. See PROTOCOL.md for what it speaks, actor.c for what it does. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"
#include "keys.h"
#include "seal.h"
#include "spawner.h"

static const char usage[] =
	"usage: shim --fd N                                          serve the client on descriptor N\n"
	"       shim --connect PATH                                  serve the client that listens on a unix socket\n"
	"       shim --spawner PATH [--warm N] [--lifeline FD]       every connection to PATH is a shim\n"
	"       shim --spawner-fd FD [--warm N] [--lifeline FD]      the same on a socket that listens already\n"
	"       shim --init -- COMMAND [ARG ...]                     be PID 1 for COMMAND\n"
	"       shim --probe [--try]                                 print what a process sees, as JSON\n"
	"       shim --constants                                     print the numbers of this machine's headers, as JSON\n";

static int complain(const char *text)
{
	fprintf(stderr, "shim: %s\n%s", text, usage);
	return 2;
}

/* A number from 0 to 2^30, or -1. */
static int number_of(const char *text)
{
	char *end;
	errno = 0;
	long value = text ? strtol(text, &end, 10) : -1;
	return !text || errno || *end || end == text || value < 0 || value > (1 << 30) ? -1 : (int)value;
}

/* Node leaves SIGPIPE and SIGXFSZ ignored for its children, a shell may leave others; nothing of that is a container's. */
void reset_signals(void)
{
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			signal(number, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		fprintf(stderr, "shim: the socket's path is longer than %zu bytes: %s\n", sizeof address.sun_path - 1, path);
		return -1;
	}
	strcpy(address.sun_path, path);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client < 0 || connect(client, (struct sockaddr *)&address, sizeof address)) {
		fprintf(stderr, "shim: connect %s: %s\n", path, strerror(errno));
		return -1;
	}
	return client;
}

static int spawner_main(int argc, char **argv)
{
	struct spawner spawner = { .listener = -1, .lifeline = -1, .warm = 2 };
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		int number = number_of(value);
		if (!strcmp(argv[i], "--spawner") && value)
			spawner.path = value;
		else if (!strcmp(argv[i], "--spawner-fd") && number >= 0)
			spawner.listener = number;
		else if (!strcmp(argv[i], "--lifeline") && number >= 0)
			spawner.lifeline = number;
		else if (!strcmp(argv[i], "--warm") && number >= 0 && number <= MOST_WARM)
			spawner.warm = number;
		else
			return complain("an option is unknown, or its value is missing or out of range");
	}
	return spawner_run(&spawner);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return complain("nothing to do");
	const char *mode = argv[1];
	if (!strcmp(mode, "--constants"))
		return constants_main();
	if (!strcmp(mode, "--probe"))
		return probe_main(argc - 1, argv + 1);
	if (!strcmp(mode, "--init"))
		return init_main(argc - 1, argv + 1);
	if (!strcmp(mode, "--version")) {
		printf("drydock shim, protocol %d\n", PROTOCOL_VERSION);
		return 0;
	}
	if (!strcmp(mode, "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	seal_self(argv, environ);
	reset_signals();
	/* What plans make has the rights that they name: with a user's 077, /usr of a bottle would be closed to everybody but root. */
	umask(022);
	if (!strcmp(mode, "--fd") && argc == 3 && number_of(argv[2]) >= 0) {
		int client = number_of(argv[2]);
		if (fcntl_cloexec(client)) {
			fprintf(stderr, "shim: descriptor %d: %s\n", client, strerror(errno));
			return 1;
		}
		keys_ignore();
		serve(client);
		return 0;
	}
	if (!strcmp(mode, "--connect") && argc == 3) {
		keys_ignore();
		int client = connect_to(argv[2]);
		if (client < 0)
			return 1;
		serve(client);
		return 0;
	}
	if (!strcmp(mode, "--spawner") || !strcmp(mode, "--spawner-fd"))
		return spawner_main(argc, argv);
	return complain("an option is unknown, or its value is missing or out of range");
}
