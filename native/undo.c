/* What puts the host back: undo steps, sent ahead with the steps that they undo. */
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>

#include "host.h"

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
 * A process that was killed and reaped has left its cgroup and its mounts for the kernel only a moment later (the cgroup is freed
 * after an RCU grace period, a mount namespace's end detaches in a work queue), so rmdir and umount may answer EBUSY at first:
 * 1, 2, 4 … 1024 ms, two seconds in all.
 */
#define PATIENCE 11

static struct outcome undo_make(struct host *host, struct step *step)
{
	struct outcome outcome = step_make(step, &host->slots);
	struct timespec pause = { 0, 1000000 };
	for (int i = 0; i < PATIENCE && outcome.error == EBUSY && outcome.status == STATUS_FAILED; i++) {
		nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
		if (pause.tv_nsec >= 1000000000)
			pause = (struct timespec){ pause.tv_nsec / 1000000000, pause.tv_nsec % 1000000000 };
		outcome = step_make(step, &host->slots);
	}
	return outcome;
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
		if (host->shim.client >= 0 && result_append(&host->answer, UNDONE, 0, run.index, &outcome, taken ? &step : NULL))
			answer_flush(host);
		run.index++;
	}
}
