#define _GNU_SOURCE
#include "child.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "again.h"
#include "kernel.h"
#include "wire.h"

struct exchange *exchange_open(void)
{
	void *memory = mmap(NULL, sizeof(struct exchange), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void exchange_close(struct exchange *exchange)
{
	if (exchange)
		munmap(exchange, sizeof *exchange);
}

/*
 * The calls in this file are the interpreter's own; PROTOCOL.md lists them ("The interpreter's own calls"), and a test holds that list
 * against what strace sees. They are raw: nothing between clone3 and execve may take a lock, allocate, or touch stdio.
 */
static long own_call(long number, int64_t first, int64_t second, int64_t third)
{
	return kernel_call(number, (int64_t[6]){ first, second, third });
}

_Noreturn static void leave(int code)
{
	for (;;)
		own_call(SYS_exit_group, code, 0, 0);
}

/*
 * Until the exec this process is nothing without its shim: if that is killed (-9) while a step blocks here, the kernel shall kill
 * this one too; a step later the end of the channel would do it. The kernel forgets the setting whenever ids or capabilities change
 * (prctl(2)), so it is set again before the next step. It survives execve, and a detached container must survive its shim: so it is
 * cleared just before. And before a filter is installed, because after that prctl may be forbidden, or deadly.
 */
static void guard(struct child *child, bool on)
{
	if (child->guarded == on || child->unguarded)
		return;
	own_call(SYS_prctl, PR_SET_PDEATHSIG, on ? SIGKILL : 0, 0);
	child->guarded = on;
}

static bool installs_filter(const struct step *step)
{
	int64_t operation = step->arg[0].number;
	if (step->call->kind == SECCOMP)
		return operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER;
	return step->call->kind == PRCTL && operation == PR_SET_SECCOMP;
}

/* What a step that succeeded means for the guard. */
static void regard(struct child *child, const struct step *step)
{
	int64_t first = step->arg[0].number;
	if (step->call->kind == CREDENTIALS)
		child->guarded = false;
	else if (step->call->kind == PRCTL && first == PR_SET_PDEATHSIG)
		child->unguarded = true; /* the plan's own setting is the container's, and stays across the exec */
	else if (installs_filter(step))
		child->unguarded = true;
}

/* A step may not close the channel: nobody could tell an exec from it. close_range(2) with its cloexec flag does not. */
static bool closes_channel(const struct step *step, int channel)
{
	if (step->call->kind != CLOSE)
		return false;
	uint32_t fd = (uint32_t)channel, first = (uint32_t)step->arg[0].number, second = (uint32_t)step->arg[1].number;
	if (step->call->number == SYS_close)
		return fd == first;
	if (step->call->number == SYS_close_range)
		return fd >= first && fd <= second && !(step->arg[2].number & 4 /* CLOSE_RANGE_CLOEXEC */);
	return fd == second; /* dup2, dup3 */
}

static struct outcome make(struct child *child, struct step *step, uint16_t index)
{
	const struct call *call = step->call;
	if (!step->error && call->kind == CLONE)
		step->error = EINVAL; /* only the host's actor forks, once */
	if (!step->error && closes_channel(step, child->channel))
		step->error = EBUSY;
	if (step->error)
		return step_make(step, &child->slots);
	bool leaves = call->kind == EXEC || call->kind == EXIT;
	guard(child, call->kind != EXEC && !installs_filter(step));
	if (leaves)
		atomic_store(&child->exchange->leaving, 1u + index);
	struct outcome outcome = step_made(step, &child->slots);
	if (leaves)
		atomic_store(&child->exchange->leaving, 0);
	if (outcome.status == STATUS_OK)
		regard(child, step);
	return outcome;
}

void child_run(struct child *child)
{
	struct exchange *exchange = child->exchange;
	uint32_t length = exchange->length <= RUN_STEPS ? exchange->length : RUN_STEPS;
	struct cursor cursor = { exchange->steps, exchange->steps + length, false };
	/* Buffers in the shared memory: as large as the largest step needs, so that they never have to grow. */
	struct buffer answers = { exchange->answers, 0, RUN_ANSWERS };
	struct buffer arena = { exchange->arena, 0, MAX_MEMORY };
	child->slots = exchange->slots;
	for (uint32_t i = 0; i < exchange->count; i++) {
		struct outline outline;
		struct step step;
		if (atomic_load(&exchange->stop))
			return;
		if (!step_outline(&cursor, &outline) || outline.answer > RUN_ANSWERS - answers.length)
			return; /* the shim outlined them before: something has overwritten them, and it will see that answers are missing */
		step_take(&outline, &step, &child->slots, &arena);
		uint16_t index = (uint16_t)(exchange->index + i);
		struct outcome outcome = make(child, &step, index);
		result_append(&answers, RESULT, exchange->batch, index, &outcome, &step);
		/* Whole before it is seen. */
		atomic_store_explicit(&exchange->answered, (uint32_t)answers.length, memory_order_release);
		if (outcome.status == STATUS_FAILED)
			return;
	}
}

_Noreturn void child_main(struct exchange *exchange, int channel, int other)
{
	struct child child = { .exchange = exchange, .channel = channel };
	/* With a copy of the shim's end here, this end would never see the end of the stream. */
	own_call(SYS_close, other, 0, 0);
	guard(&child, true);
	for (;;) {
		uint8_t go;
		/* read and write, not recv and send: they are what the strictest of filters lets through. */
		long n = own_call(SYS_read, channel, (int64_t)(uintptr_t)&go, 1);
		if (n == -EINTR)
			continue;
		if (n != 1)
			leave(0);
		child_run(&child);
		if (own_call(SYS_write, channel, (int64_t)(uintptr_t)&go, 1) != 1)
			leave(0);
	}
}
