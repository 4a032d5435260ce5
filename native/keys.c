#define _GNU_SOURCE
#include "keys.h"

#include <signal.h>
#include <stddef.h>

static void nothing(int number)
{
	(void)number;
}

/* By a handler and not by SIG_IGN: what is ignored stays ignored across execve, and a container must not inherit that; handlers are
 * reset there (signal(7)), without a call of the child's. SIGHUP comes when the terminal goes or is given away (tty_ioctl(4),
 * TIOCNOTTY): the client's stream ends then too, and what was done must be undone before this process ends. */
void keys_ignore(void)
{
	static const int keys[] = { SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU };
	struct sigaction action = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		sigaction(keys[i], &action, NULL);
}
