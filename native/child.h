/* The container's side: what the cloned process does until its execve, and the memory in which it meets the shim. */
#ifndef DRYDOCK_CHILD_H
#define DRYDOCK_CHILD_H

#include <stdatomic.h>

#include "step.h"
#include "wire.h"

/*
 * Two things connect the shim with its child: memory that both have mapped, and a channel (a socket pair, one byte a message).
 *
 *     shim                                             child
 *       │  writes the run's steps and the slots           │  read(channel)
 *       │ ── one byte: go ──────────────────────────────► │
 *       │  poll(client, channel)                          │  makes the steps; each answer is a RESULT frame
 *       │                                                 │  in the memory, published when it is whole
 *       │ ◄── one byte: the run is over ───────────────── │  read(channel)
 *       │ ◄── or end of file ──────────────────────────── │  an execve succeeded (close-on-exec), or it died
 *
 * Answers lie in memory and not in the channel so that those of a child that dies in the middle of a run are known all the
 * same, step by step (their undo steps too), and so that a run costs two context switches and not two for each step.
 *
 * What the child writes is believed by nobody: a container that is being entered may hold the power to trace it
 * (CVE-2016-9962). The shim copies answers out of the memory before it looks at them and holds each against the step it sent.
 */

/* The longest run; a step is shorter than a frame. */
#define RUN_STEPS LONGEST_FRAME
#define RUN_ANSWERS (2u * LONGEST_FRAME)

struct exchange {
	/* The shim writes these while the child waits. */
	uint32_t batch;
	uint32_t length; /* of the steps, in bytes */
	uint16_t index;  /* of the first of them */
	uint16_t count;
	struct slots slots;
	_Atomic uint32_t stop; /* make no further step: at any time */
	/* The child writes these at any time. */
	_Atomic uint32_t answered; /* bytes of whole RESULT frames */
	_Atomic uint32_t leaving;  /* 1 + index of the step in progress if its success ends the channel (execve, exit_group), else 0 */
	_Alignas(4096) uint8_t steps[RUN_STEPS + SLACK];
	uint8_t answers[RUN_ANSWERS + SLACK];
	uint8_t arena[MAX_MEMORY + SLACK];
};

/* Mapped by the shim before the clone: the child must not need a call for it. Untouched pages cost nothing. NULL: out of memory. */
struct exchange *exchange_open(void);
void exchange_close(struct exchange *exchange);

/* Serve runs until the end of the channel; never returns. `other` is the shim's end, of which the child has a copy. */
_Noreturn void child_main(struct exchange *exchange, int channel, int other);

/* One run: the steps in the exchange. Returns when they are all made or one failed. */
struct child {
	struct exchange *exchange;
	int channel;
	struct slots slots;
	bool guarded;   /* PR_SET_PDEATHSIG is ours, and set */
	bool unguarded; /* … must not be set any more: the plan has set its own, or a filter decides which calls pass */
};
void child_run(struct child *child);

#endif
