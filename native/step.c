#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

enum tag { INT, SLOT, BYTES, TEXT, STRV, OUT, INOUT };
enum patch { VALUE32, VALUE64, ADDRESS };

#define MAX_NESTING 2
#define MAX_OUT (1u << 20)
#define MAX_TEXT 4096 /* PATH_MAX, with its NUL byte */
#define DECIMAL 20    /* digits and sign of an int64_t */
#define RESULT_HEAD 33

uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now); /* vdso(7): no system call */
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- outlining: nothing here writes, or believes a length ----------------------------------------------------------- */

static size_t aligned(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

/* Bytes on the wire are followed by a NUL byte, so that they can be used as a string where they lie. */
static bool with_nul(struct cursor *cursor, uint32_t length)
{
	take(cursor, length);
	uint8_t *nul = take(cursor, 1);
	return nul && *nul == 0;
}

static void outline_out(struct cursor *cursor, struct outline *outline, uint32_t length)
{
	if (outline->n_outs == MAX_OUTS || length > MAX_MEMORY)
		cursor->bad = true;
	else
		outline->out_length[outline->n_outs++] = length;
	outline->answer += 4 + (size_t)length;
}

static void outline_arg(struct cursor *cursor, struct outline *outline, int nesting)
{
	uint8_t tag = take_u8(cursor);
	switch (tag) {
	case INT:
		take(cursor, 8);
		break;
	case SLOT:
		if (take_u8(cursor) >= SLOTS)
			cursor->bad = true;
		break;
	case BYTES:
	case INOUT: {
		uint32_t size = take_u32(cursor);
		if (!with_nul(cursor, size))
			cursor->bad = true;
		if (tag == INOUT)
			outline_out(cursor, outline, size);
		else if (nesting == 0)
			outline->bytes = size;
		for (int left = take_u8(cursor); left > 0 && !cursor->bad; left--) {
			uint32_t offset = take_u32(cursor);
			uint8_t kind = take_u8(cursor);
			size_t width = kind == VALUE32 ? 4 : 8;
			if (kind > ADDRESS || offset > size || size - offset < width)
				cursor->bad = true;
			else if (kind != ADDRESS)
				cursor->bad |= take_u8(cursor) >= SLOTS;
			else if (nesting == MAX_NESTING || cursor->at == cursor->end || *cursor->at < BYTES)
				cursor->bad = true; /* only what is memory has an address */
			else
				outline_arg(cursor, outline, nesting + 1);
		}
		break;
	}
	case TEXT: {
		size_t longest = 1;
		for (int left = take_u8(cursor); left > 0 && !cursor->bad; left--) {
			uint8_t part = take_u8(cursor);
			uint16_t length = 0;
			if (part == 0)
				take(cursor, length = take_u16(cursor));
			else if (part != 1 || take_u8(cursor) >= SLOTS)
				cursor->bad = true;
			longest += part == 0 ? length : DECIMAL;
		}
		outline->memory += aligned(longest);
		break;
	}
	case STRV: {
		uint16_t count = take_u16(cursor);
		outline->memory += aligned(((size_t)count + 1) * sizeof(char *));
		for (int left = count; left > 0 && !cursor->bad; left--)
			cursor->bad |= !with_nul(cursor, take_u32(cursor));
		break;
	}
	case OUT: {
		uint32_t size = take_u32(cursor);
		if (size > MAX_OUT)
			cursor->bad = true;
		outline->memory += aligned(size);
		outline_out(cursor, outline, size);
		break;
	}
	default:
		cursor->bad = true;
	}
}

static void outline_keep(struct cursor *cursor, struct outline *outline)
{
	/* The out-buffers that they speak of come later on the wire: outline_step looks at those. */
	outline->n_keep = take_u8(cursor);
	if (outline->n_keep > MAX_KEEP)
		cursor->bad = true;
	for (int i = 0; i < outline->n_keep && !cursor->bad; i++) {
		struct keep *keep = &outline->keep[i];
		keep->source = take_u8(cursor);
		keep->offset = take_u16(cursor);
		keep->width = take_u8(cursor);
		keep->slot = take_u8(cursor);
		if (keep->slot >= SLOTS)
			cursor->bad = true;
	}
}

static bool keep_fits(const struct keep *keep, const struct outline *outline)
{
	if (keep->source == KEEP_RETURN)
		return true;
	if (keep->source >= outline->n_outs || (keep->width != 4 && keep->width != 8))
		return false;
	uint32_t length = outline->out_length[keep->source];
	return keep->offset <= length && length - keep->offset >= keep->width;
}

static bool outline_step(struct cursor *cursor, struct outline *outline, bool undo)
{
	*outline = (struct outline){ .begin = cursor->at, .answer = RESULT_HEAD };
	uint8_t actor = take_u8(cursor);
	if (actor > CONTAINER || (undo && actor != HOST))
		cursor->bad = true;
	outline->actor = actor;
	outline->n_allow = take_u8(cursor);
	if (outline->n_allow > MAX_ALLOW)
		cursor->bad = true;
	for (int i = 0; i < outline->n_allow && !cursor->bad; i++)
		outline->allow[i] = take_i32(cursor);
	outline_keep(cursor, outline);
	outline->name_length = take_u8(cursor);
	outline->name = take(cursor, outline->name_length);
	outline->n_args = take_u8(cursor);
	if (outline->n_args > MAX_ARGS)
		cursor->bad = true;
	outline->args = cursor->at;
	for (int i = 0; i < outline->n_args && !cursor->bad; i++)
		outline_arg(cursor, outline, 0);
	for (int i = 0; i < outline->n_keep && !cursor->bad; i++)
		cursor->bad |= !keep_fits(&outline->keep[i], outline);
	outline->n_undo = take_u8(cursor);
	outline->undo = cursor->at;
	if (undo && outline->n_undo)
		cursor->bad = true;
	for (int i = 0; i < outline->n_undo && !cursor->bad; i++) {
		struct outline inner;
		outline_step(cursor, &inner, true);
	}
	outline->end = cursor->at;
	if (outline->memory > MAX_MEMORY || outline->answer > MAX_MEMORY)
		cursor->bad = true;
	return !cursor->bad;
}

bool step_outline(struct cursor *cursor, struct outline *outline)
{
	return outline_step(cursor, outline, false);
}

/* --- taking: only ever what was outlined before ---------------------------------------------------------------------- */

struct taking {
	struct cursor cursor;
	struct step *step;
	const struct slots *slots;
	struct buffer *arena;
	int n_outs;
};

/* The arena was reserved for the whole step beforehand, so that it does not move while addresses into it are handed out. */
static uint8_t *arena_take(struct buffer *arena, size_t size)
{
	uint8_t *start = arena->data + arena->length;
	arena->length += aligned(size);
	return start;
}

static void wrong(struct taking *taking, int error)
{
	if (!taking->step->error)
		taking->step->error = error;
}

static int64_t slot_value(struct taking *taking)
{
	uint8_t slot = take_u8(&taking->cursor);
	if (slot >= SLOTS || !taking->slots->set[slot]) {
		wrong(taking, EBADSLT);
		return 0;
	}
	return taking->slots->value[slot];
}

static size_t print_decimal(char *to, int64_t value)
{
	char digits[DECIMAL];
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

static void add_out(struct taking *taking, uint8_t *data, uint32_t length)
{
	taking->step->out[taking->n_outs++] = (struct out){ data, length };
}

static struct value pointer(const void *to, enum tag tag, bool string, uint32_t size)
{
	return (struct value){ (int64_t)(uintptr_t)to, tag, string, size };
}

static struct value take_value(struct taking *taking);

static struct value take_bytes(struct taking *taking, enum tag tag)
{
	struct cursor *cursor = &taking->cursor;
	uint32_t size = take_u32(cursor);
	uint8_t *data = take(cursor, (size_t)size + 1);
	/* Before the patches: a number that is written in may well have a NUL byte in it, and is no string then. */
	bool string = !memchr(data, 0, size);
	if (tag == INOUT)
		add_out(taking, data, size);
	for (int left = take_u8(cursor); left > 0; left--) {
		uint32_t offset = take_u32(cursor);
		uint8_t kind = take_u8(cursor);
		int64_t number = kind == ADDRESS ? take_value(taking).number : slot_value(taking);
		memcpy(data + offset, &number, kind == VALUE32 ? 4 : 8);
		string = false;
	}
	return pointer(data, tag, string, size);
}

static struct value take_text(struct taking *taking)
{
	struct cursor *cursor = &taking->cursor;
	char *text = (char *)taking->arena->data + taking->arena->length;
	size_t length = 0, longest = 1;
	bool nul = false;
	for (int left = take_u8(cursor); left > 0; left--) {
		if (take_u8(cursor) == 0) {
			uint16_t n = take_u16(cursor);
			uint8_t *part = take(cursor, n);
			nul |= memchr(part, 0, n) != NULL;
			memcpy(text + length, part, n);
			length += n;
			longest += n;
		} else {
			length += print_decimal(text + length, slot_value(taking));
			longest += DECIMAL;
		}
	}
	text[length] = 0;
	arena_take(taking->arena, longest);
	if (length >= MAX_TEXT)
		wrong(taking, ENAMETOOLONG);
	return pointer(text, TEXT, !nul, (uint32_t)length);
}

static struct value take_strings(struct taking *taking)
{
	struct cursor *cursor = &taking->cursor;
	uint16_t count = take_u16(cursor);
	char **array = (char **)(void *)arena_take(taking->arena, ((size_t)count + 1) * sizeof *array);
	for (int i = 0; i < count; i++) {
		uint32_t size = take_u32(cursor);
		array[i] = (char *)take(cursor, (size_t)size + 1);
		/* What the kernel would cut off silently is an error here. */
		if (memchr(array[i], 0, size))
			wrong(taking, EINVAL);
	}
	array[count] = NULL;
	return pointer(array, STRV, false, count);
}

static struct value take_value(struct taking *taking)
{
	struct cursor *cursor = &taking->cursor;
	uint8_t tag = take_u8(cursor);
	switch (tag) {
	case INT:
		return (struct value){ .number = take_i64(cursor), .tag = INT };
	case SLOT:
		return (struct value){ .number = slot_value(taking), .tag = INT };
	case BYTES:
	case INOUT:
		return take_bytes(taking, tag);
	case TEXT:
		return take_text(taking);
	case STRV:
		return take_strings(taking);
	default: { /* OUT */
		uint32_t size = take_u32(cursor);
		uint8_t *data = arena_take(taking->arena, size);
		memset(data, 0, size);
		add_out(taking, data, size);
		return pointer(data, OUT, false, size);
	}
	}
}

/* --- holding the arguments against the call's line in the table, so that a wrong message is an error and never a wild pointer --- */

/* Linker and libc: where this program's own code and data lie. It is not position-independent, so that is below 4 GiB, where a plain
 * number could point to it; everything else (stack, maps, vdso) lies above. */
extern const char __executable_start[];
static int64_t image_end;

/* Beyond the heap, which begins at a random place behind the program. Asked once: musl's sbrk is a system call. */
void step_prepare(void)
{
	image_end = (int64_t)(uintptr_t)sbrk(0);
}

static bool harmless(int64_t number)
{
	if (number < INT32_MIN || number > UINT32_MAX)
		return false;
	return number < (int64_t)(uintptr_t)__executable_start || number >= image_end;
}

static bool fits(const struct step *step, int i, char letter, unsigned least)
{
	const struct value *value = &step->arg[i];
	bool integer = value->tag == INT, null = integer && value->number == 0;
	bool memory = value->tag == BYTES || value->tag == OUT || value->tag == INOUT;
	switch (letter) {
	case 'i':
		return integer;
	case 's':
		return value->string;
	case 'S':
		return null || value->string;
	case 'v':
		return value->tag == STRV;
	case 'V':
		return null || value->tag == STRV;
	case 'p':
		return memory && value->size >= least;
	case 'P':
		return null || (memory && value->size >= least);
	case 'n': {
		uint32_t room = step->arg[i - 1].tag == INT ? 0 : step->arg[i - 1].size;
		return integer && value->number >= 0 && value->number <= room;
	}
	case 'N': {
		uint32_t room = i + 1 < step->outline.n_args && step->arg[i + 1].tag != INT ? step->arg[i + 1].size / 4 : 0;
		return integer && value->number >= 0 && value->number <= room;
	}
	default: /* x */
		return memory || value->string || (integer && harmless(value->number));
	}
}

static int check(const struct step *step)
{
	if (!step->call)
		return ENOSYS;
	int i = 0;
	bool optional = false;
	for (const char *at = step->call->signature; *at; i++) {
		if (*at == '|') {
			optional = true;
			at++;
		}
		char letter = *at++;
		unsigned least = 0;
		while (*at >= '0' && *at <= '9')
			least = least * 10 + (unsigned)(*at++ - '0');
		if (i >= step->outline.n_args)
			return optional ? 0 : EINVAL;
		if (!fits(step, i, letter, least))
			return EFAULT;
	}
	return i == step->outline.n_args ? 0 : EINVAL;
}

bool step_take(const struct outline *outline, struct step *step, const struct slots *slots, struct buffer *arena)
{
	arena->length = 0;
	if (!buffer_reserve(arena, outline->memory))
		return false;
	*step = (struct step){ .outline = *outline, .call = call_find(outline->name, outline->name_length) };
	struct taking taking = { { outline->args, outline->end, false }, step, slots, arena, 0 };
	for (int i = 0; i < outline->n_args; i++)
		step->arg[i] = take_value(&taking);
	if (!step->error)
		step->error = check(step);
	return true;
}

/* --- making --------------------------------------------------------------------------------------------------------- */

struct outcome step_failed(const struct outline *outline, int error)
{
	struct outcome outcome = { .status = STATUS_FAILED, .ret = -1, .error = error };
	for (int i = 0; i < outline->n_allow; i++)
		if (outline->allow[i] == error)
			outcome.status = STATUS_ALLOWED;
	return outcome;
}

void step_keep(const struct outline *outline, int64_t ret, const struct out outs[], struct slots *slots)
{
	for (int i = 0; i < outline->n_keep; i++) {
		const struct keep *keep = &outline->keep[i];
		int64_t value = ret;
		if (keep->source != KEEP_RETURN && keep->width == 4) {
			int32_t narrow;
			memcpy(&narrow, outs[keep->source].data + keep->offset, sizeof narrow);
			value = narrow;
		} else if (keep->source != KEEP_RETURN) {
			memcpy(&value, outs[keep->source].data + keep->offset, sizeof value);
		}
		slots->value[keep->slot] = value;
		slots->set[keep->slot] = true;
	}
}

struct outcome step_make(struct step *step, struct slots *slots)
{
	if (step->error)
		return step_failed(&step->outline, step->error);
	int64_t args[MAX_ARGS];
	for (int i = 0; i < MAX_ARGS; i++)
		args[i] = step->arg[i].number; /* those left out are 0 */
	uint64_t start = now_ns();
	long ret = step->call->kind == OWN ? step->call->make(step) : kernel_call(step->call->number, args);
	uint64_t ns = now_ns() - start;
	struct outcome outcome = { .status = STATUS_OK, .ret = ret };
	if (ret < 0 && ret >= -4095)
		outcome = step_failed(&step->outline, (int)-ret);
	else
		step_keep(&step->outline, ret, step->out, slots);
	outcome.ns = ns;
	return outcome;
}

bool result_says_nothing(const struct outline *outline, const struct outcome *outcome)
{
	return outcome->status == STATUS_OK && !outline->n_outs && (outcome->ret == 0 || outline->n_keep || outcome->ret == outline->bytes);
}

bool result_append(struct buffer *buffer, uint8_t type, uint32_t batch, uint16_t index, const struct outcome *outcome, const struct step *step)
{
	uint8_t n_outs = step ? step->outline.n_outs : 0;
	size_t size = step ? step->outline.answer : RESULT_HEAD;
	if (!buffer_reserve(buffer, buffer->length + size))
		return false;
	uint8_t *at = buffer->data + buffer->length;
	uint32_t length = (uint32_t)size - 4;
	uint8_t status = outcome->status;
	PUT(at, length);
	PUT(at, type);
	PUT(at, batch);
	PUT(at, index);
	PUT(at, status);
	PUT(at, outcome->ret);
	PUT(at, outcome->error);
	PUT(at, outcome->ns);
	PUT(at, n_outs);
	for (int i = 0; i < n_outs; i++) {
		PUT(at, step->out[i].length);
		memcpy(at, step->out[i].data, step->out[i].length);
		at += step->out[i].length;
	}
	buffer->length += size;
	return true;
}
