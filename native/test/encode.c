/* Steps and frames into bytes: PROTOCOL.md. */
#define _GNU_SOURCE
#include "client.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* --- bytes -------------------------------------------------------------------------------------------------------------- */

static void more(struct blob *blob, const void *data, size_t length)
{
	blob->data = realloc(blob->data, blob->length + length + 1);
	memcpy(blob->data + blob->length, data, length);
	blob->length += length;
}

static void byte(struct blob *blob, int value)
{
	uint8_t one = (uint8_t)value;
	more(blob, &one, 1);
}

#define NUMBER(blob, type, value)     \
	do {                          \
		type number_ = (type)(value); \
		more(blob, &number_, sizeof number_); \
	} while (0)

struct blob INT(int64_t value)
{
	struct blob blob = { 0 };
	byte(&blob, 0);
	NUMBER(&blob, int64_t, value);
	return blob;
}

struct blob SLOT(uint8_t slot)
{
	struct blob blob = { 0 };
	byte(&blob, 1);
	byte(&blob, slot);
	return blob;
}

static struct blob bytes_head(const void *data, size_t length, int n_patches)
{
	struct blob blob = { 0 };
	byte(&blob, 2);
	NUMBER(&blob, uint32_t, length);
	more(&blob, data, length);
	byte(&blob, 0);
	byte(&blob, n_patches);
	return blob;
}

struct blob BYTES(const void *data, size_t length)
{
	return bytes_head(data, length, 0);
}

struct blob STR(const char *text)
{
	return BYTES(text, strlen(text));
}

struct blob TEXT(const char *before, int slot, const char *after)
{
	struct blob blob = { 0 };
	byte(&blob, 3);
	byte(&blob, slot < 0 ? 1 : 3);
	byte(&blob, 0);
	NUMBER(&blob, uint16_t, strlen(before));
	more(&blob, before, strlen(before));
	if (slot < 0)
		return blob;
	byte(&blob, 1);
	byte(&blob, slot);
	byte(&blob, 0);
	NUMBER(&blob, uint16_t, strlen(after));
	more(&blob, after, strlen(after));
	return blob;
}

struct blob STRV(const char *const *strings)
{
	struct blob blob = { 0 };
	int count = 0;
	while (strings[count])
		count++;
	byte(&blob, 4);
	NUMBER(&blob, uint16_t, count);
	for (int i = 0; i < count; i++) {
		NUMBER(&blob, uint32_t, strlen(strings[i]));
		more(&blob, strings[i], strlen(strings[i]) + 1);
	}
	return blob;
}

struct blob OUT(uint32_t length)
{
	struct blob blob = { 0 };
	byte(&blob, 5);
	NUMBER(&blob, uint32_t, length);
	return blob;
}

struct blob WITH_VALUE(const void *data, size_t length, uint32_t offset, int width, uint8_t slot)
{
	struct blob blob = bytes_head(data, length, 1);
	NUMBER(&blob, uint32_t, offset);
	byte(&blob, width == 4 ? 0 : 1);
	byte(&blob, slot);
	return blob;
}

struct blob WITH_ADDRESS(const void *data, size_t length, uint32_t offset, struct blob arg)
{
	struct blob blob = bytes_head(data, length, 1);
	NUMBER(&blob, uint32_t, offset);
	byte(&blob, 2);
	more(&blob, arg.data, arg.length);
	return blob;
}

/* --- steps --------------------------------------------------------------------------------------------------------------- */

static struct made make_step(int actor, const char *name, int n, const struct blob *args)
{
	struct made step = { .actor = actor, .name = name, .n_args = n };
	for (int i = 0; i < n; i++)
		step.args[i] = args[i];
	return step;
}

struct made host_step(const char *name, int n, const struct blob *args)
{
	return make_step(0, name, n, args);
}

struct made container_step(const char *name, int n, const struct blob *args)
{
	return make_step(1, name, n, args);
}

struct made allowing(struct made step, int error)
{
	step.allow[step.n_allow++] = error;
	return step;
}

struct made keeping(struct made step, uint8_t slot)
{
	return keeping_out(step, 0xff, 0, 8, slot);
}

struct made keeping_out(struct made step, uint8_t out, uint16_t offset, uint8_t width, uint8_t slot)
{
	int i = step.n_keep++;
	step.keep[i].source = out;
	step.keep[i].offset = offset;
	step.keep[i].width = width;
	step.keep[i].slot = slot;
	return step;
}

struct made undone_by(struct made step, struct made undo)
{
	step.undo[step.n_undo++] = encode(&undo);
	return step;
}

struct blob encode(const struct made *step)
{
	struct blob blob = { 0 };
	byte(&blob, step->actor);
	byte(&blob, step->n_allow);
	for (int i = 0; i < step->n_allow; i++)
		NUMBER(&blob, int32_t, step->allow[i]);
	byte(&blob, step->n_keep);
	for (int i = 0; i < step->n_keep; i++) {
		byte(&blob, step->keep[i].source);
		NUMBER(&blob, uint16_t, step->keep[i].offset);
		byte(&blob, step->keep[i].width);
		byte(&blob, step->keep[i].slot);
	}
	byte(&blob, (int)strlen(step->name));
	more(&blob, step->name, strlen(step->name));
	byte(&blob, step->n_args);
	for (int i = 0; i < step->n_args; i++)
		more(&blob, step->args[i].data, step->args[i].length);
	byte(&blob, step->n_undo);
	for (int i = 0; i < step->n_undo; i++)
		more(&blob, step->undo[i].data, step->undo[i].length);
	return blob;
}

struct made clone_step(uint64_t flags)
{
	/* struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, … */
	uint64_t args[11] = { flags | 0x1000 /* CLONE_PIDFD */, 0, 0, 0, SIGCHLD };
	return HOSTS("clone3", WITH_ADDRESS(args, sizeof args, 8, OUT(4)), INT(sizeof args));
}

void add(struct plan *plan, struct made step)
{
	CHECK(plan->count < 128);
	plan->steps[plan->count++] = step;
}

struct blob frame(uint8_t type, const void *body, size_t length)
{
	struct blob blob = { 0 };
	NUMBER(&blob, uint32_t, length + 1);
	byte(&blob, type);
	more(&blob, body, length);
	return blob;
}

struct blob batch_frame(uint32_t batch, const struct plan *plan)
{
	struct blob blob = { 0 };
	NUMBER(&blob, uint32_t, batch);
	NUMBER(&blob, uint16_t, plan->count);
	for (int i = 0; i < plan->count; i++) {
		struct blob step = encode(&plan->steps[i]);
		more(&blob, step.data, step.length);
	}
	return frame(BATCH, blob.data, blob.length);
}
