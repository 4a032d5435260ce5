/* A shim without its core, for tests of the monitor: a process that opens a MONITOR frame, forks a "container" with pipes or a terminal,
 * and runs monitor_run and monitor_linger. The test is its client. */
#ifndef DRYDOCK_TEST_HARNESS_H
#define DRYDOCK_TEST_HARNESS_H

#include "../../shim.h"
#include "../../wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition, ...)                                                                \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);      \
			fprintf(stderr, " " __VA_ARGS__);                                    \
			fprintf(stderr, " (errno %d)\n", errno);                             \
			exit(1);                                                             \
		}                                                                            \
	} while (0)

#define DETACH_FLAG 1
#define TTY_FLAG 2
#define KEEP_STDIN_FLAG 4

struct setup {
	uint8_t flags;
	bool no_monitor;
	const char *log, *exit, *socket, *oom; /* names in the test's directory, or absolute paths; NULL: none */
	uint32_t max_size;
	uint16_t max_files;
	void (*program)(void *); /* the container; its exit status is 0 if it returns */
	void *argument;
	void (*prepare)(void); /* called in the shim's process */
	int (*batch)(struct shim *shim, uint8_t *body, size_t length, const uint8_t **frames, size_t *frames_length);
};

struct run {
	pid_t shim;
	int client;
	int go;
	char dir[64];
};

struct frame {
	uint8_t type;
	size_t length;
	uint8_t *body; /* until the next one is received */
};

/* Fork the shim; its MONITOR frame has been taken and its socket listens when this returns. */
void launch(struct run *run, const struct setup *setup);
/* The container begins. */
void begin_container(struct run *run);
/* Wait for the shim's own end, which must be an orderly one. */
void join(struct run *run);
/* "dir/name" in one of a few static buffers. */
const char *in_dir(const struct run *run, const char *name);

void put_frame(int fd, uint8_t type, const void *body, size_t length);
/* false: end of the stream. */
bool get_frame(int fd, struct frame *frame);
/* The next frame must be of this type. */
struct frame expect_frame(int fd, uint8_t type);
/* Skip everything up to EXIT; returns the wait status. */
int expect_exit(int fd);
/* EXIT, then ENDED and the end of the stream. */
int expect_exit_and_end(int fd);

int connect_to_monitor(const struct run *run);
int attach(const struct run *run, uint8_t flags);
int control(const struct run *run);

/* A whole file, NUL-terminated, until the next one; NULL: there is none. */
char *slurp(const char *path, size_t *length);

/* Bytes that look like noise and are known at every offset. */
uint8_t noise(int seed, uint64_t offset);
void make_noise(int seed, uint64_t offset, uint8_t *into, size_t n);
void check_noise(int seed, uint64_t offset, const uint8_t *bytes, size_t n);
/* Everything, however long it takes. */
void put_all(int fd, const void *bytes, size_t n);

/* Checks Docker's stream framing and that each stream is its noise (seeds 1 and 2) from the first byte. */
struct demux {
	uint8_t header[8];
	size_t header_length;
	uint32_t left;
	uint64_t seen[3]; /* by stream */
};
void demux(struct demux *demux, const uint8_t *bytes, size_t n);
/* Read so much, or everything, from an attached stream. Returns false at its end. */
bool demux_some(struct demux *demux, int fd, uint64_t most);
void demux_all(struct demux *demux, int fd);

/* --- containers --- */

#define MIB ((uint64_t)1 << 20)

void exit_with(void *status);
void wait_for_ever(void *unused);
/* stdin to stdout, and exit 42. */
void echo(void *unused);
/* One line, and after a byte on stdin the other. */
void say_twice(void *unused);

/* Noise on both streams (seeds 1 and 2), in pieces of all sizes; write_noise takes a plan that is shared with the test. */
struct noise_plan {
	uint64_t amount[2];
	size_t piece; /* 0: all sizes */
	volatile uint64_t written; /* so far, by both */
	pid_t pid;
};
struct noise_plan *noise_plan(uint64_t out, uint64_t err, size_t piece);
void write_noise(void *plan);

/* Memory that the test and its container share. */
void *shared(size_t n);
/* The process waits in the kernel for something to happen. */
bool sleeps(pid_t pid);
bool is_dead(pid_t pid);
/* Wait until both processes sleep and the counter stands still. */
void wait_until_stuck(const struct run *run, pid_t container, const volatile uint64_t *counter);

struct test {
	const char *name;
	void (*run)(void);
};
#define TEST(name) { #name, name }

/* Runs those of a table (it ends with an empty row) whose name has one of the words in it, all without words. Returns how many failed. */
size_t run_tests(const struct test *tests, char **words, size_t *ran);

extern const struct test json_tests[], small_tests[], log_tests[], rotation_tests[], opening_tests[], attended_tests[], batch_tests[],
	reader_tests[], deliver_tests[], input_tests[], exit_tests[], terminal_tests[], hostile_tests[];

#endif
