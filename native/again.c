#define _GNU_SOURCE
#include "again.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "kernel.h"
#include "watch.h"

/* A sleep that was interrupted has so much less to go. */
static void shorten(struct step *step, uint64_t slept)
{
	bool clock = step->call->number == SYS_clock_nanosleep;
	if (clock && step->arg[1].number)
		return; /* TIMER_ABSTIME */
	struct timespec left;
	void *request = (void *)(uintptr_t)step->arg[clock ? 2 : 0].number;
	memcpy(&left, request, sizeof left);
	left.tv_sec -= (time_t)(slept / 1000000000u);
	left.tv_nsec -= (long)(slept % 1000000000u);
	if (left.tv_nsec < 0) {
		left.tv_nsec += 1000000000;
		left.tv_sec--;
	}
	if (left.tv_sec < 0)
		left = (struct timespec){ 0 };
	memcpy(request, &left, sizeof left);
}

/* Nanoseconds that a call may wait for something to come, by the socket's own limit; 0: for ever, or it waits for something else. */
static uint64_t limit_of(const struct step *step)
{
	long number = step->call->number;
	if (number != SYS_recvfrom && number != SYS_recvmsg && number != SYS_read && number != SYS_accept4)
		return 0;
	struct timeval limit = { 0 };
	socklen_t size = sizeof limit;
	int64_t args[6] = { step->arg[0].number, SOL_SOCKET, SO_RCVTIMEO, (int64_t)(uintptr_t)&limit, (int64_t)(uintptr_t)&size };
	if (kernel_call(SYS_getsockopt, args) < 0) /* no socket */
		return 0;
	return (uint64_t)limit.tv_sec * 1000000000u + (uint64_t)limit.tv_usec * 1000u;
}

/* A filter of seccomp can answer EINTR too, and always does. */
#define PATIENCE 10000

static struct outcome uninterrupted(struct step *step, struct slots *slots)
{
	uint64_t start = now_ns();
	struct outcome outcome = step_make(step, slots);
	for (int i = 0; i < PATIENCE && outcome.error == EINTR && !hung_up; i++) {
		if (step->call->number == SYS_close) /* it is closed all the same, close(2), and its number may be another's soon */
			return (struct outcome){ .status = STATUS_OK, .ns = outcome.ns };
		if (step->call->kind == SLEEP)
			shorten(step, outcome.ns);
		uint64_t limit = limit_of(step);
		if (limit && now_ns() - start >= limit) {
			outcome = step_failed(&step->outline, EAGAIN); /* it would begin to wait anew, time and again */
			outcome.ns = now_ns() - start;
			return outcome;
		}
		outcome = step_make(step, slots);
	}
	return outcome;
}

struct outcome step_made(struct step *step, struct slots *slots)
{
	struct outcome outcome = uninterrupted(step, slots);
	if (step->error || step->call->kind != TRANSFER)
		return outcome;
	/* The kernel has moved the offset on, which lies in the step's memory or with the descriptor. */
	int64_t all = step->arg[3].number, done = outcome.ret;
	while (outcome.status == STATUS_OK && outcome.ret > 0 && done < all && !hung_up) {
		uint64_t ns = outcome.ns;
		step->arg[3].number = all - done;
		outcome = uninterrupted(step, slots);
		outcome.ns += ns;
		done += outcome.ret;
	}
	if (outcome.status == STATUS_OK) {
		outcome.ret = done;
		step_keep(&step->outline, done, step->out, slots);
	}
	return outcome;
}
