/* What puts the host back: undo steps, sent ahead with the steps that they undo. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#include "host.h"
#include "kernel.h"

/* Before a step is made there must be room for its undo: what cannot be undone for want of memory is not done. */
bool undo_reserve(struct host *host, size_t more)
{
	return buffer_reserve(&host->armed, host->armed.length + more);
}

void undo_arm(struct host *host, const struct outline *outline)
{
	struct cursor cursor = { outline->undo, outline->end, false };
	for (int i = 0; i < outline->n_undo; i++) {
		struct outline undo;
		if (!step_outline(&cursor, &undo))
			return; /* never: they were outlined with their step */
		uint32_t length = (uint32_t)(undo.end - undo.begin);
		buffer_append(&host->armed, undo.begin, length);
		buffer_append(&host->armed, &length, sizeof length);
	}
}

/*
 * When the container's first process has been reaped, others of it may still be dying, and until then keep its cgroup (rmdir: EBUSY)
 * and what they had open on a mount (umount2: EBUSY). Tried again after 1, 2, 4 … 1024 ms, two seconds in all.
 */
#define PATIENCE 11

static struct outcome undo_make(struct host *host, struct step *step)
{
	struct outcome outcome = step_make(step, &host->slots);
	for (int i = 0; i < PATIENCE && outcome.error == EBUSY && outcome.status == STATUS_FAILED; i++) {
		answer_flush(host);
		struct timespec pause = { (1 << i) / 1000, (1 << i) % 1000 * 1000000l };
		kernel_call(SYS_nanosleep, (int64_t[6]){ (int64_t)(uintptr_t)&pause });
		outcome = step_make(step, &host->slots);
	}
	return outcome;
}

/* The undo steps without which a child that was killed would not die: they are made at once, and again in their turn. */
void undo_release(struct host *host)
{
	for (size_t end = host->armed.length; end;) {
		uint32_t length;
		memcpy(&length, host->armed.data + end - sizeof length, sizeof length);
		end -= sizeof length + length;
		struct cursor cursor = { host->armed.data + end, host->armed.data + end + length, false };
		struct outline outline;
		struct step step;
		if (!step_outline(&cursor, &outline) || outline.name_length != 9 || memcmp(outline.name, "thaw_tree", 9))
			continue;
		if (step_take(&outline, &step, &host->slots, &host->arena))
			step_make(&step, &host->slots);
	}
}

/* All of them, the last one first; one that fails does not stop the others. */
void undo_run(struct host *host)
{
	struct buffer *armed = &host->armed;
	struct run run = { 0 };
	while (armed->length) {
		uint32_t length;
		armed->length -= sizeof length;
		memcpy(&length, armed->data + armed->length, sizeof length);
		armed->length -= length;
		struct cursor cursor = { armed->data + armed->length, armed->data + armed->length + length, false };
		struct outline outline;
		struct step step;
		struct outcome outcome = { .status = STATUS_FAILED, .ret = -1, .error = ENOMEM };
		step_outline(&cursor, &outline);
		bool taken = step_take(&outline, &step, &host->slots, &host->arena);
		if (taken && !step.error && step.call->kind >= CLONE && step.call->kind != OWN)
			step.error = EINVAL; /* clone3, execve, exit_group undo nothing */
		if (taken)
			outcome = undo_make(host, &step);
		/* All in one message, unless one of them has to wait: a client that is woken for each is in the way of the next. */
		bool told = host->shim.client < 0 || result_append(&host->answer, UNDONE, 0, run.index, &outcome, taken ? &step : NULL);
		if (!told || host->answer.length > ANSWER_ENOUGH)
			answer_flush(host);
		run.index++;
	}
}

void undo_release_of(struct shim *shim)
{
	undo_release((struct host *)((char *)shim - offsetof(struct host, shim)));
}
