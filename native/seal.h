#ifndef SEAL_H
#define SEAL_H

#include <stdbool.h>

/* Does not return when it succeeds: the program begins again, from the copy. Returns at once in the copy, and where none can be made. */
void seal_self(char **argv, char **environment);

#endif
