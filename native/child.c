#define _GNU_SOURCE
#include "child.h"

#include <linux/prctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "keys.h"
#include "wire.h"

bool slots_append(struct buffer *buffer, const struct slots *slots)
{
	size_t count_at = buffer->length;
	uint8_t count = 0;
	if (!buffer_append(buffer, &count, 1))
		return false;
	for (int i = 0; i < SLOTS; i++) {
		if (!slots->set[i])
			continue;
		uint8_t slot = (uint8_t)i;
		if (!buffer_append(buffer, &slot, 1) || !buffer_append(buffer, &slots->value[i], 8))
			return false;
		count++;
	}
	buffer->data[count_at] = count;
	return true;
}

void slots_take(struct cursor *cursor, uint8_t count, struct slots *slots)
{
	for (; count > 0; count--) {
		uint8_t slot = take_u8(cursor);
		int64_t value = take_i64(cursor);
		if (cursor->bad || slot >= SLOTS)
			return;
		slots->value[slot] = value;
		slots->set[slot] = true;
	}
}

struct child {
	int channel;
	struct slots *slots;
	struct buffer message, arena, results;
	bool plan_set_pdeathsig; /* then it is the plan's, and stays across the exec */
};

_Noreturn static void leave(int code)
{
	for (;;)
		syscall(SYS_exit_group, code);
}

/* One message: what was collected in `body` behind five bytes of room. */
static void say(struct child *child, uint8_t letter, struct buffer *body)
{
	uint32_t length = (uint32_t)body->length - 4;
	memcpy(body->data, &length, 4);
	body->data[4] = letter;
	if (!write_all(child->channel, body->data, body->length))
		leave(1); /* the shim is gone, and with it everything this process was for */
	body->length = 5;
}

static void flush_results(struct child *child)
{
	if (child->results.length > 5)
		say(child, MESSAGE_RESULTS, &child->results);
}

/* Make the steps of one run. Returns true when a failure stopped it. */
static bool run_steps(struct child *child, struct cursor *cursor, uint32_t batch, uint16_t index, uint16_t count)
{
	bool stopped = false;
	for (; count > 0; count--, index++) {
		struct step step;
		if (!step_take(cursor, &step, child->slots, &child->arena))
			leave(1); /* the shim has walked over it before: it is out of memory */
		struct outcome outcome = { .status = STATUS_NOT_RUN, .ret = -1 };
		if (!stopped) {
			bool exec = step.call && step.call->kind == EXEC && !step.error;
			if (exec || (step.call && step.call->kind == EXIT)) {
				/* Whatever comes after, nothing can be said any more once it succeeds. */
				flush_results(child);
				if (exec) {
					struct buffer note = { .data = (uint8_t[8]){ 0 }, .length = 5, .capacity = 8 };
					say(child, MESSAGE_EXEC, &note);
					if (!child->plan_set_pdeathsig)
						prctl(PR_SET_PDEATHSIG, 0);
				}
			}
			outcome = step_make(&step, child->slots);
			if (exec && !child->plan_set_pdeathsig)
				prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (step.call && step.call->number == SYS_prctl && step.arg[0].number == PR_SET_PDEATHSIG && !outcome.error)
				child->plan_set_pdeathsig = true;
			stopped = outcome.status == STATUS_FAILED;
		}
		if (!result_append(&child->results, RESULT, batch, index, &outcome, &step))
			leave(1);
		if (child->results.length > (1u << 20))
			flush_results(child);
	}
	return stopped;
}

_Noreturn void child_main(int channel, struct slots *slots)
{
	struct child child = { .channel = channel, .slots = slots };
	/* Until the exec this process is nothing without its shim: if that is killed in the middle of a call that blocks here, the
	 * kernel kills this one. prctl(2): the setting is lost when credentials change; then the end of the channel does it, a call
	 * later. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	keys_restore();
	if (!buffer_reserve(&child.results, 4096))
		leave(1);
	child.results.length = 5;
	for (;;) {
		uint32_t length;
		if (read_all(channel, &length, sizeof length) != 1)
			leave(0);
		child.message.length = 0;
		if (!buffer_reserve(&child.message, length) || read_all(channel, child.message.data, length) != 1)
			leave(1);
		struct cursor cursor = { child.message.data, child.message.data + length, false };
		uint32_t batch = take_u32(&cursor);
		uint16_t index = take_u16(&cursor);
		uint16_t count = take_u16(&cursor);
		slots_take(&cursor, take_u8(&cursor), slots);
		if (cursor.bad)
			leave(1);
		uint8_t stopped = run_steps(&child, &cursor, batch, index, count);
		flush_results(&child);
		struct buffer *done = &child.message; /* its content is used up */
		done->length = 5;
		if (!buffer_reserve(done, 64) || !buffer_append(done, &stopped, 1) || !slots_append(done, slots))
			leave(1);
		say(&child, MESSAGE_DONE, done);
	}
}
