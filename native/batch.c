/* A batch: steps in order, the host's made here, the container's by the child, until one fails. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "again.h"
#include "host.h"
#include "watch.h"

/* --- before anything is made: the whole batch is steps, and what it will need is there --------------------------------- */

static bool is_clone(const struct outline *outline)
{
	return outline->name_length == 6 && !memcmp(outline->name, "clone3", 6);
}

static int batch_refused(struct host *host, struct cursor cursor, uint16_t count)
{
	bool child = host->shim.child > 0 || host->reaped || host->ended;
	size_t undo = 0;
	for (int i = 0; i < count; i++) {
		struct outline outline;
		if (!step_outline(&cursor, &outline))
			return MALFORMED;
		if (outline.actor == HOST && is_clone(&outline))
			child = true;
		if (outline.actor == CONTAINER && !child)
			return NO_CHILD;
		undo += (size_t)(outline.end - outline.undo) + sizeof(uint32_t) * outline.n_undo;
	}
	if (cursor.at != cursor.end)
		return MALFORMED;
	return undo_reserve(host, undo) ? 0 : OUT_OF_MEMORY;
}

/* --- the host's steps --------------------------------------------------------------------------------------------------- */

/* Calls that are nobody's in this actor. */
static int refused_here(const struct host *host, const struct step *step)
{
	if (step->call->kind == WAIT && host->watching)
		return EBUSY; /* whoever reaps the child has its status, and that is the monitor's to tell */
	if (step->call->kind == EXEC || step->call->kind == EXIT)
		return EINVAL; /* they would replace or end the shim itself */
	if (step->call->kind == CLOSE && step->call->number != SYS_close_range) {
		int last = step->call->number == SYS_close ? 0 : 1;
		int64_t fd = (int32_t)step->arg[last].number;
		return fd == host->shim.client || fd == host->channel ? EBUSY : 0;
	}
	if (step->call->kind == CLOSE) {
		uint32_t first = (uint32_t)step->arg[0].number, end = (uint32_t)step->arg[1].number;
		uint32_t client = (uint32_t)host->shim.client, channel = (uint32_t)host->channel;
		bool client_in = client >= first && client <= end, channel_in = channel >= first && channel <= end;
		return client_in || (host->channel >= 0 && channel_in) ? EBUSY : 0;
	}
	return 0;
}

/* It has been waited for already. */
static bool is_reaped(pid_t child)
{
	siginfo_t info;
	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 && errno == ECHILD;
}

/* A step that waits for the child reaps it: then the shim must not wait for it (its pid may be another's by now). */
static void regard_wait(struct host *host, const struct step *step, const struct outcome *outcome)
{
	if (outcome->status != STATUS_OK || !host->shim.child)
		return;
	bool reaped = false;
	int status = 0;
	const void *told = (const void *)(uintptr_t)step->arg[step->call->number == SYS_wait4 ? 1 : 2].number;
	if (step->call->number == SYS_wait4) {
		if (told)
			memcpy(&status, told, sizeof status);
		reaped = outcome->ret == host->shim.child && (told ? WIFEXITED(status) || WIFSIGNALED(status) : is_reaped(host->shim.child));
	} else if (told) {
		siginfo_t info;
		memcpy(&info, told, sizeof info);
		reaped = info.si_pid == host->shim.child && !(step->arg[3].number & WNOWAIT) &&
			 (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
		status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
	} else {
		reaped = is_reaped(host->shim.child);
	}
	if (reaped) {
		host->reaped = true;
		host->wait_status = status;
		host->shim.child = 0;
	}
}

static struct outcome make_here(struct host *host, struct step *step)
{
	if (!step->error)
		step->error = refused_here(host, step);
	if (!step->error && step->call->kind == CLONE)
		return clone_child(host, step);
	struct outcome outcome = step_made(step, &host->slots);
	if (!step->error && step->call->kind == WAIT)
		regard_wait(host, step, &outcome);
	return outcome;
}

static void host_step(struct host *host, struct run *run, struct cursor *cursor)
{
	struct outline outline;
	struct step step;
	step_outline(cursor, &outline);
	bool taken = step_take(&outline, &step, &host->slots, &host->arena) &&
		     buffer_reserve(&host->answer, host->answer.length + outline.answer);
	struct outcome outcome = taken ? make_here(host, &step) : step_failed(&outline, ENOMEM);
	if (outcome.status == STATUS_OK)
		undo_arm(host, &outline);
	else if (outcome.status == STATUS_FAILED)
		run->stopped = run->failed = true;
	answer_result(host, run, &outcome, taken ? &step : NULL);
	run->index++;
	if (hung_up)
		host->shim.client = -1;
}

/* --- the container's ----------------------------------------------------------------------------------------------------- */

/* As many of the container's steps as follow each other from here, and as fit. */
static void container_steps(struct host *host, struct run *run, struct cursor *cursor)
{
	struct cursor ahead = *cursor;
	uint16_t count = 0;
	size_t answers = 0;
	while (run->index + count < run->count) {
		struct cursor next = ahead;
		struct outline outline;
		step_outline(&next, &outline);
		answers += outline.answer;
		if (outline.actor != CONTAINER || answers > RUN_ANSWERS)
			break;
		ahead = next;
		count++;
	}
	if (host->channel >= 0) {
		child_make(host, run, cursor, count, (uint32_t)(ahead.at - cursor->at));
		return;
	}
	/* The clone failed and the plan allowed it, or the child has gone. */
	struct outline outline;
	step_outline(cursor, &outline);
	struct outcome outcome = step_failed(&outline, ECHILD);
	answer_result(host, run, &outcome, NULL);
	run->index++;
	run->stopped = run->failed = true;
}

int batch_run(struct host *host, uint8_t *body, size_t length, bool quiet)
{
	struct cursor cursor = { body, body + length, false };
	struct run run = { .batch = take_u32(&cursor), .quiet = quiet };
	run.count = take_u16(&cursor);
	int refusal = cursor.bad ? MALFORMED : batch_refused(host, cursor, run.count);
	if (refusal)
		return refusal;

	bool executed_before = host->shim.execed;
	run.stopped = run.failed = host->ended; /* it crossed the child's end on its way */
	while (run.index < run.count && !run.stopped) {
		struct cursor next = cursor;
		struct outline outline;
		step_outline(&next, &outline);
		if (outline.actor == HOST) {
			watch_begin(host->shim.client);
			host_step(host, &run, &cursor);
		} else {
			watch_end();
			container_steps(host, &run, &cursor);
		}
		if (host->shim.client < 0) /* it has hung up, or takes no answers */
			host->ended = run.stopped = true;
	}
	watch_end();
	struct outcome not_run = { .status = STATUS_NOT_RUN, .ret = -1 };
	for (; run.index < run.count; run.index++)
		answer_result(host, &run, &not_run, NULL);
	if (host->shim.execed && !executed_before) {
		uint32_t pid = (uint32_t)host->shim.child;
		answer_frame(host, EXEC_DONE, &pid, sizeof pid);
	}
	uint8_t done[5], *at = done, verdict = run.failed;
	PUT(at, run.batch);
	PUT(at, verdict);
	answer_frame(host, DONE, done, sizeof done);
	answer_flush(host);
	return 0;
}

/* The client's stream is the monitor's now, which may have half a frame on its way: what this answers goes through it. */
int batch_while_watching(struct shim *shim, uint8_t *body, size_t length, const uint8_t **frames, size_t *frames_length)
{
	struct host *host = (struct host *)((char *)shim - offsetof(struct host, shim));
	int client = shim->client;
	host->watching = true;
	host->ended = shim->child == 0; /* reaped: nothing is made any more, and the answer says so */
	host->answer.length = 0;
	int refusal = batch_run(host, body, length, false);
	host->watching = false;
	shim->client = client; /* if it has hung up meanwhile the monitor sees that by itself */
	host->ended = false;
	*frames = host->answer.data;
	*frames_length = host->answer.length;
	return refusal;
}
