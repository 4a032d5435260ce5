#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

enum tag { INT, SLOT, BYTES, TEXT, STRV, OUT, INOUT };
enum patch { VALUE32, VALUE64, ADDRESS };

#define MAX_NESTING 2
#define MAX_OUT (1u << 20)
#define MAX_TEXT 4096

/* What `x` takes as a plain number: enough for every flag, signal, capability and descriptor, and no address. */
#define SMALL 65536

uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now); /* vDSO: no system call */
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- walking over, and counting the memory that taking will need ---------------------------------------------------- */

static void skip_arg(struct cursor *cursor, int nesting, size_t *memory)
{
	if (nesting > MAX_NESTING) {
		cursor->bad = true;
		return;
	}
	switch (take_u8(cursor)) {
	case INT:
		take(cursor, 8);
		break;
	case SLOT:
		if (take_u8(cursor) >= SLOTS)
			cursor->bad = true;
		break;
	case BYTES:
	case INOUT: {
		uint8_t *data = take(cursor, take_u32(cursor));
		uint8_t *nul = take(cursor, 1);
		if (!data || !nul || *nul)
			cursor->bad = true;
		for (int left = take_u8(cursor); left > 0 && !cursor->bad; left--) {
			take_u32(cursor);
			uint8_t kind = take_u8(cursor);
			if (kind == ADDRESS)
				skip_arg(cursor, nesting + 1, memory);
			else if (kind > ADDRESS || take_u8(cursor) >= SLOTS)
				cursor->bad = true;
		}
		break;
	}
	case TEXT:
		for (int left = take_u8(cursor); left > 0 && !cursor->bad; left--) {
			uint8_t part = take_u8(cursor);
			if (part == 0)
				take(cursor, take_u16(cursor));
			else if (part != 1 || take_u8(cursor) >= SLOTS)
				cursor->bad = true;
		}
		*memory += MAX_TEXT + 16;
		break;
	case STRV: {
		int count = take_u16(cursor);
		*memory += (size_t)(count + 1) * sizeof(char *) + 16;
		for (; count > 0 && !cursor->bad; count--) {
			uint8_t *data = take(cursor, take_u32(cursor));
			uint8_t *nul = take(cursor, 1);
			if (!data || !nul || *nul)
				cursor->bad = true;
		}
		break;
	}
	case OUT: {
		uint32_t size = take_u32(cursor);
		if (size > MAX_OUT)
			cursor->bad = true;
		else
			*memory += size + 32;
		break;
	}
	default:
		cursor->bad = true;
	}
}

static bool skip_step(struct cursor *cursor, enum actor *actor, size_t *memory, bool undo)
{
	uint8_t who = take_u8(cursor);
	if (who > CONTAINER)
		cursor->bad = true;
	*actor = who;
	uint8_t n_allow = take_u8(cursor);
	if (n_allow > MAX_ALLOW)
		cursor->bad = true;
	take(cursor, 4 * (size_t)n_allow);
	uint8_t n_keep = take_u8(cursor);
	if (n_keep > MAX_KEEP)
		cursor->bad = true;
	for (int i = 0; i < n_keep && !cursor->bad; i++) {
		take(cursor, 4);
		if (take_u8(cursor) >= SLOTS)
			cursor->bad = true;
	}
	take(cursor, take_u8(cursor));
	uint8_t n_args = take_u8(cursor);
	if (n_args > MAX_ARGS)
		cursor->bad = true;
	for (int i = 0; i < n_args && !cursor->bad; i++)
		skip_arg(cursor, 0, memory);
	uint8_t n_undo = take_u8(cursor);
	if (undo && n_undo)
		cursor->bad = true;
	for (int i = 0; i < n_undo && !cursor->bad; i++) {
		enum actor ignored;
		size_t later = 0;
		skip_step(cursor, &ignored, &later, true);
	}
	return !cursor->bad;
}

bool step_skip(struct cursor *cursor, enum actor *actor)
{
	size_t memory = 0;
	return skip_step(cursor, actor, &memory, false);
}

/* --- taking --------------------------------------------------------------------------------------------------------- */

struct taking {
	struct cursor *cursor;
	struct step *step;
	struct slots *slots;
	struct buffer *arena;
};

/* The arena was reserved for the whole step beforehand, so that it does not move while addresses into it are handed out. */
static uint8_t *arena_take(struct buffer *arena, size_t size)
{
	size_t start = (arena->length + 15) & ~(size_t)15;
	arena->length = start + size;
	memset(arena->data + start, 0, size);
	return arena->data + start;
}

static int64_t slot_value(struct taking *taking, uint8_t slot)
{
	if (!taking->slots->set[slot] && !taking->step->error)
		taking->step->error = EBADSLT;
	return taking->slots->value[slot];
}

static size_t print_decimal(char *to, int64_t value)
{
	char digits[24];
	size_t n = 0, length = 0;
	uint64_t rest = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
	do
		digits[n++] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		to[length++] = '-';
	while (n)
		to[length++] = digits[--n];
	return length;
}

static void add_out(struct step *step, uint8_t *data, uint32_t length)
{
	if (step->n_outs < MAX_OUTS)
		step->out[step->n_outs++] = (struct out){ data, length };
	else if (!step->error)
		step->error = E2BIG;
}

static struct value take_value(struct taking *taking);

static struct value take_bytes(struct taking *taking, uint8_t tag)
{
	struct cursor *cursor = taking->cursor;
	uint32_t size = take_u32(cursor);
	uint8_t *data = take(cursor, size);
	take(cursor, 1);
	if (tag == INOUT)
		add_out(taking->step, data, size);
	for (int left = take_u8(cursor); left > 0; left--) {
		uint32_t offset = take_u32(cursor);
		uint8_t kind = take_u8(cursor);
		size_t width = kind == VALUE32 ? 4 : 8;
		int64_t number;
		if (kind == ADDRESS)
			number = take_value(taking).number;
		else
			number = slot_value(taking, take_u8(cursor));
		if (offset > size || size - offset < width) {
			if (!taking->step->error)
				taking->step->error = EINVAL;
			continue;
		}
		memcpy(data + offset, &number, width); /* little-endian, as both architectures are */
	}
	bool string = !memchr(data, 0, size);
	return (struct value){ (int64_t)(uintptr_t)data, tag, string, size };
}

static struct value take_text(struct taking *taking)
{
	struct cursor *cursor = taking->cursor;
	char *text = (char *)arena_take(taking->arena, MAX_TEXT);
	size_t length = 0;
	for (int left = take_u8(cursor); left > 0; left--) {
		if (take_u8(cursor) == 0) {
			uint16_t n = take_u16(cursor);
			uint8_t *part = take(cursor, n);
			if (length + n >= MAX_TEXT || memchr(part, 0, n)) {
				if (!taking->step->error)
					taking->step->error = memchr(part, 0, n) ? EINVAL : ENAMETOOLONG;
				continue;
			}
			memcpy(text + length, part, n);
			length += n;
		} else {
			int64_t number = slot_value(taking, take_u8(cursor));
			if (length + 24 >= MAX_TEXT) {
				if (!taking->step->error)
					taking->step->error = ENAMETOOLONG;
				continue;
			}
			length += print_decimal(text + length, number);
		}
	}
	text[length] = 0;
	return (struct value){ (int64_t)(uintptr_t)text, TEXT, true, (uint32_t)length };
}

static struct value take_value(struct taking *taking)
{
	struct cursor *cursor = taking->cursor;
	uint8_t tag = take_u8(cursor);
	switch (tag) {
	case INT:
		return (struct value){ take_i64(cursor), tag, false, 0 };
	case SLOT:
		return (struct value){ slot_value(taking, take_u8(cursor)), INT, false, 0 };
	case BYTES:
	case INOUT:
		return take_bytes(taking, tag);
	case TEXT:
		return take_text(taking);
	case STRV: {
		uint16_t count = take_u16(cursor);
		char **array = (char **)arena_take(taking->arena, ((size_t)count + 1) * sizeof *array);
		for (int i = 0; i < count; i++) {
			uint32_t size = take_u32(cursor);
			array[i] = (char *)take(cursor, size);
			take(cursor, 1);
		}
		return (struct value){ (int64_t)(uintptr_t)array, tag, false, count };
	}
	default: { /* OUT: skip_arg has seen to it that nothing else comes here */
		uint32_t size = take_u32(cursor);
		uint8_t *data = arena_take(taking->arena, size);
		add_out(taking->step, data, size);
		return (struct value){ (int64_t)(uintptr_t)data, tag, false, size };
	}
	}
}

/* Hold the arguments against the call's line in the table, so that a wrong message is an error and never a wild pointer. */
static int check(const struct step *step)
{
	if (!step->call)
		return ENOSYS;
	const char *letter = step->call->signature;
	int i = 0;
	for (; *letter; i++) {
		char kind = *letter++;
		char *end;
		unsigned long least = strtoul(letter, &end, 10);
		letter = end;
		if (i >= step->n_args) {
			/* The last one may be left out where it may be NULL (netlink's answer). */
			if (kind == 'P' && !*letter)
				return 0;
			return EINVAL;
		}
		const struct value *value = &step->arg[i];
		bool integer = value->tag == INT, null = integer && value->number == 0;
		bool memory = value->tag == BYTES || value->tag == OUT || value->tag == INOUT;
		bool ok;
		switch (kind) {
		case 'i':
			ok = integer;
			break;
		case 's':
			ok = value->string;
			break;
		case 'S':
			ok = null || value->string;
			break;
		case 'v':
			ok = value->tag == STRV;
			break;
		case 'p':
			ok = memory && value->size >= least;
			break;
		case 'P':
			ok = null || (memory && value->size >= least);
			break;
		case 'n': {
			const struct value *before = &step->arg[i - 1];
			bool behind = before->tag != INT;
			ok = integer && value->number >= 0 && (behind ? value->number <= before->size : value->number == 0);
			break;
		}
		default: /* x */
			ok = memory || value->string || (integer && value->number > -SMALL && value->number < SMALL);
		}
		if (!ok)
			return integer && !null ? EFAULT : EINVAL;
	}
	return i == step->n_args ? 0 : EINVAL;
}

bool step_take(struct cursor *cursor, struct step *step, struct slots *slots, struct buffer *arena)
{
	enum actor actor;
	size_t memory = 0;
	struct cursor ahead = *cursor;
	if (!skip_step(&ahead, &actor, &memory, false))
		return false;
	arena->length = 0;
	if (!buffer_reserve(arena, memory + 64))
		return false;

	*step = (struct step){ .actor = take_u8(cursor) };
	step->n_allow = take_u8(cursor);
	for (int i = 0; i < step->n_allow; i++)
		step->allow[i] = take_i32(cursor);
	step->n_keep = take_u8(cursor);
	for (int i = 0; i < step->n_keep; i++) {
		struct keep *keep = &step->keep[i];
		keep->source = take_u8(cursor);
		keep->offset = take_u16(cursor);
		keep->width = take_u8(cursor);
		keep->slot = take_u8(cursor);
	}
	uint8_t length = take_u8(cursor);
	uint8_t *name = take(cursor, length);
	step->call = call_find(name, length);
	step->n_args = take_u8(cursor);
	struct taking taking = { cursor, step, slots, arena };
	for (int i = 0; i < step->n_args; i++)
		step->arg[i] = take_value(&taking);
	step->n_undo = take_u8(cursor);
	step->undo = cursor->at;
	step->undo_length = (size_t)(ahead.at - cursor->at);
	cursor->at = ahead.at;
	if (!step->error)
		step->error = check(step);
	return true;
}

/* --- making --------------------------------------------------------------------------------------------------------- */

bool step_allows(const struct step *step, int error)
{
	for (int i = 0; i < step->n_allow; i++)
		if (step->allow[i] == error)
			return true;
	return false;
}

static void keep_values(const struct step *step, int64_t ret, struct slots *slots)
{
	for (int i = 0; i < step->n_keep; i++) {
		const struct keep *keep = &step->keep[i];
		int64_t value = ret;
		if (keep->source != 0xff) {
			size_t width = keep->width == 4 ? 4 : 8;
			if (keep->source >= step->n_outs)
				continue;
			const struct out *out = &step->out[keep->source];
			if (keep->offset > out->length || out->length - keep->offset < width)
				continue;
			if (width == 4) {
				int32_t narrow;
				memcpy(&narrow, out->data + keep->offset, sizeof narrow);
				value = narrow;
			} else {
				memcpy(&value, out->data + keep->offset, sizeof value);
			}
		}
		slots->value[keep->slot] = value;
		slots->set[keep->slot] = true;
	}
}

static long make(struct step *step)
{
	const struct value *arg = step->arg;
	switch (step->call->kind) {
	case NETLINK:
		return call_netlink(step);
	case RMDIR_TREE:
		return call_rmdir_tree(step);
	case CLONE:
		return -EINVAL; /* only actor.c forks, and only once */
	default: {
		long ret = syscall(step->call->number, arg[0].number, arg[1].number, arg[2].number, arg[3].number, arg[4].number,
				   arg[5].number);
		return ret < 0 ? -errno : ret;
	}
	}
}

struct outcome step_make(struct step *step, struct slots *slots)
{
	struct outcome outcome = { .ret = -1, .error = step->error };
	if (!step->error) {
		uint64_t start = now_ns();
		long ret = make(step);
		outcome.ns = now_ns() - start;
		if (ret < 0) {
			outcome.error = (int32_t)-ret;
		} else {
			outcome.ret = ret;
			keep_values(step, ret, slots);
		}
	}
	if (outcome.error)
		outcome.status = step_allows(step, outcome.error) ? STATUS_ALLOWED : STATUS_FAILED;
	return outcome;
}

bool result_append(struct buffer *buffer, uint8_t type, uint32_t batch, uint16_t index, const struct outcome *outcome, const struct step *step)
{
	uint8_t n_outs = step && outcome->status != STATUS_NOT_RUN ? step->n_outs : 0;
	uint32_t length = 1 + 28;
	for (int i = 0; i < n_outs; i++)
		length += 4 + step->out[i].length;
	if (!buffer_reserve(buffer, buffer->length + 4 + length))
		return false;
	uint8_t *to = buffer->data + buffer->length;
#define PUT(value)                                \
	do {                                      \
		memcpy(to, &(value), sizeof(value)); \
		to += sizeof(value);              \
	} while (0)
	uint8_t status = outcome->status;
	PUT(length);
	PUT(type);
	PUT(batch);
	PUT(index);
	PUT(status);
	PUT(outcome->ret);
	PUT(outcome->error);
	PUT(outcome->ns);
	PUT(n_outs);
	for (int i = 0; i < n_outs; i++) {
		PUT(step->out[i].length);
		memcpy(to, step->out[i].data, step->out[i].length);
		to += step->out[i].length;
	}
#undef PUT
	buffer->length += 4 + length;
	return true;
}
