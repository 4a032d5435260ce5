#define _GNU_SOURCE
#include "keys.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static const int keys[] = { SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU };
static bool ignored;

static void set_all(void (*handler)(int))
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		signal(keys[i], handler);
}

void keys_ignore(void)
{
	ignored = true;
	set_all(SIG_IGN);
}

void keys_restore(void)
{
	if (ignored)
		set_all(SIG_DFL);
}
