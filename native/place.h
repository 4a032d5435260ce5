/* A file by its directory's descriptor and its name in it: it stays reachable when the mount tree or the working directory changes. */
#ifndef DRYDOCK_PLACE_H
#define DRYDOCK_PLACE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct place {
	int dir; /* open directory; -1: no such place */
	char name[NAME_MAX + 1];
};

/* Split a path of n bytes (no NUL needed) and open its directory. Returns 0 or an errno: ENAMETOOLONG, EINVAL (a NUL byte in it, or it
 * ends in a slash), or what open(2) of the directory said. */
int place_open(struct place *place, const uint8_t *path, size_t n);
void place_close(struct place *place);

#endif
