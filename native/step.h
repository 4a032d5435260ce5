/* One step: outlined, taken off the wire, held against the table of calls, made. The same in both actors. */
#ifndef DRYDOCK_STEP_H
#define DRYDOCK_STEP_H

#include "bytes.h"
#include "calls.h"
#include "shim.h"

#define MAX_ARGS 8
#define MAX_OUTS 16
#define MAX_ALLOW 32
#define MAX_KEEP 16
/* The memory that one step may ask for, and the longest answer it may cause: a frame's length. */
#define MAX_MEMORY (16u << 20)

enum actor { HOST = 0, CONTAINER = 1 };
enum status { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_ALLOWED = 2, STATUS_NOT_RUN = 3 };

struct keep {
	uint8_t source; /* number of an out-buffer, or KEEP_RETURN */
	uint16_t offset;
	uint8_t width;
	uint8_t slot;
};
#define KEEP_RETURN 0xff

struct out {
	uint8_t *data;
	uint32_t length;
};

/* What can be said of a step without making anything of it: whether its bytes are a step at all, and what it will need. */
struct outline {
	uint8_t *begin, *end;
	enum actor actor;
	const uint8_t *name;
	uint8_t name_length;
	uint8_t n_allow, n_keep, n_args, n_outs, n_undo;
	int32_t allow[MAX_ALLOW];
	struct keep keep[MAX_KEEP];
	uint8_t *args;
	uint32_t out_length[MAX_OUTS];
	uint32_t bytes;   /* size of its last BYTES */
	uint8_t *undo;    /* the undo steps, up to `end` */
	size_t memory;    /* of the arena, for out-buffers, texts and arrays of pointers */
	size_t answer;    /* bytes of its RESULT frame */
};

/* An argument as the kernel gets it, and what is known of the memory behind it. */
struct value {
	int64_t number; /* the integer, or the address */
	uint8_t tag;    /* how it came over the wire; a slot's value is an integer */
	bool string;    /* ends with a NUL byte and has none before it */
	uint32_t size;  /* of the buffer */
};

/* A step ready to be made. */
struct step {
	struct outline outline;
	const struct call *call; /* NULL: not in the table */
	struct value arg[MAX_ARGS];
	struct out out[MAX_OUTS];
	int error;               /* found before the call: EBADSLT, EFAULT, EINVAL, ENOSYS …; 0: may be made */
};

struct outcome {
	enum status status;
	int64_t ret;
	int32_t error;
	uint64_t ns;
};

struct slots {
	int64_t value[SLOTS];
	bool set[SLOTS];
};

/* Outline the step at the cursor and move past it. False: the bytes are no step. */
bool step_outline(struct cursor *cursor, struct outline *outline);
/* Resolve its references and lay out its arguments: strings and buffers where they lie on the wire, out-buffers, texts and pointer
 * arrays in `arena`. False: out of memory. */
bool step_take(const struct outline *outline, struct step *step, const struct slots *slots, struct buffer *arena);
/* Make the call, unless it was found wrong before, and keep what is to be kept. */
struct outcome step_make(struct step *step, struct slots *slots);
/* An outcome with an errno, and whether the step allows it. */
struct outcome step_failed(const struct outline *outline, int error);
/* Keep what is to be kept after success: the return value, numbers out of the out-buffers. */
void step_keep(const struct outline *outline, int64_t ret, const struct out outs[], struct slots *slots);
/* QUIET: it succeeded, and returned 0, or a number that was kept, or that all bytes were written. */
bool result_says_nothing(const struct outline *outline, const struct outcome *outcome);
/* Append the RESULT (or UNDONE) frame; `step` NULL: without out-buffers. False: out of memory. */
bool result_append(struct buffer *buffer, uint8_t type, uint32_t batch, uint16_t index, const struct outcome *outcome, const struct step *step);

/* Once, before any step and in particular before the clone. */
void step_prepare(void);

uint64_t now_ns(void);

#endif
