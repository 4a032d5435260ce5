/* The table of calls: a line each. */
#ifndef DRYDOCK_CALLS_H
#define DRYDOCK_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct step;

struct call {
	const char *name;
	long number;           /* of the system call; -1 for a function of our own */
	const char *signature; /* PROTOCOL.md, "arg" */
	enum { PLAIN, BLOCKS, CLONE, EXEC, NETLINK, RMDIR_TREE, EXIT } kind;
};

const struct call *call_find(const uint8_t *name, size_t length);

/* special.c: what cannot be a plain system call. Return value or -errno, as the raw call would. */
long call_netlink(struct step *step);
long call_rmdir_tree(struct step *step);

#endif
