/* What a process has from the one that made it and keeps through execve(2), without having asked for it. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* "keyring;0;0;3f130000;_ses": type, owner, group, rights, name. A container that has its starter's can read and link its keys. */
static void session_keyring(void)
{
	char text[256] = "";
	long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text - 1);
	if (length < 0)
		out_string("sessionKeyring", errno_name(errno));
	else
		out_string("sessionKeyring", text);
}

static void first_line(const char *key, const char *path)
{
	char text[256];
	long length = read_text(path, text, sizeof text);
	if (length < 0)
		return out_null(key); /* this kernel has not got it */
	text[strcspn(text, "\n")] = '\0';
	out_string(key, text);
}

void probe_inherited(void)
{
	int reaper = 0;
	out_begin("inherited", '{');
	errno = 0;
	out_integer("nice", getpriority(PRIO_PROCESS, 0));
	out_integer("scheduler", sched_getscheduler(0));
	out_integer("ioPriority", syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0));
	out_integer("timerSlack", prctl(PR_GET_TIMERSLACK));
	out_integer("thpDisable", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	out_integer("childSubreaper", prctl(PR_GET_CHILD_SUBREAPER, &reaper) < 0 ? -1 : reaper);
	out_format("personality", "%x", (unsigned)personality(0xffffffff));
	first_line("coredumpFilter", "/proc/self/coredump_filter");
	first_line("loginuid", "/proc/self/loginuid");
	first_line("securityLabel", "/proc/self/attr/current");
	session_keyring();
	out_end();
}
