/* The one place where a step becomes a system call. */
#ifndef DRYDOCK_KERNEL_H
#define DRYDOCK_KERNEL_H

#include <stdint.h>

/* The kernel's own answer: a value, or minus an errno (-4095 … -1). No errno variable, no cancellation, no retry; the fuzzer
 * puts a function in this place that calls nothing. */
long kernel_call(long number, const int64_t args[6]);

#endif
