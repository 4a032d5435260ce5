/* The container's side: what the cloned process does until its execve. */
#ifndef DRYDOCK_CHILD_H
#define DRYDOCK_CHILD_H

#include "step.h"

/*
 *     shim                                        child
 *       │ ── run: batch, base, count, slots, steps ──► │
 *       │                                              │ makes them
 *       │ ◄── 'R' RESULT frames, ready to pass on ──── │
 *       │ ◄── 'D' stopped?, slots ──────────────────── │ the run is over, or
 *       │ ◄── 'X' ──────────────────────────────────── │ the next step is an exec; then
 *       │ ◄── end of file ──────────────────────────── │ it succeeded (close-on-exec), or
 *       │ ◄── 'R', 'D' ─────────────────────────────── │ it failed and the run went on
 *
 * A message is u32 length, then so many bytes of which the first is the letter (child) or the head of a run (shim).
 */
enum { MESSAGE_RESULTS = 'R', MESSAGE_DONE = 'D', MESSAGE_EXEC = 'X' };

/* u32 batch, u16 index of the first step, u16 count, u8 slots; then slots × (u8, i64), then the steps. */
#define RUN_HEAD 9

/* Never returns. `channel` is close-on-exec. */
_Noreturn void child_main(int channel, struct slots *slots);

bool slots_append(struct buffer *buffer, const struct slots *slots);
void slots_take(struct cursor *cursor, uint8_t count, struct slots *slots);

#endif
