/* The table of calls: a line each. */
#ifndef DRYDOCK_CALLS_H
#define DRYDOCK_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct step;

/* What a call is to the interpreter. Everything that is only a number and arguments is PLAIN. */
enum call_kind {
	PLAIN,
	CREDENTIALS, /* may change ids or capabilities, at which the kernel forgets PR_SET_PDEATHSIG (prctl(2)) */
	PRCTL,
	SECCOMP,
	SLEEP,
	TRANSFER,    /* may write fewer bytes than it was told to, at any signal */
	WAIT,        /* may reap the child behind the shim's back */
	CLOSE,       /* could close a descriptor that is the interpreter's own */
	CLONE,
	EXEC,        /* success is the end of the channel */
	EXIT,        /* likewise */
	OWN,         /* no system call but a function of special.c */
};

struct call {
	const char *name;
	long number;
	const char *signature; /* PROTOCOL.md, "arg" */
	enum call_kind kind;
	long (*make)(struct step *step); /* OWN: value or minus an errno, as the raw call would answer */
};

/* NULL: the table has no such call. */
const struct call *call_find(const uint8_t *name, size_t length);

/* special.c, tree.c */
long call_netlink(struct step *step);
long call_bpf(struct step *step);
long call_rmdir_tree(struct step *step);
long call_thaw_tree(struct step *step);
long call_remove_tree(struct step *step);

#endif
