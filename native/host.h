/* The host's side of a shim: everything that one of them knows, and its parts. */
#ifndef DRYDOCK_HOST_H
#define DRYDOCK_HOST_H

#include "child.h"
#include "step.h"
#include "wire.h"

struct host {
	struct shim shim;          /* what the monitor sees of this */
	struct slots slots;
	int channel;               /* to the child, until its exec or its end; -1 */
	struct exchange *exchange; /* likewise; NULL */
	struct buffer frame;       /* the client's last frame */
	struct buffer arena;       /* memory of the step being made */
	struct buffer answer;      /* frames that wait to be sent */
	struct buffer armed;       /* undo steps as they came over the wire, each in front of its length (u32); run from the end */
	bool ended;                /* the child's life is over, or the client's patience: no step is made any more */
	bool rollback;             /* … because the client asked */
	bool watching;             /* the monitor speaks to the client: answers are collected for it, and it alone waits for the child */
	bool reaped;               /* by a step of the plan: */
	int wait_status;
};

/* What a batch is at. */
struct run {
	uint32_t batch;
	uint16_t index; /* of the next step */
	uint16_t count;
	bool stopped;   /* the rest is not run: */
	bool failed;    /* … because of a failure, and not because an exec succeeded */
	bool quiet;     /* QUIET: results that say nothing are left out */
};

/* actor.c: be a shim for this client, until everything is undone. */
void serve(int client);
/* Frames to the client, collected until somebody has to wait, or there are so many bytes of them. */
#define ANSWER_ENOUGH (256u << 10)
void answer_frame(struct host *host, uint8_t type, const void *body, size_t length);
void answer_result(struct host *host, struct run *run, const struct outcome *outcome, const struct step *step);
void answer_flush(struct host *host);

/* batch.c */
/* Answer a BATCH or QUIET frame. Returns 0, or the code of the ERROR that it deserves: then nothing of it was made. */
int batch_run(struct host *host, uint8_t *body, size_t length, bool quiet);

/* The same while the monitor watches: struct shim's `batch`. */
int batch_while_watching(struct shim *shim, uint8_t *body, size_t length, const uint8_t **frames, size_t *frames_length);

/* clone.c: the child as the host sees it. */
struct outcome clone_child(struct host *host, struct step *step);
/* Have the child make `count` steps that begin at `steps`; `run` moves on as far as they were answered. */
void child_make(struct host *host, struct run *run, struct cursor *steps, uint16_t count, uint32_t length);
/* Does nothing when there is none, or it is dead. */
void child_kill(struct host *host);
/* Reap it if it has not been; EXIT to the client unless it asked for the end itself. */
void child_reap(struct host *host);

/* undo.c */
bool undo_reserve(struct host *host, size_t more);
void undo_arm(struct host *host, const struct outline *outline);
void undo_run(struct host *host);
void undo_release(struct host *host);
/* The same for the monitor: struct shim's `release`. */
void undo_release_of(struct shim *shim);

#endif
