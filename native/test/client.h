/* A client of the shim for tests: steps as C values, frames as structures. Every failure ends the test program with a sentence. */
#ifndef DRYDOCK_TEST_CLIENT_H
#define DRYDOCK_TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../wire.h"

/* Bytes that were encoded; memory is never given back, these programs are short. */
struct blob {
	uint8_t *data;
	size_t length;
};

struct blob INT(int64_t value);
struct blob SLOT(uint8_t slot);
struct blob BYTES(const void *data, size_t length);
struct blob STR(const char *text);
struct blob TEXT(const char *before, int slot, const char *after); /* slot < 0: only `before` */
struct blob STRV(const char *const *strings);
struct blob OUT(uint32_t length);
/* BYTES or INOUT with one patch: the slot's value, or the address of another argument. */
struct blob WITH_VALUE(const void *data, size_t length, uint32_t offset, int width, uint8_t slot);
struct blob WITH_ADDRESS(const void *data, size_t length, uint32_t offset, struct blob arg);

#define AT_CWD INT(-100)
#define NONE INT(0)
#define MAX 8

struct made {
	int actor;
	const char *name;
	struct blob args[MAX], undo[MAX];
	int n_args, n_undo, n_allow, n_keep;
	int allow[MAX];
	struct {
		uint8_t source, width, slot;
		uint16_t offset;
	} keep[MAX];
};

struct made host_step(const char *name, int n, const struct blob *args);
struct made container_step(const char *name, int n, const struct blob *args);
#define ARGS(...) (int)(sizeof((struct blob[]){ __VA_ARGS__ }) / sizeof(struct blob)), (struct blob[]){ __VA_ARGS__ }
#define HOSTS(name, ...) host_step(name, ARGS(__VA_ARGS__))
#define CONTAINERS(name, ...) container_step(name, ARGS(__VA_ARGS__))
struct made allowing(struct made step, int error);
struct made keeping(struct made step, uint8_t slot);                    /* the return value */
struct made keeping_out(struct made step, uint8_t out, uint16_t offset, uint8_t width, uint8_t slot);
struct made undone_by(struct made step, struct made undo);
struct blob encode(const struct made *step);

/* clone3 with these CLONE_NEW… flags. */
struct made clone_step(uint64_t flags);

/* A plan: steps that are sent as one batch. */
struct plan {
	struct made steps[128];
	int count;
};
void add(struct plan *plan, struct made step);
struct blob batch_frame(uint32_t batch, const struct plan *plan);
struct blob frame(uint8_t type, const void *body, size_t length);

/* What the shim says. */
struct said {
	uint8_t type; /* 0: the end of the stream */
	uint32_t batch;
	uint16_t index;
	uint8_t status;
	int64_t ret;
	int32_t error;
	uint64_t ns;
	int n_outs;
	struct blob out[16];
	struct blob body;
};

struct client {
	int fd;
	pid_t pid; /* of the shim, if this program started it */
};
extern const char *shim_path;
struct client start_shim(void);          /* --fd; HELLO is read */
struct client connect_shim(const char *path);
void tell(const struct client *client, struct blob bytes);
struct said hear(const struct client *client);
/* Read until a frame of this type; results of the batch are put into `results` by their index. */
struct said hear_until(const struct client *client, uint8_t type, struct said results[], int room);
/* Send the plan, read its answer up to DONE. Returns the verdict. */
int run_plan(const struct client *client, const struct plan *plan, struct said results[]);
void hang_up(struct client *client); /* and reap the shim if it is ours */

/* Tests. */
#define CHECK(condition)                                                           \
	do {                                                                       \
		if (!(condition))                                                  \
			failed(__FILE__, __LINE__, #condition, NULL);              \
	} while (0)
#define CHECK_EQUAL(a, b) check_equal(__FILE__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))
_Noreturn void failed(const char *file, int line, const char *what, const char *detail);
void check_equal(const char *file, int line, const char *what, long long a, long long b);
bool process_exists(pid_t pid);
long read_number(const char *path, const char *key); /* of a line `key: N` or `key N`; -1 */
void wait_until_below(const char *path, const char *key, long limit);
void wait_until_gone(pid_t pid);

#endif
