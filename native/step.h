/* One step: taken off the wire, checked against the table of calls, made. The same in both actors. */
#ifndef DRYDOCK_STEP_H
#define DRYDOCK_STEP_H

#include "bytes.h"
#include "shim.h"

#define MAX_ARGS 8
#define MAX_OUTS 16
#define MAX_ALLOW 16
#define MAX_KEEP 8

enum actor { HOST = 0, CONTAINER = 1 };
enum status { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_ALLOWED = 2, STATUS_NOT_RUN = 3 };

struct out {
	uint8_t *data;
	uint32_t length;
};

/* An argument as the kernel gets it, and what is known of the memory behind it. */
struct value {
	int64_t number;   /* the integer, or the address */
	uint8_t tag;      /* how it came over the wire */
	bool string;      /* ends with a NUL byte and has none before it */
	uint32_t size;    /* of the buffer */
};

struct keep {
	uint8_t source;
	uint16_t offset;
	uint8_t width;
	uint8_t slot;
};

struct step {
	enum actor actor;
	const struct call *call; /* NULL: not in the table */
	uint8_t n_args, n_allow, n_keep, n_outs;
	struct value arg[MAX_ARGS];
	int32_t allow[MAX_ALLOW];
	struct keep keep[MAX_KEEP];
	struct out out[MAX_OUTS];
	uint8_t *undo;     /* the undo steps as they came */
	size_t undo_length;
	uint8_t n_undo;
	int error;         /* found while taking it: EBADSLT, EFAULT, EINVAL …; 0: may be made */
};

struct outcome {
	enum status status;
	int64_t ret;
	int32_t error;
	uint64_t ns;
};

/* The slots of the actor that runs. */
struct slots {
	int64_t value[SLOTS];
	bool set[SLOTS];
};

/* Walk over one step without making anything of it. False: the bytes are no step. */
bool step_skip(struct cursor *cursor, enum actor *actor);
/* Take one step off the wire. Strings and buffers are used where they lie, out-buffers and pointer arrays go to `arena`.
 * False: malformed, or out of memory. */
bool step_take(struct cursor *cursor, struct step *step, struct slots *slots, struct buffer *arena);
/* Make the call (a special one too, except clone3 and exec when `special` is false), keep what is to be kept. */
struct outcome step_make(struct step *step, struct slots *slots);
/* Append the RESULT (or UNDONE) frame. */
bool result_append(struct buffer *buffer, uint8_t type, uint32_t batch, uint16_t index, const struct outcome *outcome, const struct step *step);
bool step_allows(const struct step *step, int error);

uint64_t now_ns(void);

#endif
