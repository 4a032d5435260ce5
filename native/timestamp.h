/* Moments as text: RFC 3339 in UTC with nanoseconds. */
#ifndef DRYDOCK_TIMESTAMP_H
#define DRYDOCK_TIMESTAMP_H

#include <stddef.h>
#include <time.h>

#define TIMESTAMP_SIZE 36

/* Write `at` into `out` (room for TIMESTAMP_SIZE, NUL included). Returns the length. Zeros at the end of the fraction are left
 * out, as Go's RFC3339Nano does and therefore everything that reads Docker's logs expects. */
size_t timestamp_format(char *out, struct timespec at);

#endif
